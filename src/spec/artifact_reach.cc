#include "spec/artifact_reach.h"

#include <algorithm>
#include <string_view>

#include "base/sandbox_paths.h"

namespace reeve::spec {
namespace {

constexpr std::string_view kOutside =
    "' is out of the task's reach: what it makes is below its work directory, or below a path of "
    "`writable` or `readable`; let it copy the file there, or run it with `sandbox: none`";

/// Where nobody works without saying so.
bool is_of_system(std::string_view path) {
  constexpr std::string_view kSystem[] = {"/bin",   "/boot", "/dev",  "/etc", "/lib",
                                          "/lib64", "/proc", "/sbin", "/sys"};
  return std::ranges::any_of(kSystem,
                             [&](std::string_view system) { return is_path_below(path, system); });
}

/// What is known of the directories that a task has.
struct Places {
  const std::string& path;
  bool holds_it = false;
  bool are_all_known = true;

  void add(const std::string& place, bool is_literal) {
    if (!is_literal || !place.starts_with('/')) {
      are_all_known = false;
      return;
    }
    const std::string plain = plain_path(place, "/");
    if (is_own_of_sandbox(plain)) return;
    holds_it = holds_it || path == plain || is_path_below(path, plain);
  }
};

}  // namespace

std::string why_out_of_reach(const std::string& path, const SandboxRequest& sandbox,
                             const GroupDetail& detail) {
  if (!path.starts_with('/')) {
    // One level more than any that is climbed, so that what leaves it can be told.
    const std::string plain = plain_path(path, "/work");
    return plain == "/work" || is_path_below(plain, "/work")
               ? ""
               : "'" + path + "' leaves the work directory; keep it inside, or write it absolute";
  }
  if (sandbox.tier == SandboxTier::none) return "";
  const std::string plain = plain_path(path, "/");
  Places places{plain};
  if (detail.work_directory)
    places.add(detail.work_directory->text(), detail.work_directory->is_literal());
  else
    places.are_all_known = false;
  if (detail.sandbox_paths) {
    for (const auto* list : {&detail.sandbox_paths->readable, &detail.sandbox_paths->writable})
      for (const Template& place : *list) places.add(place.text(), place.is_literal());
  } else {
    for (const auto* list : {&sandbox.readable, &sandbox.writable})
      for (const std::string& place : *list) places.add(place, true);
  }
  if (places.holds_it) return "";
  const bool is_hopeless = places.are_all_known || is_own_of_sandbox(plain) ||
                           (!detail.work_directory && is_of_system(plain));
  return is_hopeless ? "'" + path + std::string(kOutside) : "";
}

}  // namespace reeve::spec
