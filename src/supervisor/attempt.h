// The record of an attempt that runs: from its process's start until nothing of it is left. Only
// class Attempts (supervisor/attempts.h) changes it.
//
//   preparing ──its sandbox is ready──►
//   running ──main process exited──► draining (or held) ──pipes at their end, or lingered──►
//   clearing ──► end
//
// preparing its image is being fetched, or its sandbox is being composed or connected; nothing of
// it
//           runs
// running   the main process lives, or is a zombie that was not looked at yet
// draining  it is reaped, but something holds its pipes: `cmd > >(tee log)` may still be writing
// held      its program failed and it was asked for: the sandbox stays, for people to enter
// clearing  whatever is left gets SIGKILL, until there is nothing
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/launch.h"
#include "supervisor/disk_use.h"
#include "supervisor/egress_links.h"
#include "supervisor/image_fetches.h"
#include "supervisor/leftovers.h"
#include "supervisor/limits.h"
#include "supervisor/output.h"
#include "supervisor/paths.h"
#include "supervisor/sandboxes.h"
#include "supervisor/spawn.h"
#include "supervisor/use_meter.h"

namespace reeve::supervisor {

enum class Phase : std::uint8_t { preparing, running, draining, held, clearing };

/// How long something that holds the pipes may outlive the main process: `cmd > >(tee log)`.
inline constexpr Duration kLinger = std::chrono::milliseconds(200);

struct Attempt {
  Attempt(Launch from, std::string log_path)
      : launch(std::move(from)),
        log(std::move(log_path), launch.token, launch.output_bytes_max) {}

  Launch launch;
  Serial serial = kNoSerial;
  Phase phase = Phase::running;
  pid_t pid = 0;  ///< in a sandbox: of its init, which is process 1 there
  SpawnPlan plan;
  std::string output_path;      ///< REEVE_OUTPUT
  std::string progress_path;    ///< REEVE_PROGRESS
  std::string start_directory;  ///< "": the work directory
  std::string script_path;      ///< "" unless the script is in a file
  SharedImage image;            ///< null: its root is the host's
  SandboxNumber sandbox = kNoSandbox;
  Fd files;            ///< in a sandbox: the file system that holds REEVE_OUTPUT and the like
  sandbox::Door door;  ///< in a sandbox: for those who enter it
  Fd output;           ///< while preparing: the writing ends of its pipes
  Fd errors;
  LinkNumber link = kNoLink;    ///< network egress: what connects its sandbox
  std::string hosts;            ///< then: its /etc/hosts
  bool is_handed_over = false;  ///< then: the link has the sandbox's network
  bool is_connected = false;    ///< then: and has guarded and connected it
  bool has_status = false;      ///< in a sandbox: its init told how the main process ended
  std::vector<sandbox::OwnFile> own_files;  ///< in a sandbox, until it has them
  std::unique_ptr<WarmProgram> warm;        ///< what is started ahead; null: it starts cold
  std::string failure;                      ///< what could not be done, for people
  bool has_refused_output = false;          ///< REEVE_OUTPUT holds a secret
  Instant started{};
  Time started_at = kUnset;

  OutputPipe standard_output;
  OutputPipe standard_error;
  OutputLog log;

  Limits limits;
  Instant linger_until = kNoDeadline;  ///< while draining or held
  Time held_until = kUnset;
  Time program_ended_at = kUnset;  ///< of one that is, or was, held
  Instant armed = kNoDeadline;     ///< the earliest entry of the timer heap for this attempt
  bool was_killed = false;         ///< SIGKILL was sent
  bool was_stopped = false;        ///< it was told to end
  bool leaves_place = false;       ///< its sandbox stays for the next of its batch
  bool group_is_gone = false;      ///< its id may belong to others by now
  bool left_some_behind = false;   ///< processes that the kernel does not let us kill
  Outcome verdict;                 ///< not none: why the supervisor ended it

  std::optional<ProgressLine> progress;  ///< not told yet
  Instant progress_told{};
  std::int64_t progress_file_read = 0;

  UseMeter meter;
  std::unique_ptr<ChangedFiles> changed_files;  ///< while they are counted: has a limit on disk
  Instant count_files_at{};                     ///< not before
  Duration counting_cost{0};                    ///< of this count

  int wait_status = 0;
  Usage usage;

  bool is_enclosed() const { return launch.sandbox.tier != SandboxTier::none; }
  bool is_contained() const { return launch.sandbox.tier == SandboxTier::oci; }
  /// The next of its batch may run in its sandbox, after it. Where a program waits already, or what
  /// may be reached is its own, each has one for itself.
  bool may_share() const {
    return launch.batch != Token{} && launch.sandbox.tier == SandboxTier::native && !warm &&
           launch.sandbox.network != SandboxNetwork::egress && launch.hold == Duration{0};
  }
  /// By itself, and nobody is there who could still write.
  bool has_ended_plainly() const;
  /// Its names are to be pinned before its sandbox can be composed.
  bool wants_link() const {
    return launch.sandbox.network == SandboxNetwork::egress && link == kNoLink;
  }
  /// Whether its program can be handed to the init that waits.
  bool may_launch(const Sandbox& in) const {
    return in.zygote->waiting_init() != 0 && (link == kNoLink || is_connected);
  }
  /// How long it may be prepared; 0: as long as it takes.
  Duration preparing_limit() const;
  AttemptName name() const { return {launch.run, launch.task.index, launch.attempt}; }
  Sandboxes::Kind kind() const { return {plan.work_directory, image, warm.get(), hosts}; }
  bool pipes_at_end() const { return !standard_output.reader && !standard_error.reader; }
};

/// What is to be started in a sandbox; takes the attempt's own files.
sandbox::ProgramRequest program_of(Attempt& attempt);
void add_usage(Usage& usage, const rusage& used);
void add_usage(Usage& usage, const sandbox::Reply& ended);

}  // namespace reeve::supervisor
