#include "spec/read_policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/egress.h"
#include "base/image_reference.h"
#include "spec/read_placement.h"
#include "spec/read_resources.h"

namespace reeve::spec {
namespace {

constexpr std::array<std::string_view, 18> kPolicyFields{
    "retry",       "timeout",      "timeout-minutes", "resources", "sandbox", "priority",
    "locks",       "output_limit", "image",           "warm",      "queue",   "placement",
    "preemptible", "rate_limit",   "idempotent",      "hedge",     "batch",   "single_flight"};

struct ClassName {
  std::string_view name;
  OutcomeClass outcome;
};
constexpr std::array kClassNames{
    ClassName{"exit", OutcomeClass::exited},        ClassName{"signal", OutcomeClass::signalled},
    ClassName{"oom", OutcomeClass::out_of_memory},  ClassName{"timeout", OutcomeClass::timed_out},
    ClassName{"lost", OutcomeClass::lost},          ClassName{"rejected", OutcomeClass::rejected},
    ClassName{"start", OutcomeClass::start_failed},
};

SandboxTier tier_named(std::string_view name) {
  if (name == "none") return SandboxTier::none;
  return name == "oci" ? SandboxTier::oci : SandboxTier::native;
}

constexpr std::size_t kModulesMax = 64;

WarmKind warm_kind_named(std::string_view name) {
  for (const WarmKind kind : {WarmKind::python, WarmKind::sh, WarmKind::node})
    if (name == reeve::name(kind)) return kind;
  return WarmKind::none;
}

/// "os.path"
bool is_python_module(std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    if (!is_variable(text.substr(at, dot - at))) return false;
    at = dot + 1;
  }
  return true;
}

const Shape& policy_shape_of(std::string_view field) {
  return *find_field(task_shape(), field)->shape;
}

/// "p95", "p99.9": above a half and below all, so that it means something.
std::optional<double> quantile_named(std::string_view text) {
  if (!text.starts_with('p')) return std::nullopt;
  double percent = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] =
      std::from_chars(text.data() + 1, end, percent, std::chars_format::fixed);
  if (error != std::errc{} || stop != end || !(percent >= 50 && percent <= 99.9))
    return std::nullopt;
  return percent / 100;
}

}  // namespace

PolicyReader::PolicyReader(Reading& reading, std::vector<Policy>& policies)
    : reading_(reading),
      policies_(policies) {
  policies_.emplace_back();
}

void PolicyReader::read_defaults(const Section& defaults) { apply(defaults, policies_[0]); }

std::uint32_t PolicyReader::read(const Section& task) {
  std::string identity;
  for (const std::string_view name : kPolicyFields) {
    const auto node = task.get(name);
    if (!node) continue;
    identity += name;
    append_identity(identity, *node);
  }
  if (identity.empty()) return 0;
  if (const auto found = known_.find(identity); found != known_.end()) return found->second;
  Policy policy = policies_[0];
  apply(task, policy);
  policies_.push_back(std::move(policy));
  const auto index = static_cast<std::uint32_t>(policies_.size() - 1);
  known_.emplace(std::move(identity), index);
  return index;
}

void PolicyReader::apply(const Section& section, Policy& policy) {
  if (const auto retry = section.get("retry")) apply_retry(*retry, policy.retry);
  if (const auto timeout = section.get("timeout")) apply_timeout(*timeout, policy.timeouts);
  if (const auto minutes = section.get("timeout-minutes")) {
    const Json value = minutes->scalar_value();
    const double number = value.is_double()  ? value.get_double()
                          : value.is_int64() ? static_cast<double>(value.get_int64())
                                             : 0;
    const double microseconds = std::clamp(number, 0.0, 52'560'000.0) * 60e6;
    policy.timeouts.run = Duration{static_cast<std::int64_t>(microseconds)};
  }
  if (const auto resources = section.get("resources")) apply_resources(*resources, policy);
  if (const auto sandbox = section.get("sandbox")) apply_sandbox(*sandbox, policy.sandbox);
  if (const auto image = section.get("image")) apply_image(*image, policy.sandbox);
  if (const auto warm = section.get("warm")) policy.sandbox.warm = read_warm(*warm);
  if (const auto priority = section.get("priority"))
    policy.priority = static_cast<std::int32_t>(reading_.read_integer(*priority));
  if (const auto locks = section.get("locks")) policy.locks = read_locks(*locks);
  if (const auto idempotent = section.get("idempotent"))
    policy.idempotent = reading_.read_boolean(*idempotent);
  if (const auto hedge = section.get("hedge")) apply_hedge(*hedge, policy);
  if (const auto batch = section.get("batch")) apply_batch(*batch, policy);
  if (const auto value = section.get("single_flight"))
    policy.single_flight = reading_.read_boolean(*value);
  if (const auto limit = section.get("output_limit"))
    policy.output_bytes_max = parse_bytes(limit->text()).value_or(0);
  if (const auto queue = section.get("queue")) policy.queue = reading_.read_text(*queue);
  const auto placement = section.get("placement");
  if (placement) read_placement(*placement, reading_, policy.placement);
  if (const auto value = section.get("preemptible"))
    policy.preemptible = reading_.read_boolean(*value);
  if (const auto limit = section.get("rate_limit")) policy.rate_limit = reading_.read_text(*limit);
  if (placement) check_gang(*placement, policy);
  if (const auto resources = section.get("resources"); resources && !placement)
    check_gang(*resources, policy);
  if (const auto batch = section.get("batch")) check_batch(*batch, policy);
}

void PolicyReader::apply_retry(const YamlNode& node, RetryPolicy& retry) {
  if (node.is_scalar()) {
    retry.max = static_cast<std::int32_t>(reading_.read_integer(node));
    return;
  }
  const Section section(node, policy_shape_of("retry"));
  if (const auto max = section.get("max"))
    retry.max = static_cast<std::int32_t>(reading_.read_integer(*max));
  if (const auto backoff = section.get("backoff")) apply_backoff(*backoff, retry.backoff);
  if (const auto on = section.get("on")) {
    // The list says it all, except that a start that failed is never the task's fault.
    for (const ClassName& row : kClassNames) {
      if (row.outcome != OutcomeClass::start_failed) retry.rule(row.outcome).retried = false;
    }
    for (const YamlNode& item : reading_.read_list(*on)) {
      const auto row = std::ranges::find(kClassNames, item.text(), &ClassName::name);
      if (row != kClassNames.end()) retry.rule(row->outcome).retried = true;
    }
  }
  if (const auto limits = section.get("limits")) {
    for (const YamlNode::Entry& entry : limits->entries()) {
      const auto row = std::ranges::find(kClassNames, entry.key.text(), &ClassName::name);
      if (row == kClassNames.end()) continue;
      retry.rule(row->outcome).limit =
          static_cast<std::int32_t>(reading_.read_integer(entry.value));
    }
  }
}

void PolicyReader::apply_backoff(const YamlNode& node, Backoff& backoff) {
  if (node.is_scalar()) {
    backoff.initial = reading_.read_duration(node);
    backoff.max = std::max(backoff.max, backoff.initial);
    return;
  }
  const Section section(node, *find_field(policy_shape_of("retry"), "backoff")->shape);
  const auto max = section.get("max");
  if (max) backoff.max = reading_.read_duration(*max);
  if (const auto initial = section.get("initial")) {
    backoff.initial = reading_.read_duration(*initial);
    if (!max) backoff.max = std::max(backoff.max, backoff.initial);
  }
  if (const auto factor = section.get("factor")) {
    const Json value = factor->scalar_value();
    if (value.is_double()) backoff.factor = value.get_double();
    if (value.is_int64()) backoff.factor = static_cast<double>(value.get_int64());
  }
  if (const auto jitter = section.get("jitter")) backoff.jitter = reading_.read_boolean(*jitter);
  if (backoff.initial > backoff.max)
    reading_.diagnostics().error(node, "the longest wait is shorter than the first");
}

void PolicyReader::apply_hedge(const YamlNode& node, Policy& policy) {
  policy.hedge = {};
  if (node.is_scalar() && !reading_.read_boolean(node)) return;
  policy.hedge.max = 1;
  if (!node.is_scalar()) {
    const Section section(node, policy_shape_of("hedge"));
    if (const auto max = section.get("max"))
      policy.hedge.max = static_cast<std::uint32_t>(reading_.read_integer(*max));
    if (const auto after = section.get("after"); after && after->is_scalar()) {
      if (const auto quantile = quantile_named(after->text())) {
        policy.hedge.quantile = *quantile;
      } else if (const auto duration = parse_duration(after->text());
                 duration && *duration > Duration{0}) {
        policy.hedge.after = *duration;
      } else {
        reading_.diagnostics().error(
            *after,
            "expected a share from p50 to p99.9, such as p95, or a duration such as 30s, "
            "got '" +
                std::string(after->text()) + "'");
      }
    }
  }
  if (policy.idempotent) return;
  reading_.diagnostics().error(
      node,
      "hedge may run the task twice at the same time, in one work directory: write "
      "`idempotent: true` beside it if that does no harm, or leave hedge out");
}

void PolicyReader::apply_batch(const YamlNode& node, Policy& policy) {
  policy.batch = {};
  if (node.is_scalar()) {
    policy.batch.max = static_cast<std::uint32_t>(reading_.read_integer(node));
    return;
  }
  const Section section(node, policy_shape_of("batch"));
  if (const auto max = section.get("max"))
    policy.batch.max = static_cast<std::uint32_t>(reading_.read_integer(*max));
  if (const auto wait = section.get("max_wait"))
    policy.batch.max_wait = reading_.read_duration(*wait);
}

/// What cannot share a start, or would share nothing.
void PolicyReader::check_batch(const YamlNode& node, const Policy& policy) {
  if (policy.batch.max < 2) return;
  Diagnostics& diagnostics = reading_.diagnostics();
  if (policy.hedge.max > 0)
    diagnostics.error(node,
                      "batch and hedge cannot go together: those of a batch wait for each other, "
                      "which is no reason for a second attempt; leave one of them out");
  if (!policy.locks.empty())
    diagnostics.warning(node, "batch does nothing here: a task that holds locks is started alone");
  if (policy.single_flight)
    diagnostics.warning(node, "batch does nothing here: with single_flight each is started alone");
  if (policy.nodes > 1)
    diagnostics.warning(node,
                        "batch does nothing here: a task over several nodes is started alone");
  const bool own = policy.sandbox.tier == SandboxTier::oci ||
                   policy.sandbox.warm.kind != WarmKind::none ||
                   policy.sandbox.network == SandboxNetwork::egress;
  if (own)
    diagnostics.warning(node,
                        "batch shares a commit here, and no sandbox: with tier oci, warm or a list "
                        "of what may be reached each task has one of its own");
}

void PolicyReader::apply_timeout(const YamlNode& node, Timeouts& timeouts) {
  if (node.is_scalar()) {
    timeouts.run = reading_.read_duration(node);
    return;
  }
  const Section section(node, policy_shape_of("timeout"));
  const auto set = [&](std::string_view name, Duration& out) {
    if (const auto value = section.get(name)) out = reading_.read_duration(*value);
  };
  set("run", timeouts.run);
  set("queue", timeouts.queue);
  set("start", timeouts.start);
  set("idle", timeouts.idle);
  set("grace", timeouts.grace);
}

void PolicyReader::apply_resources(const YamlNode& node, Policy& policy) {
  if (node.is_list()) return apply_variants(node, policy);
  policy.alternatives.clear();
  const Section section(node, policy_shape_of("resources"));
  policy.resources = read_resources(section, reading_, std::move(policy.resources));
  if (const auto nodes = section.get("nodes"))
    policy.nodes = static_cast<std::uint32_t>(reading_.read_integer(*nodes));
}

/// Each begins with what the defaults say.
void PolicyReader::apply_variants(const YamlNode& node, Policy& policy) {
  const Resources base = policy.resources;
  policy.nodes = 1;
  std::vector<Resources> variants;
  for (const YamlNode& item : node.items()) {
    // More are refused by the shape.
    if (static_cast<std::int64_t>(variants.size()) > kAlternativesMax) break;
    variants.push_back(
        read_resources(Section(item, *policy_shape_of("resources").item), reading_, base));
    for (std::size_t i = 0; i + 1 < variants.size(); ++i) {
      if (!variants.back().covers(variants[i]) || reading_.diagnostics().has_errors()) continue;
      reading_.diagnostics().warning(
          item, "this variant is never used: wherever it fits, that of line " +
                    std::to_string(reading_.diagnostics().line_of(node.items()[i].offset())) +
                    " fits, too, and is preferred");
      break;
    }
  }
  if (variants.empty()) return;
  policy.resources = std::move(variants.front());
  policy.alternatives.assign(std::make_move_iterator(variants.begin() + 1),
                             std::make_move_iterator(variants.end()));
}

/// A task over several nodes finds them only where its rules allow so many.
void PolicyReader::check_gang(const YamlNode& node, const Policy& policy) {
  if (policy.nodes < 2) return;
  for (const LabelRule& rule : policy.placement.require) {
    if (rule.kind != LabelRule::Kind::in || rule.key != "node") continue;
    if (rule.values.size() >= policy.nodes) continue;
    reading_.diagnostics().error(node, "'nodes: " + std::to_string(policy.nodes) + "' and '" +
                                           format_rule(rule) +
                                           "' cannot both hold: these are too few nodes");
  }
}

void PolicyReader::read_queue(const YamlNode& queue) {
  policies_[0].queue = reading_.read_text(queue);
}

void PolicyReader::apply_sandbox(const YamlNode& node, SandboxRequest& sandbox) {
  const Section section(node, policy_shape_of("sandbox"));
  const auto tier = node.is_scalar() ? std::optional(node) : section.get("tier");
  if (tier) sandbox.tier = tier_named(tier->text());
  if (const auto network = section.get("network")) apply_network(*network, sandbox);
  const auto set = [&](std::string_view name, std::vector<std::string>& out) {
    const auto paths = section.get(name);
    if (!paths) return;
    out.clear();
    for (const YamlNode& path : reading_.read_list(*paths)) {
      if (path.is_scalar() && path.text().empty())
        reading_.diagnostics().error(path, "expected a path, got an empty text");
      if (!holds_expression(path)) out.push_back(reading_.read_text(path));
    }
  };
  if (const auto user = section.get("user"))
    sandbox.user = static_cast<std::uint32_t>(reading_.read_integer(*user));
  set("readable", sandbox.readable);
  set("writable", sandbox.writable);
}

void PolicyReader::apply_network(const YamlNode& node, SandboxRequest& sandbox) {
  sandbox.egress.clear();
  if (node.is_scalar()) {
    sandbox.network = node.text() == "host" ? SandboxNetwork::host : SandboxNetwork::none;
    return;
  }
  sandbox.network = SandboxNetwork::egress;
  for (const YamlNode& item : reading_.read_list(node)) {
    if (sandbox.egress.size() == kEgressEntriesMax) {
      reading_.diagnostics().error(
          item,
          "a task may list " + std::to_string(kEgressEntriesMax) +
              " things to reach at most; write networks, as in 10.2.0.0/16:443, and ranges of "
              "ports");
      return;
    }
    if (!item.is_scalar()) continue;  // the shape is refused
    sandbox.egress.push_back(reading_.read_text(item));
    if (const auto entry = parse_egress(sandbox.egress.back()); !entry)
      reading_.diagnostics().error(item, entry.error().message);
  }
}

void PolicyReader::apply_image(const YamlNode& node, SandboxRequest& sandbox) {
  if (!node.is_scalar()) return;
  sandbox.image = reading_.read_text(node);
  if (const auto image = parse_image_reference(sandbox.image); !image)
    reading_.diagnostics().error(node, image.error().message);
}

WarmRequest PolicyReader::read_warm(const YamlNode& node) {
  WarmRequest warm;
  if (node.is_scalar()) {
    warm.kind = warm_kind_named(node.text());
    return warm;
  }
  const Section section(node, policy_shape_of("warm"));
  if (const auto command = section.get("command")) {
    warm.kind = WarmKind::command;
    for (const YamlNode& word : command->items()) warm.command.push_back(reading_.read_text(word));
    if (!warm.command.empty() && warm.command.front().empty())
      reading_.diagnostics().error(*command, "the name of the program is empty");
    return warm;
  }
  for (const WarmKind kind : {WarmKind::python, WarmKind::node}) {
    const auto modules = section.get(name(kind));
    if (!modules) continue;
    warm.kind = kind;
    for (const YamlNode& module : reading_.read_list(*modules)) {
      warm.modules.push_back(reading_.read_text(module));
      if (kind == WarmKind::python && !is_python_module(module.text()))
        reading_.diagnostics().error(module,
                                     "expected the name of a module such as json or "
                                     "xml.dom, got '" +
                                         warm.modules.back() + "'");
    }
    if (warm.modules.size() > kModulesMax)
      reading_.diagnostics().error(
          *modules, "at most " + std::to_string(kModulesMax) + " modules are imported ahead");
  }
  return warm;
}

std::vector<LockRequest> PolicyReader::read_locks(const YamlNode& node) {
  std::vector<LockRequest> locks;
  for (const YamlNode& name : reading_.read_list(node))
    locks.push_back({.name = reading_.read_text(name)});
  for (const YamlNode::Entry& entry : node.entries()) {
    locks.push_back({.name = reading_.read_text(entry.key),
                     .units = static_cast<std::int32_t>(reading_.read_integer(entry.value))});
  }
  // In one order everywhere, so that two tasks cannot each hold what the other waits for.
  std::ranges::sort(locks, {}, &LockRequest::name);
  const auto same = std::ranges::adjacent_find(locks, {}, &LockRequest::name);
  if (same != locks.end())
    reading_.diagnostics().error(node, "the lock '" + same->name + "' is named twice");
  return locks;
}

}  // namespace reeve::spec
