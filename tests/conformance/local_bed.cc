#include "tests/conformance/local_bed.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "supervisor/files.h"
#include "supervisor/log_file.h"
#include "supervisor/paths.h"
#include "supervisor/processes.h"

namespace reeve::tests {
namespace {

std::string supervisor_program() {
  return std::filesystem::path(REEVE_BINARY).parent_path() / "tests/supervisor_alone";
}

std::string state_id(const std::string& state) {
  return supervisor::read_file_prefix(supervisor::state_file(state, supervisor::kIdName), 64);
}

}  // namespace

LocalBed::LocalBed(SandboxTier tier) : tier_(tier) {
  std::string pattern = (std::filesystem::temp_directory_path() / "reeve_bed_XXXXXX").string();
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  directory_ = pattern;
  state_ = directory_ + "/state";
}

/// Ends the supervisor, and then what it ran.
LocalBed::~LocalBed() {
  Recorder recorder;
  auto executor = make_local_executor();
  pid_t pid = 0;
  if (executor->attach(recorder)) {
    executor->probe(Token{~0ULL});
    executor->flush();
    recorder.wait([](const Seen& seen) { return seen.liveness.contains(Token{~0ULL}); });
    pid = static_cast<pid_t>(executor->supervisor_pid());
  }
  executor.reset();  // first: it would start another supervisor
  if (pid > 0) ::kill(pid, SIGKILL);
  const std::string id = state_id(state_);
  if (!id.empty()) supervisor::sweep(id + ".", std::chrono::seconds{5});
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::unique_ptr<executors::LocalExecutor> LocalBed::make_local_executor() {
  executors::LocalExecutor::Options options;
  options.state_directory = state_;
  options.program = supervisor_program();
  options.arguments = {};
  options.supervisor_idle_end = idle_end_;
  return std::make_unique<executors::LocalExecutor>(options);
}

std::unique_ptr<engine::Executor> LocalBed::make_executor() { return make_local_executor(); }

void LocalBed::shape_script(Launch& launch, const std::string& script) const {
  launch.arguments = {"sh"};
  launch.script = script;
  launch.work_directory = directory_;
  launch.sandbox.tier = tier_;
}

void LocalBed::shape(Launch& launch, Deed deed) {
  // What runs on says so in a line of progress: from then on it takes signals as it should.
  const std::string mark = "echo >> ran." + std::to_string(launch.token.value) + "; ";
  const std::string ready = mark + "echo ::progress 1 ready; ";
  switch (deed) {
    case Deed::succeed: return shape_script(launch, mark + "exit 0");
    case Deed::exit_with_3: return shape_script(launch, mark + "exit 3");
    case Deed::run_on: return shape_script(launch, ready + "exec sleep 1000");
    case Deed::ignore_terminate:
      return shape_script(launch, "trap '' TERM; " + ready + "while :; do sleep 1000; done");
    case Deed::write_output:
      return shape_script(launch, mark + "echo answer=42 >> \"$REEVE_OUTPUT\"");
    case Deed::fail_to_start:
      shape_script(launch, mark);
      launch.work_directory = directory_ + "/is-not-there";
      return;
  }
}

bool LocalBed::is_ready(const Seen& seen, Token token) {
  return std::ranges::any_of(seen.progress,
                             [&](const Progress& progress) { return progress.token == token; });
}

int LocalBed::times_run(Token token) {
  const std::string marks =
      supervisor::read_file_prefix(path("ran." + std::to_string(token.value)), 1000);
  return static_cast<int>(marks.size());
}

std::vector<pid_t> LocalBed::processes() const {
  return supervisor::marked_processes(state_id(state_) + ".");
}

std::string read_log(const std::string& state, const Launch& launch) {
  auto reader = supervisor::LogReader::open(
      supervisor::log_path(state, {launch.run, launch.task.index, launch.attempt}));
  std::string text;
  while (reader) {
    const auto frame = reader->next();
    if (!frame || !*frame) break;
    if ((*frame)->stream != supervisor::LogStream::notice) text.append((*frame)->bytes);
  }
  return text;
}

}  // namespace reeve::tests
