#include "supervisor/visits.h"

#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include "sandbox/wire.h"
#include "supervisor/socket.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kConnectionsMax = 64;
constexpr std::size_t kTicketsMax = 256;
/// The engine says who comes before they can know of it, or soon after.
constexpr Duration kTicketWait = std::chrono::seconds(10);
constexpr Duration kTicketLife = std::chrono::seconds(30);
/// From SIGHUP to SIGKILL.
constexpr Duration kHangUpGrace = std::chrono::seconds(5);

constexpr int kExitConflict = 6;
constexpr int kExitFault = 125;
constexpr int kExitNotExecutable = 126;
constexpr int kExitNotFound = 127;
constexpr int kExitSignalled = 128;

int shell_status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? kExitSignalled + WTERMSIG(wait_status)
                                  : WEXITSTATUS(wait_status);
}

int refusal_status(const sandbox::Reply& reply) {
  const auto step = static_cast<sandbox::ProgramStep>(reply.step);
  if (step == sandbox::ProgramStep::execute)
    return reply.error == ENOENT ? kExitNotFound : kExitNotExecutable;
  return kExitFault;
}

VisitNews refusal(int status, std::string why) {
  return {VisitState::refused, status, std::move(why)};
}

}  // namespace

Status Visits::listen() {
  TRY_ASSIGN(listener_, listen_in(settings_.state_directory, kEntranceName));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = settings_.listener_tag;
  if (::epoll_ctl(settings_.epoll, EPOLL_CTL_ADD, listener_.get(), &event) != 0)
    return fail_errno(errno, "cannot watch the entrance to sandboxes");
  return {};
}

void Visits::on_listener(Instant now) {
  auto socket = accept_from(listener_.get());
  if (!socket || visits_.size() >= kConnectionsMax || !is_trusted_peer(socket->get())) return;
  const std::uint32_t number = ++last_number_;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = settings_.tag(number);
  if (::epoll_ctl(settings_.epoll, EPOLL_CTL_ADD, socket->get(), &event) != 0) return;
  Visit& visit = visits_[number];
  visit.socket = std::move(*socket);
  visit.deadline = now + kTicketWait;
}

void Visits::on_peer(std::uint32_t number, Instant now) {
  const auto at = visits_.find(number);
  if (at == visits_.end()) return;
  if (at->second.phase == Phase::knocking) return take_knock(number, now);
  // Nothing more is to be said: it is the end of the connection, or somebody who does not know.
  hang_up(number, now);
}

void Visits::take_knock(std::uint32_t number, Instant now) {
  Visit& visit = visits_.at(number);
  auto knock = receive_knock(visit.socket.get());
  if (!knock) {
    visits_.erase(number);
    return;
  }
  if (knock->knock.version != kProtocolVersion)
    return finish(number,
                  refusal(kExitConflict,
                          "the supervisor that runs is of another version of reeve: it ends when "
                          "its attempts have"));
  visit.knock = std::move(*knock);
  visit.phase = Phase::waiting;
  visit.deadline = now + kTicketWait;
  const auto ticket = tickets_.find(visit.knock.knock.ticket);
  if (ticket == tickets_.end()) return;
  const EnterOrder order = std::move(ticket->second.order);
  tickets_.erase(ticket);
  begin(number, order);
}

void Visits::expect(EnterOrder order, Instant now) {
  for (const auto& [number, visit] : visits_) {
    if (visit.phase == Phase::waiting && visit.knock.knock.ticket == order.ticket)
      return begin(number, order);
  }
  if (tickets_.size() >= kTicketsMax) return;
  const Uuid ticket = order.ticket;
  tickets_.insert_or_assign(ticket, Ticket{std::move(order), now + kTicketLife});
}

std::size_t Visits::inside(Token token) const {
  return static_cast<std::size_t>(std::ranges::count_if(visits_, [&](const auto& entry) {
    return entry.second.token == token && entry.second.phase >= Phase::inside;
  }));
}

void Visits::begin(std::uint32_t number, const EnterOrder& order) {
  Visit& visit = visits_.at(number);
  if (inside(order.token) >= sandbox::kVisitorsMax)
    return finish(
        number, refusal(kExitConflict, std::to_string(sandbox::kVisitorsMax) +
                                           " sessions are in this attempt already: end one first"));
  VisitRequest request{.number = number,
                       .command = order.command,
                       .terminal = visit.knock.knock.terminal,
                       .has_terminal = visit.knock.knock.has_terminal,
                       .streams = {}};
  for (std::size_t i = 0; i < request.streams.size(); ++i)
    request.streams[i] = visit.knock.streams[i].get();
  const Status entered = attempts_.enter(order.token, request);
  visit.knock.streams = {};
  if (!entered)
    return finish(number,
                  refusal(entered.error().code == ErrorCode::conflict ? kExitConflict : kExitFault,
                          entered.error().text()));
  visit.token = order.token;
  visit.program = order.command.front();
  visit.phase = Phase::inside;
  visit.deadline = kNoDeadline;
}

void Visits::on_reply(const sandbox::Reply& reply, const std::string& why) {
  const auto at = visits_.find(reply.visitor);
  if (at == visits_.end()) return;
  switch (reply.kind) {
    case sandbox::ReplyKind::entered:
      // Whoever has gone meanwhile shows at the socket.
      if (at->second.socket)
        static_cast<void>(send_news(at->second.socket.get(), {VisitState::entered, 0, {}}));
      return;
    case sandbox::ReplyKind::left:
      return finish(reply.visitor, {VisitState::left, shell_status_of(reply.status), {}});
    case sandbox::ReplyKind::refused:
      return finish(reply.visitor, refusal(refusal_status(reply), at->second.program + ": " + why));
    default: return;
  }
}

void Visits::on_attempt_ended(Token token) {
  std::vector<std::uint32_t> ended;
  for (const auto& [number, visit] : visits_)
    if (visit.phase >= Phase::inside && visit.token == token) ended.push_back(number);
  for (const std::uint32_t number : ended)
    finish(number, {VisitState::left, kExitSignalled + SIGKILL,
                    "the attempt has ended, and with it what was started in it"});
}

/// Tells the last news and forgets it.
void Visits::finish(std::uint32_t number, const VisitNews& news) {
  const auto at = visits_.find(number);
  if (at->second.socket) static_cast<void>(send_news(at->second.socket.get(), news));
  visits_.erase(at);
}

void Visits::hang_up(std::uint32_t number, Instant now) {
  Visit& visit = visits_.at(number);
  visit.socket.reset();
  if (visit.phase != Phase::inside) {
    visits_.erase(number);
    return;
  }
  visit.phase = Phase::leaving;
  visit.deadline = now + kHangUpGrace;
  attempts_.signal_visit(visit.token, number, SIGHUP);
}

void Visits::on_due(std::uint32_t number) {
  Visit& visit = visits_.at(number);
  visit.deadline = kNoDeadline;
  if (visit.phase == Phase::leaving) return attempts_.signal_visit(visit.token, number, SIGKILL);
  finish(number, refusal(kExitConflict, "the engine did not announce it in time"));
}

void Visits::on_time(Instant now) {
  std::vector<std::uint32_t> due;
  for (const auto& [number, visit] : visits_)
    if (visit.deadline <= now) due.push_back(number);
  for (const std::uint32_t number : due) on_due(number);
  std::erase_if(tickets_, [&](const auto& entry) { return entry.second.until <= now; });
}

Instant Visits::next_deadline() const {
  Instant next = kNoDeadline;
  for (const auto& [number, visit] : visits_) next = std::min(next, visit.deadline);
  for (const auto& [ticket, what] : tickets_) next = std::min(next, what.until);
  return next;
}

}  // namespace reeve::supervisor
