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

/// Paths are absolute, or relative to the work directory of the attempt.
struct SandboxRequest {
  SandboxTier tier = SandboxTier::native;
  SandboxNetwork network = SandboxNetwork::none;
  std::vector<std::string> readable;  ///< of the host's files, beyond the system's own
  std::vector<std::string> writable;  ///< beyond the work directory
  std::string image;                  ///< its root, instead of the host's system; "": none
  std::vector<std::string> egress;    ///< see base/egress.h; empty unless network is egress
  friend bool operator==(const SandboxRequest&, const SandboxRequest&) = default;

  static constexpr auto fields() {
    return std::tuple{
        field("tier", &SandboxRequest::tier),         field("network", &SandboxRequest::network),
        field("readable", &SandboxRequest::readable), field("writable", &SandboxRequest::writable),
        field("image", &SandboxRequest::image),       field("egress", &SandboxRequest::egress)};
  }
};

}  // namespace reeve
