#include "base/sandbox.h"

#include "base/ensure.h"

namespace reeve {

std::string_view name(SandboxTier tier) {
  switch (tier) {
    case SandboxTier::none: return "none";
    case SandboxTier::native: return "native";
    case SandboxTier::oci: return "oci";
  }
  ENSURE(false);
}

std::string_view name(SandboxNetwork network) {
  switch (network) {
    case SandboxNetwork::none: return "none";
    case SandboxNetwork::host: return "host";
    case SandboxNetwork::egress: return "egress";
  }
  ENSURE(false);
}

}  // namespace reeve
