#include "tests/conformance/local_place.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

namespace reeve::tests {

void LocalPlace::next_engine() {
  executor_.reset();
  recorder_ = std::make_unique<Recorder>();
  executor_ = bed_.make_local_executor();
  const Status attached = executor_->attach(*recorder_);
  ASSERT_TRUE(attached) << attached.error().text();
  set_cpus(4);
}

void LocalPlace::set_cpus(int cpus) {
  Resources capacity;
  capacity.cpu_millicores = cpus * 1000;
  capacity.memory_bytes = std::int64_t{1} << 30;
  executor_->set_capacity(capacity);
  executor_->flush();
}

Launch LocalPlace::command(std::vector<std::string> arguments) {
  Launch launch;
  launch.sandbox.tier = bed_.tier();
  launch.token = Token{++next_token_};
  launch.task = {RunId{1}, static_cast<std::uint32_t>(next_token_)};
  launch.attempt = 1;
  launch.run = Uuid::from_parts(1'700'000'000'000, 2, 2);
  launch.arguments = std::move(arguments);
  launch.work_directory = bed_.path("");
  launch.resources.cpu_millicores = 1000;
  launch.grace = std::chrono::hours(1);
  launch.output_bytes_max = 1 << 20;
  return launch;
}

Launch LocalPlace::script(const std::string& text) {
  Launch launch = command({"sh"});
  launch.script = text;
  return launch;
}

void LocalPlace::start(const Launch& launch) {
  executor_->start(launch);
  executor_->flush();
}

AttemptEnd LocalPlace::end_of(const Launch& launch) {
  const bool came = wait([&](const Seen& seen) { return seen.has_ended(launch.token); });
  EXPECT_TRUE(came) << "no end of " << launch.script;
  return came ? recorder_->seen().ended.at(launch.token).back() : AttemptEnd{};
}

AttemptEnd LocalPlace::run(const Launch& launch) {
  start(launch);
  return end_of(launch);
}

void LocalPlace::wait_for_progress(const Launch& launch) {
  EXPECT_TRUE(wait([&](const Seen& seen) { return bed_.is_ready(seen, launch.token); }))
      << "no progress of " << launch.script;
}

Liveness LocalPlace::probe(Token token) {
  const auto count = [&](const Seen& seen) {
    const auto at = seen.liveness.find(token);
    return at == seen.liveness.end() ? 0 : at->second.size();
  };
  const std::size_t before = count(recorder_->seen());
  executor_->probe(token);
  executor_->flush();
  EXPECT_TRUE(wait([&](const Seen& seen) { return count(seen) > before; }));
  return recorder_->seen().liveness.at(token).back();
}

pid_t LocalPlace::supervisor() {
  EXPECT_EQ(probe(Token{++next_unknown_}), Liveness::unknown);
  return static_cast<pid_t>(executor_->supervisor_pid());
}

void wait_for_process_end(pid_t pid) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return;
  pollfd wait{process.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 60'000), 1) << "process " << pid << " does not end";
}

}  // namespace reeve::tests
