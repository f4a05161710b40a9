// The executor and a supervisor that holds the socket and says nothing, as one that is stopped.
#include "executors/local_executor.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <string>

#include <gmock/gmock.h>

namespace reeve::executors {
namespace {

using testing::HasSubstr;

class Sink final : public engine::ExecutorSink {
 public:
  void on_started(Token /*token*/, Time /*at*/) override {}
  void on_progress(Progress /*progress*/) override {}
  void on_ended(AttemptEnd /*end*/) override {}
  void on_held(const AttemptHold& /*hold*/) override {}
  void on_liveness(Token /*token*/, Liveness /*liveness*/) override {}
  // A link may go down and come up again: the first time counts.
  void on_down(std::string why) override {
    if (!was_down_.exchange(true)) down.set_value(std::move(why));
  }
  void on_up() override {
    if (!was_up_.exchange(true)) up.set_value();
  }

  std::promise<std::string> down;
  std::promise<void> up;

 private:
  std::atomic<bool> was_down_ = false;
  std::atomic<bool> was_up_ = false;
};

TEST(LocalExecutor, tells_of_a_supervisor_that_says_nothing_and_tries_again) {
  const std::string state = "/tmp/reeve-silent-" + std::to_string(::getpid());
  ASSERT_EQ(::mkdir(state.c_str(), 0700), 0);
  {
    auto listener = supervisor::listen_in(state);
    ASSERT_TRUE(listener) << listener.error().text();
    Sink sink;
    LocalExecutor executor({.state_directory = state,
                            .program = "/bin/false",
                            .arguments = {},
                            .welcome_within = std::chrono::milliseconds(20)});
    ASSERT_TRUE(executor.attach(sink));
    const std::string why = sink.down.get_future().get();
    EXPECT_THAT(why, HasSubstr("process " + std::to_string(::getpid()) + ") does not answer"));
    EXPECT_THAT(why, HasSubstr("kill -CONT"));
    // It goes on: those that were given up are in the queue, and one that still hopes comes last.
    auto up = sink.up.get_future();
    while (up.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      pollfd knock{listener->get(), POLLIN, 0};
      ASSERT_EQ(::poll(&knock, 1, 30'000), 1);
      const auto peer = supervisor::accept_from(listener->get());
      ASSERT_TRUE(peer);
      supervisor::SendBuffer answer;
      supervisor::Welcome welcome;
      welcome.accepted = true;
      welcome.pid = ::getpid();
      supervisor::append_message(answer.bytes(), welcome);
      if (answer.send(peer->get()) == supervisor::IoState::done)
        up.wait_for(std::chrono::seconds(1));
    }
    executor.detach();
  }
  std::filesystem::remove_all(state);
}

}  // namespace
}  // namespace reeve::executors
