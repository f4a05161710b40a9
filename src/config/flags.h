// Feature flags: a named switch with a default, rules that target namespaces and labels, and a
// percentage that it is rolled out to. Who is in the percentage follows from a stable hash of the
// flag's name and the subject: the same subject stays in as the percentage grows. Pure; no thread
// rule.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reeve::config {

/// All conditions must hold; the first rule that matches decides.
struct FlagRule {
  std::vector<std::string> namespaces;        ///< any of these; [] for all
  std::map<std::string, std::string> labels;  ///< all of these
  std::uint32_t rollout = 10'000;  ///< hundredths of a percent of the subjects that it is on for
  friend bool operator==(const FlagRule&, const FlagRule&) = default;
};

struct Flag {
  std::string name;  ///< [a-z][a-z0-9_.-]*, at most 64
  std::string description;
  bool on = false;  ///< false: off for all, whatever the rules say
  std::vector<FlagRule> rules;
  std::uint32_t rollout = 10'000;  ///< when no rule matches
  friend bool operator==(const Flag&, const Flag&) = default;
};
Status validate(const Flag& flag);

struct FlagSubject {
  std::string key;  ///< what the percentage goes by: the name of a workflow, of a user
  std::string name_space;
  std::map<std::string, std::string> labels;
};
struct FlagAnswer {
  bool on = false;
  std::string why;  ///< "rule 2: 25.00 % of the subjects"
};
FlagAnswer evaluate(const Flag& flag, const FlagSubject& subject);

/// 0 to 9,999.
std::uint32_t rollout_bucket(std::string_view flag, std::string_view key);

/// As API and commands have it; unknown members are refused with a suggestion.
std::string flag_json(const Flag& flag);
Result<Flag> parse_flag(std::string_view json);

/// A flag as it was from then on.
struct FlagVersion {
  Flag flag;
  std::uint64_t version = 0;  ///< 1, 2, ... of this flag
  Time at = kUnset;
  std::string by;
  bool removed = false;
};

}  // namespace reeve::config
