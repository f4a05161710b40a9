// What a sandbox is made of, as data: an ordered list of named steps. Planning them is pure, so
// that tests read a sandbox without making one; the zygote carries them out and stops at the first
// that fails. Values; no thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/sandbox.h"
#include "sandbox/wire.h"

namespace reeve::sandbox {

/// Where an attempt finds its own files: REEVE_OUTPUT and the like.
inline constexpr std::string_view kFilesDirectory = "/run/reeve";

/// Where a root is composed that is not pivoted into.
inline constexpr std::string_view kRuntimeRoot = "/tmp/root";
/// Where it keeps what it knows of its container: one that is killed leaves that behind.
inline constexpr std::string_view kRuntimeState = "/run/runtime";
/// And what its private directories are, outside of it.
struct RuntimeDirectory {
  std::string_view inside;
  std::string_view outside;
};
inline constexpr RuntimeDirectory kRuntimePrivate[] = {{"/tmp", "/run/tmp"},
                                                       {"/dev/shm", "/run/shm"}};

struct Step {
  StepKind kind = StepKind::directory;
  std::string name;  ///< for people: "mount /proc"
  std::string source;
  std::string target;
  std::string data;
  std::uint64_t flags = 0;
  std::int32_t number = -1;
  friend bool operator==(const Step&, const Step&) = default;
};

/// An entry of the host's root directory that belongs to the system.
struct SystemEntry {
  std::string path;         ///< "/usr"
  std::string link_target;  ///< not "": it is a symbolic link
  friend bool operator==(const SystemEntry&, const SystemEntry&) = default;
};

/// Something of the host at its own path. Its mount is opened beforehand, and given as a
/// descriptor: a path could mean something else by the time that the steps are carried out.
struct GivenPath {
  std::string path;  ///< absolute, without links
  bool is_directory = true;
  bool is_writable = false;
  friend bool operator==(const GivenPath&, const GivenPath&) = default;
};

/// A file of the root that says something else than the system's or the image's.
struct PlacedFile {
  std::string path;
  std::string content;
  bool is_there = false;  ///< the system has one: it is covered. On layers every file is new
  friend bool operator==(const PlacedFile&, const PlacedFile&) = default;
};

struct RootSpec {
  std::vector<SystemEntry> system;  ///< none, where there are layers
  /// Directory of the layers of an image, descriptor 1 + paths.size(), and their names in it,
  /// lowest first. No layers: the host's system is the root.
  std::string layers_directory;
  std::vector<std::string> layers;
  std::vector<std::string> devices;  ///< "/dev/null"
  std::vector<GivenPath> paths;      ///< outer before inner; descriptor 1 + index
  std::vector<std::string> masked;   ///< directories that are shown empty
  std::vector<PlacedFile> placed;
  SandboxNetwork network = SandboxNetwork::none;
  std::uint32_t inside_id = kSandboxUser;  ///< the user and group that the attempt is, inside
  std::vector<std::string> join_files;     ///< of its control groups
  /// An OCI runtime makes the sandbox of it: the root is composed and left at kRuntimeRoot, with
  /// the host's own around it, and all rights are kept.
  bool for_runtime = false;
  std::string device_groups;       ///< then: the directory of version 1's control groups of devices
  std::uint32_t files_owner = 0;   ///< then: whose the attempt's own files are
  bool keeps_groups = false;       ///< an ordinary user's supplementary groups cannot be dropped
  std::string oom_score_file;      ///< "/proc/self/oom_score_adj"; "": left as it is
  std::int64_t tmp_bytes_max = 0;  ///< of /tmp and /dev/shm each; 0: half of the memory
  friend bool operator==(const RootSpec&, const RootSpec&) = default;
};

struct SandboxPlan {
  std::vector<Step> root;     ///< once: by the zygote, from the host's namespaces on
  std::vector<Step> attempt;  ///< each time: by an attempt's init, in fresh namespaces
  friend bool operator==(const SandboxPlan&, const SandboxPlan&) = default;
};

SandboxPlan plan_sandbox(const RootSpec& spec);

/// A line each: for golden tests and `reeve doctor`.
std::string format_steps(const std::vector<Step>& steps);
std::string_view name(ProgramStep step);
std::string_view name(WarmStep step);

/// A file that an attempt finds below kFilesDirectory, in at most one directory.
struct OwnFile {
  std::string path;  ///< "script", "secrets/KEY"
  std::string content;
  std::uint32_t mode = 0600;
};

/// What is started, as the zygote reads it.
struct ProgramRequest {
  std::vector<std::string> arguments;
  std::vector<std::string> candidates;        ///< files to try for arguments[0]
  std::vector<std::string_view> environment;  ///< "NAME=value"
  std::vector<OwnFile> files;
  std::string work_directory;
  std::uint64_t open_files_soft = 0;  ///< 0: as inherited
  std::uint64_t open_files_hard = 0;
  bool stays_open = false;          ///< process 1 waits for its end also when all others have ended
  std::uint32_t files_owner = 0;    ///< 0: whoever writes them
  bool keeps_capabilities = false;  ///< of an OCI runtime, which needs them
};
/// Both lists as the zygote reads them, with the system call filter, and what each init starts
/// ahead, if that is not null.
std::string encode_plan(const SandboxPlan& plan, std::string_view filter,
                        const ProgramRequest* warm);
/// Without the files, and with the filter: what process 1 of a container reads.
std::string encode_contained(const ProgramRequest& request, std::string_view filter);
std::string encode_request(const ProgramRequest& request);

/// An attempt for a program that waits.
struct HandOver {
  std::string text;  ///< in the form that it wants
  std::vector<OwnFile> files;
  bool stays_open = false;  ///< as in ProgramRequest
};
std::string encode_hand_over(const HandOver& attempt);

}  // namespace reeve::sandbox
