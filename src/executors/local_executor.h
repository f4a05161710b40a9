// The executor of this machine: hands attempts to a supervisor process (src/supervisor), which it
// finds at the state directory or starts, and starts again when it dies. Owns the connection and a
// thread that reads it. Keeps nothing about attempts: the engine and the supervisor do.
//
// Threads: the calls of engine::Executor come from one thread (the engine's) and never wait for the
// supervisor; the sink is called from the executor's own thread, with no lock held.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/ports/executor.h"
#include "executors/supervisor_process.h"
#include "supervisor/socket.h"

namespace reeve::executors {

class LocalExecutor final : public engine::Executor {
 public:
  struct Options {
    std::string state_directory;  ///< made if it is not there
    /// The program that is a supervisor when called with `arguments`.
    std::string program = "/proc/self/exe";
    std::vector<std::string> arguments{"supervisor"};
    /// False: it waits for one that somebody else starts, a unit of systemd.
    bool starts_supervisor = true;
    /// How long a supervisor waits for the next engine when nothing runs.
    Duration supervisor_idle_end = std::chrono::seconds(30);
    /// How long a supervisor may take to greet; it first ends what a dead one left.
    Duration welcome_within = std::chrono::seconds(20);
    std::int64_t image_bytes_max = std::int64_t{20} << 30;  ///< of the store of images
    std::string oci_runtime = "runc";                       ///< makes sandboxes of tier oci
  };

  explicit LocalExecutor(Options options);
  /// Without detach() before it, this is how an engine's death looks to the supervisor. Waits for
  /// the executor's thread: a call of the sink that blocks must have been let go.
  ~LocalExecutor() override;
  LocalExecutor(const LocalExecutor&) = delete;
  LocalExecutor& operator=(const LocalExecutor&) = delete;

  /// Finds or starts the supervisor, so that it makes itself ready while the caller does other
  /// things. attach() does it if nobody did. Without an attach(), end with detach().
  Status find_supervisor();
  Status attach(engine::ExecutorSink& sink) override;
  void set_capacity(const Resources& capacity) override;
  void start(Launch launch) override;
  void stop(Token token, engine::StopMode mode, Duration grace) override;
  void probe(Token token) override;
  void forget(Token token) override;
  void enter(const EnterOrder& order) override;
  void flush() override;
  void detach() override;

  /// Of the supervisor that is connected; 0 if none. For tests and `reeve doctor`.
  std::int64_t supervisor_pid() const;

 private:
  enum class Told : std::uint8_t { nothing, up, down };
  enum class State : std::uint8_t { down, greeting, up, closing };

  // Called with mutex_ held.
  template <class Message>
  void stage(const Message& message);
  void send_staged();
  int milliseconds_to_wait() const;  ///< -1: for ever
  Result<SupervisorSocket> find_or_start();
  void greet(SupervisorSocket supervisor);

  // The executor's thread.
  void serve();
  bool wait_for_events();
  void read_messages();
  void lose_when_late();
  void handle(supervisor::FromSupervisor message);
  void on_welcome(const supervisor::Welcome& welcome);
  void lose(std::string why);
  void reconnect();
  void wake();

  Options options_;
  SupervisorCommand command_;
  Fd wake_;
  engine::ExecutorSink* sink_ = nullptr;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards all down to the next comment
  State state_ = State::down;
  Fd socket_;
  std::int64_t greeted_pid_ = 0;  ///< of who is to greet us; 0 when not known
  std::chrono::steady_clock::time_point welcome_until_;
  supervisor::SendBuffer out_;  // goes out as the socket takes it
  std::string staged_;          // goes out once the supervisor has said welcome
  bool is_blocked_ = false;
  Resources capacity_;
  bool has_capacity_ = false;
  std::int64_t supervisor_pid_ = 0;

  // Only the executor's thread.
  supervisor::MessageBuffer messages_;
  std::vector<char> scratch_;
  Told told_ = Told::nothing;
  std::chrono::milliseconds retry_after_{0};
};

}  // namespace reeve::executors
