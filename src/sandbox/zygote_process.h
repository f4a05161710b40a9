// The supervisor's side of one zygote: starts it, hands requests to the inits that it makes, hears
// its replies. The zygote and its inits are children of this process, which reaps them itself and
// tells. Never waits: what the zygote does shows on its socket. One owner; not thread-safe.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/door.h"
#include "sandbox/host.h"
#include "sandbox/step.h"

namespace reeve::sandbox {

class ZygoteProcess {
 public:
  /// The zygote begins to compose its root: a reply `ready` or `failed` follows. With `warm`, each
  /// init starts that ahead, and is ready when it is.
  static Result<std::unique_ptr<ZygoteProcess>> start(Host& host, const RootSpec& spec,
                                                      std::string_view filter,
                                                      const ProgramRequest* warm = nullptr);
  ~ZygoteProcess();
  ZygoteProcess(const ZygoteProcess&) = delete;
  ZygoteProcess& operator=(const ZygoteProcess&) = delete;

  pid_t pid() const { return pid_; }
  int socket() const { return socket_.get(); }
  /// Of the init that waits for a request; 0: there is none just now.
  pid_t waiting_init() const { return files_ ? next_init_ : 0; }

  struct Started {
    pid_t init = 0;
    Fd files;  ///< the directory of the attempt's own files: readable as long as it is held
    Door door;
    Fd output;  ///< of a program that was started ahead: where its output and errors are read
    Fd errors;
  };
  /// Hands the request to the init that waits. REQUIRES waiting_init() != 0.
  Result<Started> launch(const ProgramRequest& request, const ProgramStreams& streams);
  /// Its network namespace, once it is `made`. Only the supervisor can open it.
  Result<Fd> network() const;

  /// Each init starts a program ahead.
  bool is_warm() const { return is_warm_; }
  /// How the one that waits wants to be told. REQUIRES waiting_init() != 0.
  WarmForm form() const { return form_; }
  /// As launch(), for the program that waits.
  Result<Started> hand_over(const HandOver& attempt);
  /// Has the zygote make the next init, if the last one has its attempt. REQUIRES that no process
  /// of that attempt is left. Where nothing is started ahead this happens by itself.
  Status go_on();
  /// What the program that was started ahead has written so far: the end of it. It is gone then.
  std::string take_warm_output();

  /// The next reply, if there is one.
  std::optional<Reply> receive();
  /// For people: "mount /proc: Operation not permitted".
  std::string describe(const Reply& failed) const;
  /// A child of this process was reaped: forgets it. False: it is none of this zygote's.
  bool forget(pid_t pid);
  /// Processes in its control group that are no attempt's: itself, and the init that waits.
  std::int64_t own_processes() const { return (pid_ != 0 ? 1 : 0) + (next_init_ != 0 ? 1 : 0); }
  bool has_processes() const { return pid_ != 0 || next_init_ != 0; }
  /// SIGKILL to the zygote and the init that waits; an init that has its request goes on.
  void kill();

 private:
  ZygoteProcess() = default;
  Status send(const std::string& blob, const int* descriptors, std::size_t count) const;
  void keep(const Reply& reply, Fd first, Fd second);

  pid_t pid_ = 0;
  pid_t next_init_ = 0;
  Fd files_;  // of the next init, once it is ready
  bool is_warm_ = false;
  bool is_used_ = false;  // there is no next init until it is asked for
  WarmForm form_ = WarmForm::none;
  Fd warm_output_;
  Fd warm_errors_;
  Fd socket_;
  SandboxPlan plan_;
};

}  // namespace reeve::sandbox
