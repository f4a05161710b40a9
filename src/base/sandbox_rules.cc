#include "base/sandbox_rules.h"

#include "base/ensure.h"

namespace reeve {

std::string_view flag_for(Unenclosed what) {
  switch (what) {
    case Unenclosed::unsandboxed: return "--allow unsandboxed";
    case Unenclosed::host_network: return "--allow host-network";
  }
  ENSURE(false);
}

SandboxRequest enforced(SandboxRequest request, const SandboxRules& rules) {
  request.tier = rules.tier.value_or(request.tier);
  return request;
}

std::optional<Unenclosed> missing_permission(const SandboxRequest& request,
                                             const SandboxRules& rules) {
  if (rules.tier.value_or(request.tier) == SandboxTier::none) {
    const bool is_allowed =
        rules.tier == SandboxTier::none || rules.unsandboxed == Permission::allowed;
    return is_allowed ? std::nullopt : std::optional(Unenclosed::unsandboxed);
  }
  if (request.network == SandboxNetwork::host && rules.host_network == Permission::refused)
    return Unenclosed::host_network;
  return std::nullopt;
}

}  // namespace reeve
