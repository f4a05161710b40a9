#include "cli/visit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <fmt/format.h>

#include "cli/signals.h"
#include "cli/visit_streams.h"
#include "supervisor/socket.h"
#include "supervisor/visit_protocol.h"

namespace reeve::cli {
namespace {

constexpr int kSignalled = 128;

class Visit {
 public:
  Visit(const Session& session, Signals signals, VisitStreams streams, Fd socket)
      : session_(session),
        signals_(std::move(signals)),
        streams_(std::move(streams)),
        socket_(std::move(socket)) {}

  Checked<void> knock(const Uuid& ticket) {
    supervisor::Knock knock{.ticket = ticket, .has_terminal = streams_.has_terminal()};
    if (knock.has_terminal) knock.terminal = session_.surroundings.terminal_type;
    TRY(supervisor::send_knock(socket_.get(), knock, streams_.far_ends()));
    streams_.close_far_ends();
    return {};
  }

  Ended run() {
    while (!status_) TRY(take_part());
    raw_.reset();
    if (streams_.has_terminal() && !message_.empty()) session_.err.write("\n");
    if (!message_.empty()) session_.say(message_);
    return *status_;
  }

 private:
  Checked<void> take_part() {
    std::vector<pollfd> waits{{socket_.get(), POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}};
    if (is_inside_) streams_.add_waits(waits);
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) return {};
      return tl::unexpected(Failure(fail_errno(errno, "cannot wait").value()));
    }
    if (waits[1].revents != 0) obey_signals();
    if (is_inside_) streams_.move(waits, session_.out, session_.err);
    if (session_.out.error() != 0) status_ = kSignalled + SIGPIPE;
    if (streams_.has_hung_up()) status_ = kSignalled + SIGHUP;
    if (!status_ && waits[0].revents != 0) TRY(hear());
    return {};
  }

  void obey_signals() {
    const SignalsTaken taken = signals_.take();
    if (taken.resized) streams_.follow_size();
    if (taken.interrupts > 0) status_ = kExitInterrupted;
    if (taken.terminations > 0) status_ = kExitTerminated;
    if (taken.hung_up) status_ = kSignalled + SIGHUP;
  }

  Checked<void> hear() {
    auto news = supervisor::receive_news(socket_.get());
    if (!news)
      return tl::unexpected(Failure(kExitEngineFault, news.error().text(),
                                    "the task may have ended with it: `reeve show` tells"));
    switch (news->state) {
      case supervisor::VisitState::entered: return begin();
      case supervisor::VisitState::refused:
        return tl::unexpected(Failure(news->status, news->message));
      case supervisor::VisitState::left: break;
    }
    streams_.drain(session_.out, session_.err);
    status_ = news->status;
    message_ = std::move(news->message);
    return {};
  }

  Checked<void> begin() {
    is_inside_ = true;
    if (!streams_.has_terminal()) return {};
    TRY_ASSIGN(RawTerminal raw, RawTerminal::enter(STDIN_FILENO));
    raw_.emplace(std::move(raw));
    streams_.follow_size();
    return {};
  }

  const Session& session_;
  Signals signals_;
  VisitStreams streams_;
  Fd socket_;
  std::optional<RawTerminal> raw_;
  std::optional<int> status_;
  std::string message_;
  bool is_inside_ = false;
};

}  // namespace

Ended visit(const Session& session, const StateLayout& layout, const Uuid& ticket) {
  const bool has_terminal =
      session.surroundings.stdin_is_terminal && session.surroundings.stdout_is_terminal;
  TRY_ASSIGN(Signals signals, Signals::open());
  TRY_ASSIGN(VisitStreams streams,
             has_terminal ? VisitStreams::with_terminal() : VisitStreams::with_pipes());
  TRY_ASSIGN(Fd socket, supervisor::connect_in(layout.root, supervisor::kEntranceName));
  Visit visit(session, std::move(signals), std::move(streams), std::move(socket));
  TRY(visit.knock(ticket));
  return visit.run();
}

}  // namespace reeve::cli
