#include "cli/sandbox_choice.h"

#include "spec/permission.h"

namespace reeve::cli {

SandboxRules sandbox_rules(const Arguments& arguments) {
  SandboxRules rules;
  // The parser has checked the words.
  if (const std::string* tier = arguments.find("sandbox"); tier != nullptr)
    rules.tier = *tier == "none"  ? SandboxTier::none
                 : *tier == "oci" ? SandboxTier::oci
                                  : SandboxTier::native;
  for (const std::string& what : arguments.all("allow"))
    (what == "unsandboxed" ? rules.unsandboxed : rules.host_network) = Permission::allowed;
  return rules;
}

Checked<void> check_permitted(const spec::Workflow& workflow, const SandboxRules& rules) {
  std::string all;
  for (const spec::Diagnostic& refusal : spec::check_permission(workflow, rules))
    all += "\n" + refusal.text();
  if (all.empty()) return {};
  return tl::unexpected(
      Failure(kExitConflict, "not permitted, so nothing was started:" + all,
              "--sandbox native encloses all tasks, whatever the file says of their tier"));
}

}  // namespace reeve::cli
