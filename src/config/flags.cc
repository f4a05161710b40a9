#include "config/flags.h"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/digest.h"
#include "base/text.h"

namespace reeve::config {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kAll = 10'000;
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kRulesMax = 100;
constexpr std::size_t kConditionsMax = 100;  ///< namespaces or labels of a rule
constexpr std::size_t kTextMax = 1000;
constexpr std::size_t kFlagJsonMax = 256 * 1024;

tl::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

bool matches(const FlagRule& rule, const FlagSubject& subject) {
  if (!rule.namespaces.empty() &&
      std::ranges::find(rule.namespaces, subject.name_space) == rule.namespaces.end())
    return false;
  return std::ranges::all_of(rule.labels, [&](const auto& label) {
    const auto found = subject.labels.find(label.first);
    return found != subject.labels.end() && found->second == label.second;
  });
}

std::string percent(std::uint32_t rollout) {
  return fmt::format("{}.{:02} %", rollout / 100, rollout % 100);
}

FlagAnswer roll_out(const Flag& flag, const FlagSubject& subject, std::uint32_t rollout,
                    std::string_view which) {
  const bool on = rollout_bucket(flag.name, subject.key) < rollout;
  if (rollout == 0 || rollout == kAll)
    return {on, fmt::format("{}: {} for all", which, on ? "on" : "off")};
  return {on, fmt::format("{}: {} of the subjects, and '{}' is {}", which, percent(rollout),
                          subject.key, on ? "one of them" : "not one of them")};
}

bool is_short_text(const std::string& text) {
  return !text.empty() && text.size() <= kTextMax && is_valid_utf8(text);
}

/// Refuses members that are not in `known`.
Status check_members(const json::object& object, std::span<const std::string_view> known) {
  for (const auto& [key, value] : object) {
    if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
    const std::string close = closest_match(std::string_view(key), known);
    return invalid(fmt::format("a flag has no '{}'{}", sanitize_for_terminal(std::string_view(key)),
                               close.empty() ? std::string() : ": did you mean '" + close + "'?"));
  }
  return {};
}

Status read_text(const json::object& object, std::string_view member, std::string& out) {
  const json::value* const found = object.if_contains(member);
  if (found == nullptr) return {};
  if (!found->is_string()) return invalid(fmt::format("'{}' must be a text", member));
  out = found->get_string();
  return {};
}

Status read_rollout(const json::object& object, std::uint32_t& out) {
  const json::value* const found = object.if_contains("rollout_percent");
  if (found == nullptr) return {};
  const double number = found->is_double()  ? found->get_double()
                        : found->is_int64() ? static_cast<double>(found->get_int64())
                                            : -1;
  if (!(number >= 0 && number <= 100)) return invalid("'rollout_percent' must be 0 to 100");
  out = static_cast<std::uint32_t>(number * 100 + 0.5);
  return {};
}

Result<FlagRule> read_rule(const json::value& value) {
  constexpr auto kMembers =
      std::to_array<std::string_view>({"namespaces", "labels", "rollout_percent"});
  if (!value.is_object()) return invalid("a rule must be an object");
  const json::object& object = value.get_object();
  TRY(check_members(object, kMembers));
  FlagRule rule;
  TRY(read_rollout(object, rule.rollout));
  if (const json::value* const found = object.if_contains("namespaces")) {
    if (!found->is_array()) return invalid("'namespaces' must be a list");
    for (const json::value& each : found->get_array()) {
      if (!each.is_string()) return invalid("'namespaces' must be a list of texts");
      rule.namespaces.emplace_back(each.get_string());
    }
  }
  if (const json::value* const found = object.if_contains("labels")) {
    if (!found->is_object()) return invalid("'labels' must be an object");
    for (const auto& [key, each] : found->get_object()) {
      if (!each.is_string()) return invalid("'labels' must be an object of texts");
      rule.labels.emplace(key, each.get_string());
    }
  }
  return rule;
}

json::value rollout_json(std::uint32_t rollout) {
  if (rollout % 100 == 0) return json::value(rollout / 100);
  return json::value(rollout / 100.0);
}

}  // namespace

Status validate(const Flag& flag) {
  const auto inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  const std::string& name = flag.name;
  if (name.empty() || name.size() > kNameMax || name.front() < 'a' || name.front() > 'z' ||
      !std::ranges::all_of(name, inner))
    return invalid(
        fmt::format("'{}' is no name of a flag: a-z first, then a-z, 0-9, '_', '.' and "
                    "'-', at most {}",
                    sanitize_for_terminal(std::string_view(name).substr(0, 100)), kNameMax));
  if (flag.description.size() > kTextMax || !is_valid_utf8(flag.description))
    return invalid(fmt::format("the description has at most {} bytes of UTF-8", kTextMax));
  if (flag.rollout > kAll) return invalid("a percentage is 0 to 100");
  if (flag.rules.size() > kRulesMax) return invalid(fmt::format("at most {} rules", kRulesMax));
  for (const FlagRule& rule : flag.rules) {
    if (rule.rollout > kAll) return invalid("a percentage is 0 to 100");
    if (rule.namespaces.size() > kConditionsMax || rule.labels.size() > kConditionsMax)
      return invalid(fmt::format("at most {} namespaces and labels in a rule", kConditionsMax));
    if (!std::ranges::all_of(rule.namespaces, is_short_text))
      return invalid("a namespace of a rule is empty or too long");
    for (const auto& [key, value] : rule.labels) {
      if (!is_short_text(key) || value.size() > kTextMax || !is_valid_utf8(value))
        return invalid("a label of a rule is empty or too long");
    }
  }
  return {};
}

std::uint32_t rollout_bucket(std::string_view flag, std::string_view key) {
  DigestBuilder builder;
  builder.add("reeve flag 1\n");
  builder.add_number(flag.size());
  builder.add(flag);
  builder.add(key);
  const Digest digest = builder.finish();
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(number); ++i) number = (number << 8) | digest.bytes[i];
  return static_cast<std::uint32_t>(number % kAll);
}

FlagAnswer evaluate(const Flag& flag, const FlagSubject& subject) {
  if (!flag.on) return {false, "the flag is off"};
  for (std::size_t i = 0; i < flag.rules.size(); ++i) {
    if (matches(flag.rules[i], subject))
      return roll_out(flag, subject, flag.rules[i].rollout, fmt::format("rule {}", i + 1));
  }
  return roll_out(flag, subject, flag.rollout, flag.rules.empty() ? "flag" : "no rule matches");
}

std::string flag_json(const Flag& flag) {
  json::array rules;
  for (const FlagRule& rule : flag.rules) {
    json::object labels;
    for (const auto& [key, value] : rule.labels) labels[key] = value;
    rules.push_back(
        json::object{{"namespaces", json::array(rule.namespaces.begin(), rule.namespaces.end())},
                     {"labels", std::move(labels)},
                     {"rollout_percent", rollout_json(rule.rollout)}});
  }
  return json::serialize(json::object{{"name", flag.name},
                                      {"description", flag.description},
                                      {"on", flag.on},
                                      {"rules", std::move(rules)},
                                      {"rollout_percent", rollout_json(flag.rollout)}});
}

Result<Flag> parse_flag(std::string_view text) {
  constexpr auto kMembers =
      std::to_array<std::string_view>({"name", "description", "on", "rules", "rollout_percent"});
  if (text.size() > kFlagJsonMax) return invalid("the flag is too large");
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return invalid("a flag must be a JSON object");
  const json::object& object = value.get_object();
  TRY(check_members(object, kMembers));
  Flag flag;
  TRY(read_text(object, "name", flag.name));
  TRY(read_text(object, "description", flag.description));
  TRY(read_rollout(object, flag.rollout));
  if (const json::value* const found = object.if_contains("on")) {
    if (!found->is_bool()) return invalid("'on' must be true or false");
    flag.on = found->get_bool();
  }
  if (const json::value* const found = object.if_contains("rules")) {
    if (!found->is_array()) return invalid("'rules' must be a list");
    for (const json::value& each : found->get_array()) {
      TRY_ASSIGN(FlagRule rule, read_rule(each));
      flag.rules.push_back(std::move(rule));
    }
  }
  TRY(validate(flag));
  return flag;
}

}  // namespace reeve::config
