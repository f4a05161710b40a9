// `reeve doctor`.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "cli/image_settings.h"
#include "cli/machine_checks.h"
#include "cli/resource_list.h"
#include "cli/session.h"
#include "egress/machine.h"
#include "sandbox/trial.h"

namespace reeve::cli {
namespace {

using CheckStatus = MachineCheck::Status;

std::string_view name(CheckStatus status) {
  switch (status) {
    case CheckStatus::good: return "good";
    case CheckStatus::missing: return "missing";
    case CheckStatus::bad: return "bad";
  }
  return "";
}

JsonObject check_json(const MachineCheck& check) {
  return {{"check", check.name},
          {"status", name(check.status)},
          {"value", check.value},
          {"meaning", check.meaning.empty() ? Json(nullptr) : Json(check.meaning)}};
}

/// What encloses tasks here: found out by enclosing one.
MachineCheck tier_check() {
  const auto made = sandbox::try_sandbox();
  if (made) return {"sandbox", CheckStatus::good, "tier native", *made};
  return {"sandbox", CheckStatus::bad, "tier none", made.error().text()};
}

/// A program that is looked for in PATH.
MachineCheck program_check(const std::string& what, const std::string& program,
                           const std::string& meaning) {
  const char* const path = ::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  const auto is_there = [](const std::string& file) { return ::access(file.c_str(), X_OK) == 0; };
  bool found = program.find('/') != std::string::npos && is_there(program);
  while (!found && !rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    found = is_there(std::string(rest.substr(0, colon)) + "/" + program);
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return {what, found ? CheckStatus::good : CheckStatus::missing, program, found ? "" : meaning};
}

/// What tasks need that list what they may reach.
MachineCheck egress_check() {
  const auto found = egress::find_programs();
  if (found) return {"egress", CheckStatus::good, found->nft + ", " + found->slirp, ""};
  return {"egress", CheckStatus::missing, "tasks with a list under `network` are refused",
          found.error().text()};
}

Cell status_cell(const JsonObject& item) {
  const std::string status = text_of(item, "status");
  if (status == "good") return {"✔ good", Tone::good};
  if (status == "missing") return {"○ missing", Tone::waiting};
  return {"✖ bad", Tone::bad};
}

}  // namespace

Ended command_doctor(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "checks"));
  const Result<StateLayout> layout = session.find_state();
  const std::string directory = layout ? layout->root : session.surroundings.working_directory;
  std::vector<MachineCheck> checks = kernel_checks();
  checks.push_back({"machine", CheckStatus::good, format_resources(machine_capacity()), ""});
  for (auto& list : {limit_checks(), disk_checks(directory)})
    checks.insert(checks.end(), list.begin(), list.end());
  checks.push_back({"state directory", CheckStatus::good, layout ? layout->root : "none yet", ""});
  if (layout) {
    if (const auto holder = EngineLock::holder(*layout); holder)
      checks.push_back(
          {"engine", CheckStatus::good, fmt::format("process {}", holder->pid), holder->command});
  }
  checks.push_back(tier_check());
  checks.push_back(program_check("images", "skopeo", "none can be fetched: apt install skopeo"));
  const std::string runtime = oci_runtime();
  checks.push_back(program_check("tier oci", runtime,
                                 "there is none: apt install runc, or set REEVE_OCI_RUNTIME"));
  checks.push_back(egress_check());

  Listing listing{
      .kind = "checks",
      .id_field = "check",
      .columns = {{"CHECK", [](const JsonObject& item) { return Cell{text_of(item, "check")}; }},
                  {"STATUS", status_cell},
                  {"FOUND", [](const JsonObject& item) { return Cell{text_of(item, "value")}; },
                   Align::left, true},
                  {"MEANS",
                   [](const JsonObject& item) {
                     return Cell{text_of(item, "meaning"), Tone::faint};
                   },
                   Align::left, true}}};
  for (const MachineCheck& check : checks) listing.items.push_back(check_json(check));
  const bool is_bad = std::ranges::any_of(
      checks, [](const MachineCheck& check) { return check.status == CheckStatus::bad; });
  return session.print(listing, choice, is_bad ? kExitFailed : kExitDone);
}

}  // namespace reeve::cli
