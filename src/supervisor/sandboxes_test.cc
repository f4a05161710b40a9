// Which sandboxes are kept with a program that waits in them, and for how long: real ones.
#include "supervisor/sandboxes.h"

#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kWaitingMax = 16;

class SandboxesTest : public testing::Test {
 protected:
  SandboxesTest() : leftovers_("sandboxes-test."), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    char name[] = "/tmp/reeve-sandboxes-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::filesystem::create_directory(directory_ + "/work");
    Sandboxes::Settings settings;
    settings.state_directory = directory_ + "/state";
    settings.state_id = "test" + std::to_string(::getpid());
    settings.epoll = epoll_.get();
    settings.tag = [](SandboxNumber number) { return number; };
    sandboxes_.emplace(std::move(settings), leftovers_);
  }
  ~SandboxesTest() override {
    sandboxes_.reset();
    while (::waitpid(-1, nullptr, 0) > 0) continue;
    std::filesystem::remove_all(directory_);
  }

  Sandboxes::Kind kind(const WarmProgram& program) const {
    return {directory_ + "/work", nullptr, &program};
  }
  SandboxNumber take(const WarmProgram& program) {
    const auto taken = sandboxes_->take(launch_, kind(program), 1);
    EXPECT_TRUE(taken) << taken.error().text();
    return taken ? (*taken)->number : kNoSandbox;
  }

  std::string directory_;
  Leftovers leftovers_;
  Fd epoll_;
  Launch launch_;
  std::optional<Sandboxes> sandboxes_;
};

WarmProgram waiting(const std::string& name) {
  WarmProgram program;
  program.arguments = {"sh", "-c", "echo ready >&4; cat <&3", name};
  program.candidates = {"/bin/sh"};
  program.work_directory = "/";
  return program;
}

TEST_F(SandboxesTest, one_waits_for_the_next_attempt_of_its_kind) {
  const WarmProgram program = waiting("one");
  const WarmProgram other = waiting("other");
  sandboxes_->keep_ahead(launch_, kind(program));
  sandboxes_->keep_ahead(launch_, kind(program));
  EXPECT_EQ(take(other), 2U);
  EXPECT_EQ(take(program), 1U);
  sandboxes_->keep_ahead(launch_, kind(program));
  sandboxes_->give_back(1);
  sandboxes_->keep_ahead(launch_, kind(program));
  EXPECT_EQ(take(program), 1U);
  EXPECT_EQ(take(program), 3U);
  EXPECT_EQ(take(program), 4U);
}

TEST_F(SandboxesTest, what_waits_for_nobody_is_ended) {
  const WarmProgram program = waiting("one");
  EXPECT_EQ(sandboxes_->next_deadline(), kNoDeadline);
  sandboxes_->keep_ahead(launch_, kind(program));
  const Instant due = sandboxes_->next_deadline();
  ASSERT_NE(due, kNoDeadline);
  sandboxes_->on_time(due - std::chrono::milliseconds(1));
  EXPECT_EQ(sandboxes_->next_deadline(), due);
  sandboxes_->on_time(due);
  EXPECT_EQ(sandboxes_->next_deadline(), kNoDeadline);
  EXPECT_EQ(take(program), 2U);
  // One that is lent stays.
  sandboxes_->on_time(due + std::chrono::hours(1));
  EXPECT_NE(sandboxes_->find(2), nullptr);
}

TEST_F(SandboxesTest, not_too_many_wait) {
  std::vector<WarmProgram> programs;
  for (std::size_t i = 0; i <= kWaitingMax; ++i) programs.push_back(waiting(std::to_string(i)));
  for (const WarmProgram& program : programs) sandboxes_->keep_ahead(launch_, kind(program));
  EXPECT_EQ(sandboxes_->find(1), nullptr);
  for (std::size_t i = 1; i <= kWaitingMax; ++i) EXPECT_EQ(take(programs[i]), i + 1);
}

}  // namespace
}  // namespace reeve::supervisor
