// What encloses an attempt: what a workflow asks for, and the tier that was reached. Plain
// described values, shared by spec, engine, stores and the supervisor. No thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/codec.h"

namespace reeve {

/// How strongly an attempt is enclosed. Stored as numbers: append only.
enum class SandboxTier : std::uint8_t {
  none,    ///< not at all: needs permission
  native,  ///< namespaces, a composed root, seccomp, cgroups
  oci,     ///< as native, made by an OCI runtime: runc, crun, runsc
};
inline constexpr std::size_t kSandboxTierCount = 3;
std::string_view name(SandboxTier tier);

/// Stored as numbers: append only.
enum class SandboxNetwork : std::uint8_t {
  none,    ///< loopback only
  host,    ///< the machine's own network: needs permission
  egress,  ///< loopback, and what `egress` lists
};
inline constexpr std::size_t kSandboxNetworkCount = 3;
std::string_view name(SandboxNetwork network);

/// Which program is started ahead in the sandbox of an attempt, and waits for it there. Stored as
/// numbers: append only.
enum class WarmKind : std::uint8_t {
  none,
  python,
  sh,
  node,
  command,  ///< the user's own, which knows the protocol of docs/workflow-format.md
};
std::string_view name(WarmKind kind);

struct WarmRequest {
  WarmKind kind = WarmKind::none;
  std::vector<std::string> modules;  ///< that it has imported; python and node
  std::vector<std::string> command;  ///< the program and its arguments; kind command
  friend bool operator==(const WarmRequest&, const WarmRequest&) = default;

  static constexpr auto fields() {
    return std::tuple{field("kind", &WarmRequest::kind), field("modules", &WarmRequest::modules),
                      field("command", &WarmRequest::command)};
  }
};

/// Whether text for this shell can be read by the warm program.
bool fits(const WarmRequest& warm, std::string_view shell);
/// The shell that is meant when none is named: python3. Of a kind that says nothing: "".
std::string_view shell_of(WarmKind kind);

/// The user and group that an attempt is, inside, unless it asks for another number. Outside it is
/// the same nobody whatever it asks for.
inline constexpr std::uint32_t kSandboxUser = 1000;
inline constexpr std::uint32_t kSandboxUserMax = 65'534;

/// Paths are absolute, or relative to the work directory of the attempt.
struct SandboxRequest {
  SandboxTier tier = SandboxTier::native;
  SandboxNetwork network = SandboxNetwork::none;
  std::vector<std::string> readable;  ///< of the host's files, beyond the system's own
  std::vector<std::string> writable;  ///< beyond the work directory
  std::string image;                  ///< its root, instead of the host's system; "": none
  std::vector<std::string> egress;    ///< see base/egress.h; empty unless network is egress
  WarmRequest warm;                   ///< in tier native; in the others the attempt starts cold
  std::uint32_t user = kSandboxUser;  ///< 1 to kSandboxUserMax: nobody is root in a sandbox
  friend bool operator==(const SandboxRequest&, const SandboxRequest&) = default;

  static constexpr auto fields() {
    return std::tuple{
        field("tier", &SandboxRequest::tier),         field("network", &SandboxRequest::network),
        field("readable", &SandboxRequest::readable), field("writable", &SandboxRequest::writable),
        field("image", &SandboxRequest::image),       field("egress", &SandboxRequest::egress),
        field("warm", &SandboxRequest::warm),         field("user", &SandboxRequest::user)};
  }
};

}  // namespace reeve
