#include "cli/visit_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include <stdlib.h>

namespace reeve::cli {
namespace {

constexpr std::size_t kChunkBytes = 64U << 10;

bool is_among(const std::vector<pollfd>& waits, int descriptor) {
  return descriptor >= 0 && std::ranges::any_of(waits, [&](const pollfd& wait) {
           return wait.fd == descriptor && wait.revents != 0;
         });
}

Status make_pipe(Fd& reader, Fd& writer) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  reader.reset(ends[0]);
  writer.reset(ends[1]);
  return {};
}

Status do_not_wait(const Fd& end) {
  if (::fcntl(end.get(), F_SETFL, O_NONBLOCK) != 0)
    return fail_errno(errno, "cannot set up a pipe");
  return {};
}

}  // namespace

Result<RawTerminal> RawTerminal::enter(int descriptor) {
  termios before{};
  if (::tcgetattr(descriptor, &before) != 0)
    return fail_errno(errno, "cannot read the settings of the terminal");
  termios raw = before;
  ::cfmakeraw(&raw);
  if (::tcsetattr(descriptor, TCSADRAIN, &raw) != 0)
    return fail_errno(errno, "cannot change the settings of the terminal");
  return RawTerminal(descriptor, before);
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      before_(other.before_) {}

RawTerminal::~RawTerminal() {
  if (descriptor_ >= 0) ::tcsetattr(descriptor_, TCSADRAIN, &before_);
}

Result<VisitStreams> VisitStreams::with_terminal() {
  VisitStreams made;
  made.has_terminal_ = true;
  made.input_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 128> path{};
  if (!made.input_ || ::grantpt(made.input_.get()) != 0 || ::unlockpt(made.input_.get()) != 0 ||
      ::ptsname_r(made.input_.get(), path.data(), path.size()) != 0)
    return fail_errno(errno, "cannot make a terminal");
  made.far_input_.reset(::open(path.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!made.far_input_) return fail_errno(errno, "cannot open a terminal");
  termios settings{};
  if (::tcgetattr(STDIN_FILENO, &settings) == 0)
    ::tcsetattr(made.far_input_.get(), TCSANOW, &settings);
  made.follow_size();
  TRY(do_not_wait(made.input_));
  return made;
}

Result<VisitStreams> VisitStreams::with_pipes() {
  VisitStreams made;
  TRY(make_pipe(made.far_input_, made.input_));
  TRY(make_pipe(made.output_, made.far_output_));
  TRY(make_pipe(made.errors_, made.far_errors_));
  TRY(do_not_wait(made.input_));
  TRY(do_not_wait(made.output_));
  TRY(do_not_wait(made.errors_));
  return made;
}

std::array<int, 3> VisitStreams::far_ends() const {
  const int input = far_input_.get();
  if (has_terminal_) return {input, input, input};
  return {input, far_output_.get(), far_errors_.get()};
}

void VisitStreams::close_far_ends() {
  far_input_.reset();
  far_output_.reset();
  far_errors_.reset();
}

void VisitStreams::follow_size() const {
  winsize size{};
  if (has_terminal_ && ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
    ::ioctl(input_.get(), TIOCSWINSZ, &size);
}

void VisitStreams::add_waits(std::vector<pollfd>& waits) const {
  // What is read is written first: so a program that reads nothing holds up whoever feeds it.
  if (!input_ended_ && pending_.empty()) waits.push_back({STDIN_FILENO, POLLIN, 0});
  const auto writes = static_cast<short>(pending_.empty() ? 0 : POLLOUT);
  const auto reads = static_cast<short>(has_terminal_ ? POLLIN : 0);
  if (input_) waits.push_back({input_.get(), static_cast<short>(reads | writes), 0});
  if (output_) waits.push_back({output_.get(), POLLIN, 0});
  if (errors_) waits.push_back({errors_.get(), POLLIN, 0});
}

void VisitStreams::move(const std::vector<pollfd>& waits, Stream& out, Stream& err) {
  if (is_among(waits, STDIN_FILENO)) read_input();
  const bool is_ready = is_among(waits, input_.get());
  const bool is_idle = pending_.empty();
  if (!is_idle) write_input();
  if (has_terminal_ && is_ready && !copy(input_, out)) input_.reset();
  // Whoever read the pipe has gone: nothing else shows while there is nothing to write.
  if (!has_terminal_ && is_ready && is_idle) input_.reset();
  if (!has_terminal_ && input_ended_ && pending_.empty()) input_.reset();
  if (is_among(waits, output_.get()) && !copy(output_, out)) output_.reset();
  if (is_among(waits, errors_.get()) && !copy(errors_, err)) errors_.reset();
}

void VisitStreams::read_input() {
  if (input_ended_ || !pending_.empty()) return;
  pending_.resize(kChunkBytes);
  const ssize_t got = ::read(STDIN_FILENO, pending_.data(), pending_.size());
  const bool is_later = got < 0 && (errno == EINTR || errno == EAGAIN);
  pending_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  input_ended_ = got <= 0 && !is_later;
  if (!input_) pending_.clear();
}

void VisitStreams::write_input() {
  const ssize_t written = ::write(input_.get(), pending_.data(), pending_.size());
  if (written > 0) {
    pending_.erase(0, static_cast<std::size_t>(written));
  } else if (errno != EAGAIN && errno != EINTR) {
    // Nobody reads it (any more).
    pending_.clear();
    if (!has_terminal_) {
      input_.reset();
      input_ended_ = true;
    }
  }
}

bool VisitStreams::copy(const Fd& from, Stream& to) {
  std::array<char, kChunkBytes> chunk;
  const ssize_t got = ::read(from.get(), chunk.data(), chunk.size());
  if (got > 0) to.write({chunk.data(), static_cast<std::size_t>(got)});
  // A terminal says EIO once nobody has its far end open.
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

void VisitStreams::drain(Stream& out, Stream& err) {
  const auto all_of = [](Fd& from, Stream& to) {
    pollfd ready{from.get(), POLLIN, 0};
    while (from && ::poll(&ready, 1, 0) > 0 && to.error() == 0) {
      if (!copy(from, to)) from.reset();
      ready.fd = from.get();
    }
  };
  if (has_terminal_) all_of(input_, out);
  all_of(output_, out);
  all_of(errors_, err);
}

}  // namespace reeve::cli
