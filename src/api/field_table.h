// The fields of what is shown of runs, tasks and all the rest: the contract of `-o json`, of the
// HTTP API and of its description, and the source of docs/cli.md. Constants; no thread rule.
#pragma once

#include <span>
#include <string_view>

namespace reeve::api {

inline constexpr int kOutputVersion = 1;

/// One row of the contract.
struct FieldInfo {
  std::string_view name;
  std::string_view type;  ///< "string", "number", "time?" (null when there is none), ...
  std::string_view meaning;
};
/// What the items of one kind hold, e.g. of "runs".
struct KindInfo {
  std::string_view kind;
  std::string_view command;  ///< that prints it
  std::span<const FieldInfo> fields;
};
std::span<const KindInfo> kind_table();
/// A kind that is in the table.
const KindInfo& kind_info(std::string_view kind);

}  // namespace reeve::api
