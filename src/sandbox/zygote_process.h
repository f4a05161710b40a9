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
  /// The zygote begins to compose its root: a reply `ready` or `failed` follows.
  static Result<std::unique_ptr<ZygoteProcess>> start(Host& host, const RootSpec& spec,
                                                      std::string_view filter);
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
  };
  /// Hands the request to the init that waits. REQUIRES waiting_init() != 0.
  Result<Started> launch(const ProgramRequest& request, const ProgramStreams& streams);
  /// Its network namespace, once it is `made`. Only the supervisor can open it.
  Result<Fd> network() const;
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

  pid_t pid_ = 0;
  pid_t next_init_ = 0;
  Fd files_;  // of the next init, once it is ready
  Fd socket_;
  SandboxPlan plan_;
};

}  // namespace reeve::sandbox
