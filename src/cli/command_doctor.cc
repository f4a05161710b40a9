// `reeve doctor`.
#include <algorithm>

#include <fmt/format.h>

#include "cli/machine_checks.h"
#include "cli/resource_list.h"
#include "cli/session.h"

namespace reeve::cli {
namespace {

using Status = MachineCheck::Status;

std::string_view name(Status status) {
  switch (status) {
    case Status::good: return "good";
    case Status::missing: return "missing";
    case Status::bad: return "bad";
  }
  return "";
}

JsonObject check_json(const MachineCheck& check) {
  return {{"check", check.name},
          {"status", name(check.status)},
          {"value", check.value},
          {"meaning", check.meaning.empty() ? Json(nullptr) : Json(check.meaning)}};
}

bool is_good(const std::vector<MachineCheck>& checks, std::string_view wanted) {
  const auto found = std::ranges::find(checks, wanted, &MachineCheck::name);
  return found != checks.end() && found->status == Status::good;
}

/// What encloses tasks now, said as it is, and what this machine would allow.
MachineCheck tier_check(const std::vector<MachineCheck>& checks) {
  const bool could = is_good(checks, "user namespaces") && is_good(checks, "seccomp");
  return {"sandbox", Status::missing, "tier none: tasks run as you, with all that you may do",
          could ? "this machine could enclose tasks (tier native); this version of reeve does not"
                : "this machine could not enclose tasks without root"};
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
  checks.push_back({"machine", Status::good, format_resources(machine_capacity()), ""});
  for (auto& list : {limit_checks(), disk_checks(directory)})
    checks.insert(checks.end(), list.begin(), list.end());
  checks.push_back({"state directory", Status::good, layout ? layout->root : "none yet", ""});
  if (layout) {
    if (const auto holder = EngineLock::holder(*layout); holder)
      checks.push_back(
          {"engine", Status::good, fmt::format("process {}", holder->pid), holder->command});
  }
  checks.push_back(tier_check(checks));

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
      checks, [](const MachineCheck& check) { return check.status == Status::bad; });
  return session.print(listing, choice, is_bad ? kExitFailed : kExitDone);
}

}  // namespace reeve::cli
