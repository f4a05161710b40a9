// The bytes that the supervisor's side of a sandbox and its zygote exchange, over one SEQPACKET
// socket and memory files. Shared by both programs; the zygote's has no C++ library, so this uses
// none. Both sides are of one build: there are no versions. No thread rule.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reeve::sandbox {

/// What a step does. The zygote's program switches over it.
enum class StepKind : std::uint32_t {
  join_group,     ///< writes "0" into `source`
  write_file,     ///< writes `data` into `source`
  enter_user,     ///< the user namespace in descriptor `number`
  become,         ///< user and group `number`; no other groups, if `flags`
  unshare,        ///< `flags`: CLONE_NEW*
  propagation,    ///< of all mounts: `flags`
  mount,          ///< type `source` at `target`, with `flags` and `data`
  overlay,        ///< at `target`: the directories `data`, top first, seen from `source`
  unmount,        ///< `target` is detached
  bind,           ///< `source` at `target`, with everything below
  seal,           ///< the mount at `target`, and all below: attributes `flags` are set
  attach,         ///< the detached mount in descriptor `number` at `target`
  keep,           ///< a copy of the mount at `source`, with all below, becomes descriptor `number`
  directory,      ///< `target`, with what is missing above it; mode `flags`
  file,           ///< an empty `target`
  link,           ///< `target` is a symbolic link to `source`
  pivot,          ///< `target` becomes the root; the old root is detached
  loopback,       ///< the loopback interface is brought up
  keyring,        ///< a session keyring of its own
  no_privileges,  ///< no new privileges; the capability bounding set is emptied
  limit,          ///< resource limit `number` becomes `flags`
};

/// Descriptors that a set-up or a request may bring.
inline constexpr std::size_t kDescriptorsMax = 64;

/// Of a container: the program of its process 1 with its one argument, what it is to do, and where
/// it leaves a Reply.
inline constexpr const char* kContainedProgram = "/run/reeve/.run/init";
inline constexpr const char* kContainedWord = "contained";
inline constexpr const char* kContainedRequest = "/run/reeve/.run/request";
inline constexpr const char* kContainedStatus = "/run/reeve/.run/status";

enum class ReplyKind : std::uint32_t {
  made,     ///< by the zygote; `pid`: the init of the next attempt
  ready,    ///< by an init: it waits for its request. With the descriptor of its files' directory;
            ///< `status`: the WarmForm that its warm program wants
  failed,   ///< `step` of `phase` gave errno `error`
  ended,    ///< the attempt's main process ended with wait status `status`
  entered,  ///< `visitor` has begun
  left,     ///< `visitor` ended with wait status `status`
  refused,  ///< `visitor` did not begin: `step` gave errno `error`
  warming,  ///< by an init that starts a program ahead: its output and errors are to be read here
};

/// Parts of the work: which list of steps a failure belongs to.
enum class Phase : std::uint32_t { root, attempt, program, warm };

/// Steps of Phase::program, which are the same for every attempt.
enum class ProgramStep : std::uint32_t {
  request,
  files,
  fork,
  session,
  streams,
  directory,
  limits,
  privileges,
  system_calls,
  execute,
  terminal
};

/// Steps of Phase::warm: of a program that is started ahead and waits for its attempt.
enum class WarmStep : std::uint32_t {
  none,       ///< all is well
  request,    ///< what is to be started was read
  files,      ///< its files were written
  pipes,      ///< its pipes were made
  start,      ///< it was started; `status`: the ProgramStep that failed
  ended,      ///< it ended before its time with wait status `status`
  answer,     ///< it answered, with something that nobody asked for
  alone,      ///< it left processes behind
  hand_over,  ///< it was given its attempt
};

/// How a warm program wants to be told of its attempt.
enum class WarmForm : std::uint32_t {
  none,     ///< it is not there yet, or there is none
  records,  ///< key=value, each with a NUL behind it
  sh,       ///< text to be read by a shell
};
/// Its descriptors, beside the standard streams.
inline constexpr int kWarmRequest = 3;
inline constexpr int kWarmReady = 4;
inline constexpr const char* kWarmIsReady = "ready\n";
inline constexpr const char* kWarmIsReadyAsShell = "ready sh\n";

struct Reply {
  ReplyKind kind = ReplyKind::ready;
  Phase phase = Phase::root;
  std::uint32_t step = 0;
  std::int32_t error = 0;
  std::int32_t pid = 0;
  std::int32_t status = 0;
  std::uint32_t visitor = 0;
  /// Of what ended: by the main process and those that it waited for.
  std::int64_t user_us = 0;
  std::int64_t system_us = 0;
  std::int64_t memory_peak_kib = 0;
  std::int64_t blocks_read = 0;
  std::int64_t blocks_written = 0;
  std::int64_t context_switches = 0;
};

/// Of a set-up message: descriptors are the blob, then those that steps number from 0.
/// Of a request: the blob, standard input, output and error, and the init's end of its door. Where
/// a program waits already: the blob and the door. Without any: the zygote shall make the next
/// init, which it does unasked where no program is started ahead.
struct Header {
  std::uint32_t blob_bytes = 0;
  std::uint32_t descriptors = 0;
};

/// Visitors of one attempt at a time.
inline constexpr std::size_t kVisitorsMax = 8;

/// What comes through the door of an attempt that runs. With a signal there is no descriptor, else
/// four: the blob, standard input, output and error. With `follows` it is a request for the main
/// program of another attempt, of a batch: whatever is left of the one before is killed first.
struct DoorMessage {
  std::uint32_t visitor = 0;
  std::int32_t signal = 0;  ///< 0: start the program in the blob; else for the visitor's group
  std::uint32_t blob_bytes = 0;
  std::uint32_t has_terminal = 0;  ///< standard input is one, and becomes the visitor's own
  std::uint32_t follows = 0;
};

}  // namespace reeve::sandbox
