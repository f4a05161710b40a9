// What a person lets tasks do beyond their sandbox. Plain described values, shared by spec, core,
// engine and the command line. No thread rule.
#pragma once

#include <optional>

#include "base/sandbox.h"

namespace reeve {

/// What is not enclosed, and so needs permission.
enum class Unenclosed : std::uint8_t { unsandboxed, host_network };
/// The option that permits it.
std::string_view flag_for(Unenclosed what);

/// Journaled as numbers: append only.
enum class Permission : std::uint8_t { refused, allowed };

/// Of all tasks of one engine, from its start to its end.
struct SandboxRules {
  std::optional<SandboxTier> tier;  ///< whatever a task asks for; none is its own permission
  Permission unsandboxed = Permission::refused;
  Permission host_network = Permission::refused;
  friend bool operator==(const SandboxRules&, const SandboxRules&) = default;

  static constexpr auto fields() {
    return std::tuple{field("tier", &SandboxRules::tier),
                      field("unsandboxed", &SandboxRules::unsandboxed),
                      field("host_network", &SandboxRules::host_network)};
  }
};
/// For what starts no task.
inline constexpr SandboxRules kAllAllowed{.unsandboxed = Permission::allowed,
                                          .host_network = Permission::allowed};

/// What the task gets: its request in the tier that the rules want.
SandboxRequest enforced(SandboxRequest request, const SandboxRules& rules);
/// What the request would do, once enforced, without permission. Tier none has the network of the
/// host anyway.
std::optional<Unenclosed> missing_permission(const SandboxRequest& request,
                                             const SandboxRules& rules);

}  // namespace reeve
