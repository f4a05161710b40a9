#include "base/sandbox.h"

namespace reeve {

std::string_view name(SandboxTier tier) {
  switch (tier) {
    case SandboxTier::none: return "none";
    case SandboxTier::native: return "native";
    case SandboxTier::oci: return "oci";
  }
  return "unknown";
}

std::string_view name(SandboxNetwork network) {
  switch (network) {
    case SandboxNetwork::none: return "none";
    case SandboxNetwork::host: return "host";
    case SandboxNetwork::egress: return "egress";
  }
  return "unknown";
}

std::string_view name(WarmKind kind) {
  switch (kind) {
    case WarmKind::none: return "none";
    case WarmKind::python: return "python";
    case WarmKind::sh: return "sh";
    case WarmKind::node: return "node";
    case WarmKind::command: return "command";
  }
  return "unknown";
}

bool fits(const WarmRequest& warm, std::string_view shell) {
  const std::string_view program = shell.substr(shell.rfind('/') + 1);
  switch (warm.kind) {
    case WarmKind::none: return false;
    case WarmKind::python: return program.starts_with("python") || program.starts_with("pypy");
    case WarmKind::sh: return program == "sh" || program == "bash" || program == "dash";
    case WarmKind::node: return program == "node" || program == "nodejs";
    case WarmKind::command: return true;
  }
  return false;
}

std::string_view shell_of(WarmKind kind) {
  switch (kind) {
    case WarmKind::python: return "python3";
    case WarmKind::sh: return "sh";
    case WarmKind::node: return "node";
    case WarmKind::none:
    case WarmKind::command: break;
  }
  return {};
}

}  // namespace reeve
