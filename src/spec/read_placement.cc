#include "spec/read_placement.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "spec/fields.h"
#include "spec/quantities.h"
#include "spec/shape_check.h"

namespace reeve::spec {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::size_t kRulesMax = 64;

/// Reads selectors from left to right; what is wrong is remembered once.
class RuleScanner {
 public:
  explicit RuleScanner(std::string_view text) : rest_(text) {}

  Result<std::vector<LabelRule>> run() {
    std::vector<LabelRule> rules;
    do {
      TRY_ASSIGN(LabelRule rule, read_rule());
      std::ranges::sort(rule.values);
      const auto same = std::ranges::unique(rule.values);
      rule.values.erase(same.begin(), same.end());
      rules.push_back(std::move(rule));
      if (rules.size() > kRulesMax)
        return fail(ErrorCode::invalid_argument,
                    "more than " + std::to_string(kRulesMax) + " rules");
    } while (take(","));
    if (!rest_.empty()) return expected("a comma or the end");
    return rules;
  }

 private:
  Result<LabelRule> read_rule() {
    LabelRule rule;
    const bool is_negative = take("!");
    TRY_ASSIGN(rule.key, read_label("the name of a label"));
    if (is_negative) {
      rule.kind = LabelRule::Kind::not_exists;
      return rule;
    }
    skip_blanks();
    if (rest_.empty() || rest_.front() == ',') {
      rule.kind = LabelRule::Kind::exists;
      return rule;
    }
    if (take("!=")) {
      rule.kind = LabelRule::Kind::not_in;
    } else if (!take("==") && !take("=")) {
      rule.kind = take_word("notin") || (take_word("not") && take_word("in"))
                      ? LabelRule::Kind::not_in
                      : LabelRule::Kind::in;
      if (rule.kind == LabelRule::Kind::in && !take_word("in"))
        return expected("=, !=, in or notin behind '" + rule.key + "'");
      if (!take("(")) return expected("( behind in");
      do {
        TRY_ASSIGN(std::string value, read_label("the value of a label"));
        rule.values.push_back(std::move(value));
      } while (take(","));
      if (!take(")")) return expected(", or )");
      return rule;
    }
    TRY_ASSIGN(std::string value, read_label("the value of a label"));
    rule.values.push_back(std::move(value));
    return rule;
  }

  Result<std::string> read_label(std::string_view what) {
    skip_blanks();
    const std::size_t end = std::min(rest_.find_first_of(" \t\r\n,()=!"), rest_.size());
    const std::string_view label = rest_.substr(0, end);
    if (!is_label_text(label)) return expected(what);
    rest_.remove_prefix(end);
    return std::string(label);
  }

  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
  }

  bool take(std::string_view text) {
    skip_blanks();
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool take_word(std::string_view word) {
    skip_blanks();
    if (!rest_.starts_with(word)) return false;
    const std::string_view behind = rest_.substr(word.size());
    if (!behind.empty() && kBlanks.find(behind[0]) == std::string_view::npos && behind[0] != '(')
      return false;
    rest_ = behind;
    return true;
  }

  tl::unexpected<Error> expected(std::string_view what) const {
    constexpr std::size_t kShownMax = 40;
    const std::string got =
        rest_.empty() ? "the end" : "'" + sanitize_for_terminal(rest_.substr(0, kShownMax)) + "'";
    return fail(ErrorCode::invalid_argument,
                "expected " + std::string(what) + ", got " + got +
                    "; rules are written as in \"zone in (a, b)\", \"arch = arm64\", \"arch != "
                    "arm64\", \"gpu\" or \"!spot\"");
  }

  std::string_view rest_;
};

LabelRule rule_in(std::string_view key, const YamlNode& values, const Reading& reading) {
  LabelRule rule{.key = std::string(key), .kind = LabelRule::Kind::in, .values = {}};
  for (const YamlNode& value : reading.read_list(values))
    rule.values.push_back(reading.read_text(value));
  std::ranges::sort(rule.values);
  const auto same = std::ranges::unique(rule.values);
  rule.values.erase(same.begin(), same.end());
  return rule;
}

std::vector<LabelRule> read_rules(const YamlNode& node, Reading& reading) {
  std::vector<LabelRule> rules;
  for (const YamlNode::Entry& entry : node.entries())
    rules.push_back(rule_in(entry.key.text(), entry.value, reading));
  for (const YamlNode& item : reading.read_list(node)) {
    if (!item.is_scalar()) continue;  // the shape is refused
    auto parsed = parse_label_rules(item.text());
    if (!parsed) {
      reading.diagnostics().error(item, parsed.error().message);
      continue;
    }
    rules.insert(rules.end(), parsed->begin(), parsed->end());
  }
  return rules;
}

std::vector<std::string> read_task_labels(const YamlNode& node, Reading& reading) {
  std::vector<std::string> labels;
  for (const YamlNode& item : reading.read_list(node)) {
    if (!item.is_scalar()) continue;
    std::string label = reading.read_text(item);
    const std::size_t equals = std::min(label.find('='), label.size());
    if (equals == 0 || equals + 1 >= label.size())
      reading.diagnostics().error(item, "expected a label of tasks as name=value, got '" +
                                            sanitize_for_terminal(label) + "'");
    labels.push_back(std::move(label));
  }
  std::ranges::sort(labels);
  return labels;
}

bool is_satisfiable(std::span<const LabelRule> rules) {
  bool must_exist = false;
  bool must_not = false;
  std::optional<std::vector<std::string>> allowed;
  for (const LabelRule& rule : rules) {
    must_exist = must_exist || rule.kind == LabelRule::Kind::exists;
    must_not = must_not || rule.kind == LabelRule::Kind::not_exists;
    if (rule.kind != LabelRule::Kind::in) continue;
    must_exist = true;
    if (!allowed) {
      allowed = rule.values;
      continue;
    }
    std::erase_if(*allowed, [&](const std::string& value) {
      return !std::ranges::binary_search(rule.values, value);
    });
  }
  if (must_exist && must_not) return false;
  if (!allowed) return true;
  for (const LabelRule& rule : rules) {
    if (rule.kind != LabelRule::Kind::not_in) continue;
    std::erase_if(*allowed, [&](const std::string& value) {
      return std::ranges::binary_search(rule.values, value);
    });
  }
  return !allowed->empty();
}

void check_holds(const YamlNode& node, const PlacementRules& rules, Reading& reading) {
  const std::vector<LabelRule> against = contradiction(rules.require);
  if (!against.empty()) {
    std::string names;
    for (std::size_t i = 0; i < against.size(); ++i)
      names += (i == 0                    ? "'"
                : i + 1 == against.size() ? " and '"
                                          : ", '") +
               format_rule(against[i]) + "'";
    reading.diagnostics().error(node, names + " cannot " + (against.size() == 2 ? "both" : "all") +
                                          " hold: no node has it");
  }
  for (const std::string& label : rules.affinity) {
    if (!std::ranges::binary_search(rules.anti_affinity, label)) continue;
    reading.diagnostics().error(
        node, "'affinity: " + label + "' and 'anti_affinity: " + label + "' cannot both hold");
  }
}

}  // namespace

Result<std::vector<LabelRule>> parse_label_rules(std::string_view text) {
  return RuleScanner(text).run();
}

std::vector<LabelRule> contradiction(std::span<const LabelRule> rules) {
  std::vector<LabelRule> sorted(rules.begin(), rules.end());
  std::ranges::stable_sort(sorted, {}, &LabelRule::key);
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end].key == sorted[begin].key) ++end;
    std::vector<LabelRule> kept(sorted.begin() + static_cast<std::ptrdiff_t>(begin),
                                sorted.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end;
    if (is_satisfiable(kept)) continue;
    // Leaves out each without which it stays impossible.
    for (std::size_t i = 0; i < kept.size();) {
      std::vector<LabelRule> fewer = kept;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (is_satisfiable(fewer))
        ++i;
      else
        kept = std::move(fewer);
    }
    return kept;
  }
  return {};
}

void read_placement(const YamlNode& node, Reading& reading, PlacementRules& rules) {
  const Section section(node, *find_field(task_shape(), "placement")->shape);
  const auto pool = section.get("pool");
  const auto require = section.get("require");
  // Of the defaults only what is not named here: the pool is a rule like any other.
  const auto is_pool = [](const LabelRule& rule) { return rule.key == "pool"; };
  if (require) {
    std::vector<LabelRule> own = read_rules(*require, reading);
    if (!pool) std::ranges::copy_if(rules.require, std::back_inserter(own), is_pool);
    rules.require = std::move(own);
  } else if (pool) {
    std::erase_if(rules.require, is_pool);
  }
  if (pool) rules.require.push_back(rule_in("pool", *pool, reading));
  if (const auto prefer = section.get("prefer")) rules.prefer = read_rules(*prefer, reading);
  if (const auto list = section.get("affinity")) rules.affinity = read_task_labels(*list, reading);
  if (const auto list = section.get("anti_affinity"))
    rules.anti_affinity = read_task_labels(*list, reading);
  if (const auto spread = section.get("spread")) rules.spread = reading.read_text(*spread);
  if (const auto cost = section.get("max_cost")) {
    const Json value = cost->scalar_value();
    constexpr double kMax = 1e6;
    const double number = value.is_double()  ? value.get_double()
                          : value.is_int64() ? static_cast<double>(value.get_int64())
                                             : 0;
    rules.price_micros_per_hour_max = to_micros(std::clamp(number, 0.0, kMax));
  }
  if (rules.require.size() > kRulesMax) {
    reading.diagnostics().error(node, "more than " + std::to_string(kRulesMax) + " rules");
    return;
  }
  check_holds(node, rules, reading);
}

}  // namespace reeve::spec
