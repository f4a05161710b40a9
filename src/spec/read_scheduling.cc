#include "spec/read_scheduling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "spec/calendar.h"
#include "spec/fields.h"
#include "spec/quantities.h"
#include "spec/read_resources.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

constexpr std::array<std::string_view, 7> kWindowDayNames{"mon", "tue", "wed", "thu",
                                                          "fri", "sat", "sun"};

const Shape& queue_shape() { return *find_field(cluster_shape(), "queues")->shape->value; }
const Shape& scheduling_shape() { return *find_field(cluster_shape(), "scheduling")->shape; }
const Shape& scheduling_shape_of(std::string_view field) {
  return *find_field(scheduling_shape(), field)->shape;
}

/// Whether all that `later` is about is about `earlier` too, which comes first.
bool is_hidden_by(const QuotaSetup& later, const QuotaSetup& earlier) {
  const bool user = earlier.user.empty() || earlier.user == later.user;
  return user && (earlier.queue.empty() || is_same_or_below(later.queue, earlier.queue));
}

}  // namespace

SchedulingReader::SchedulingReader(Reading& reading, SchedulingPolicy& policy)
    : reading_(reading),
      policy_(policy) {
  queues_.emplace(kDefaultQueue);
}

void SchedulingReader::know_pools(const YamlNode& pools) {
  for (const YamlNode::Entry& entry : pools.entries()) pools_.insert(reading_.read_text(entry.key));
}

void SchedulingReader::read_queues(const YamlNode& queues) {
  for (const YamlNode::Entry& entry : queues.entries()) read_queue(entry);
}

void SchedulingReader::read_queue(const YamlNode::Entry& entry) {
  const Section section(entry.value, queue_shape());
  QueueSetup queue;
  queue.name = reading_.read_text(entry.key);
  for (std::size_t end = queue.name.find('/'); end != std::string::npos;
       end = queue.name.find('/', end + 1))
    queues_.insert(queue.name.substr(0, end));
  queues_.insert(queue.name);
  const auto set = [&](std::string_view name, auto& out) {
    if (const auto value = section.get(name))
      out = static_cast<std::remove_reference_t<decltype(out)>>(reading_.read_integer(*value));
  };
  set("weight", queue.weight);
  set("priority", queue.priority);
  set("max_running", queue.running_max);
  set("max_queued", queue.queued_max);
  if (const auto cap = section.get("cap")) queue.cap = read_cap(*cap);
  if (const auto value = section.get("preemptible"))
    queue.preemptible = reading_.read_boolean(*value);
  if (const auto value = section.get("retry_budget"))
    queue.retry_budget =
        read_retry_budget(*value, *find_field(queue_shape(), "retry_budget")->shape);
  policy_.queues.push_back(std::move(queue));
}

Resources SchedulingReader::read_cap(const YamlNode& node) {
  const Section section(node, *find_field(queue_shape(), "cap")->shape);
  const Resources cap = read_resources(section, reading_);
  const auto refuse_zero = [&](std::string_view name, std::int64_t amount) {
    if (const auto value = section.get(name); value && amount == 0)
      reading_.diagnostics().error(
          *value, "a cap is above 0: leave it out for no cap; max_running: 0 closes the queue");
  };
  // What is no quantity is 0, too; it was reported.
  if (!reading_.diagnostics().has_errors()) {
    refuse_zero("cpu", cap.cpu_millicores);
    refuse_zero("memory", cap.memory_bytes);
    refuse_zero("disk", cap.disk_bytes);
    refuse_zero("gpu", cap.gpu_milli);
  }
  return cap;
}

void SchedulingReader::read(const YamlNode& scheduling) {
  const Section section(scheduling, scheduling_shape());
  if (const auto order = section.get("order")) read_order(*order);
  if (const auto weights = section.get("node")) read_node_weights(*weights);
  if (const auto share = section.get("share")) {
    if (const auto half_life = Section(*share, scheduling_shape_of("share")).get("half_life"))
      policy_.share_half_life = reading_.read_duration(*half_life);
  }
  if (const auto backfill = section.get("backfill")) read_backfill(*backfill);
  if (const auto preemption = section.get("preemption")) read_preemption(*preemption);
  if (const auto quotas = section.get("quotas")) read_quotas(*quotas);
  if (const auto limits = section.get("rate_limits")) read_rate_limits(*limits);
  if (const auto windows = section.get("windows")) read_windows(*windows);
  if (const auto breaker = section.get("breaker")) read_breaker(*breaker);
  if (const auto load = section.get("load")) read_load(*load);
  if (const auto value = section.get("retry_budget"))
    policy_.retry_budget = read_retry_budget(*value, scheduling_shape_of("retry_budget"));
}

void SchedulingReader::read_order(const YamlNode& node) {
  const Section section(node, scheduling_shape_of("order"));
  const auto set = [&](std::string_view name, Duration& out) {
    if (const auto value = section.get(name)) out = reading_.read_duration(*value);
  };
  set("priority", policy_.order.priority);
  set("deadline", policy_.order.deadline);
  set("length", policy_.order.length);
}

void SchedulingReader::read_node_weights(const YamlNode& node) {
  const Section section(node, scheduling_shape_of("node"));
  NodeWeights& weights = policy_.node;
  for (const auto& [name, out] : {std::pair{"fit", &weights.fit},
                                  {"prefer", &weights.prefer},
                                  {"spread", &weights.spread},
                                  {"locality", &weights.locality},
                                  {"risk", &weights.risk},
                                  {"price", &weights.price},
                                  {"speed", &weights.speed}}) {
    if (const auto value = section.get(name))
      *out = static_cast<std::int32_t>(reading_.read_integer(*value));
  }
}

void SchedulingReader::read_backfill(const YamlNode& node) {
  const auto read_policy = [&](const YamlNode& name) {
    if (name.text() != "conservative") return;
    policy_.backfilling = Backfilling::conservative;
    policy_.margin = 1;  // with more, promises to all leave no room between them
  };
  if (node.is_scalar()) return read_policy(node);
  const Section section(node, scheduling_shape_of("backfill"));
  if (const auto value = section.get("policy")) read_policy(*value);
  if (const auto value = section.get("reservations"))
    policy_.reservations = static_cast<std::int32_t>(reading_.read_integer(*value));
  if (const auto value = section.get("overrun"))
    policy_.overrun = value->text() == "request" ? Overrun::request : Overrun::extend;
}

void SchedulingReader::read_preemption(const YamlNode& node) {
  const Section section(node, scheduling_shape_of("preemption"));
  if (const auto value = section.get("gap"))
    policy_.preemption_gap = static_cast<std::int32_t>(reading_.read_integer(*value));
  if (const auto value = section.get("max"))
    policy_.preemptions_max = static_cast<std::int32_t>(reading_.read_integer(*value));
  if (const auto value = section.get("grace"))
    policy_.preemption_grace = reading_.read_duration(*value);
  if (const auto value = section.get("reclaim"))
    policy_.reclaim_share = reading_.read_boolean(*value);
}

void SchedulingReader::check_known(const YamlNode& name,
                                   const std::set<std::string, std::less<>>& known,
                                   std::string_view what) {
  if (!name.is_scalar() || known.contains(name.text())) return;
  const std::vector<std::string> names(known.begin(), known.end());
  reading_.diagnostics().error(
      name,
      "unknown " + std::string(what) + " '" + sanitize_for_terminal(name.text()) +
          "'; declare it under '" + std::string(what) + "s'",
      reading_.diagnostics().is_full() ? "" : suggestion(closest_match(name.text(), names)));
}

void SchedulingReader::read_quotas(const YamlNode& node) {
  std::vector<YamlNode> nodes;
  for (const YamlNode& item : node.items()) {
    // More are refused; each is compared with all before it.
    if (static_cast<std::int64_t>(nodes.size()) == scheduling_shape_of("quotas").items_max) return;
    const QuotaSetup quota = read_quota(item);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!is_hidden_by(quota, policy_.quotas[i])) continue;
      reading_.diagnostics().error(
          item, "this quota never counts: that of line " +
                    std::to_string(reading_.diagnostics().line_of(nodes[i].offset())) +
                    " is about the same, and the first that fits counts");
      break;
    }
    nodes.push_back(item);
    policy_.quotas.push_back(quota);
  }
}

QuotaSetup SchedulingReader::read_quota(const YamlNode& node) {
  const Section section(node, *scheduling_shape_of("quotas").item);
  QuotaSetup quota;
  if (const auto user = section.get("user"); user && user->text() != "*") {
    quota.user = reading_.read_text(*user);
    if (user->is_scalar() && quota.user.empty())
      reading_.diagnostics().error(*user, "expected the name of a user, or \"*\" for everyone");
  }
  if (const auto queue = section.get("queue")) {
    quota.queue = reading_.read_text(*queue);
    if (is_queue_name(quota.queue)) check_known(*queue, queues_, "queue");
  }
  const auto running = section.get("max_running");
  const auto queued = section.get("max_queued");
  const auto hours = section.get("cpu_hours_a_day");
  const auto exceeded = section.get("when_exceeded");
  if (running) quota.running_max = static_cast<std::int32_t>(reading_.read_integer(*running));
  if (queued) quota.queued_max = reading_.read_integer(*queued);
  if (hours) {
    constexpr double kSecondsPerHour = 3600;
    constexpr double kHoursMax = 1e9;
    const Json value = hours->scalar_value();
    const double number = value.is_double()  ? value.get_double()
                          : value.is_int64() ? static_cast<double>(value.get_int64())
                                             : 0;
    quota.cpu_seconds_a_day =
        static_cast<std::int64_t>(std::clamp(number, 0.0, kHoursMax) * kSecondsPerHour);
  }
  if (exceeded) quota.refuse = exceeded->text() == "refuse";
  if (node.is_map() && !running && !queued && !hours)
    reading_.diagnostics().error(
        node, "this quota limits nothing: give max_running, max_queued or cpu_hours_a_day");
  else if (exceeded && !hours)
    reading_.diagnostics().error(*exceeded,
                                 "when_exceeded has a meaning only beside cpu_hours_a_day");
  return quota;
}

void SchedulingReader::read_rate_limits(const YamlNode& node) {
  for (const YamlNode::Entry& entry : node.entries()) {
    const Section section(entry.value, *scheduling_shape_of("rate_limits").value);
    RateLimitSetup limit;
    limit.name = reading_.read_text(entry.key);
    if (const auto value = section.get("starts"))
      limit.starts = static_cast<std::int32_t>(reading_.read_integer(*value));
    if (const auto value = section.get("per")) limit.per = reading_.read_duration(*value);
    if (const auto value = section.get("burst"))
      limit.burst = static_cast<std::int32_t>(reading_.read_integer(*value));
    policy_.rate_limits.push_back(std::move(limit));
  }
}

void SchedulingReader::read_windows(const YamlNode& node) {
  std::vector<CalendarEntry> entries;
  for (const YamlNode& item : node.items()) {
    policy_.windows.push_back(read_window(item));
    entries.push_back({policy_.windows.back(), item});
  }
  if (!reading_.diagnostics().has_errors()) check_calendar(entries, reading_.diagnostics());
}

WindowSetup SchedulingReader::read_window(const YamlNode& node) {
  const Section section(node, *scheduling_shape_of("windows").item);
  WindowSetup window;
  if (const auto queue = section.get("queue")) {
    window.queue = reading_.read_text(*queue);
    if (is_queue_name(window.queue)) check_known(*queue, queues_, "queue");
  }
  if (const auto pool = section.get("pool")) {
    window.pool = reading_.read_text(*pool);
    check_known(*pool, pools_, "pool");
  }
  if (const auto days = section.get("days")) {
    window.days = 0;
    for (const YamlNode& day : reading_.read_list(*days)) {
      const auto found = std::ranges::find(kWindowDayNames, day.text());
      if (found == kWindowDayNames.end()) continue;
      window.days =
          static_cast<std::uint8_t>(window.days | (1U << (found - kWindowDayNames.begin())));
    }
  }
  if (const auto from = section.get("from"))
    window.from = parse_day_time(from->text()).value_or(Duration{0});
  if (const auto to = section.get("to"))
    window.to = parse_day_time(to->text()).value_or(std::chrono::hours{24});
  if (const auto offset = section.get("utc_offset"))
    window.offset = parse_utc_offset(offset->text()).value_or(Duration{0});
  if (const auto value = section.get("maintenance")) window.closed = reading_.read_boolean(*value);
  if (window.from == window.to)
    reading_.diagnostics().error(
        node, "this window ends when it begins; for a whole day leave out 'from' and 'to'");
  if (window.from == std::chrono::hours{24})
    reading_.diagnostics().error(node,
                                 "a window cannot begin at 24:00; write 00:00 of the next day");
  return window;
}

void SchedulingReader::read_breaker(const YamlNode& node) {
  const Section section(node, scheduling_shape_of("breaker"));
  BreakerSetup& breaker = policy_.breaker;
  if (const auto value = section.get("failures"))
    breaker.failures_permille = parse_permille(value->text()).value_or(0);
  if (const auto value = section.get("attempts"))
    breaker.attempts_min = static_cast<std::int32_t>(reading_.read_integer(*value));
  if (const auto value = section.get("window")) breaker.window = reading_.read_duration(*value);
  if (const auto value = section.get("open_for")) breaker.open_for = reading_.read_duration(*value);
}

void SchedulingReader::read_load(const YamlNode& node) {
  const Section section(node, scheduling_shape_of("load"));
  LoadSetup& load = policy_.load;
  for (const auto& [name, out] : {std::pair{"others", &load.others},
                                  {"memory", &load.memory},
                                  {"disks", &load.disks},
                                  {"most", &load.most}}) {
    if (const auto value = section.get(name)) *out = parse_permille(value->text()).value_or(0);
  }
  if (const auto value = section.get("start")) load.start = reading_.read_duration(*value);
}

RetryBudgetSetup SchedulingReader::read_retry_budget(const YamlNode& node,
                                                     const Shape& shape) const {
  const Section section(node, shape);
  RetryBudgetSetup budget;
  if (const auto value = section.get("share"))
    budget.share_permille = parse_permille(value->text()).value_or(0);
  if (const auto value = section.get("floor")) {
    constexpr double kMost = 1e6;
    const Json number = value->scalar_value();
    const double floor = number.is_double()  ? number.get_double()
                         : number.is_int64() ? static_cast<double>(number.get_int64())
                                             : 0;
    budget.floor_per_kilosecond =
        static_cast<std::int32_t>(std::lround(std::clamp(floor, 0.0, kMost) * 1000));
    if (budget.floor_per_kilosecond == 0)
      reading_.diagnostics().error(*value,
                                   "expected a floor of at least 0.001 a second: without any what "
                                   "fails would wait for ever");
  }
  if (const auto value = section.get("max_per_second"))
    budget.per_second_max = static_cast<std::int32_t>(reading_.read_integer(*value));
  return budget;
}

}  // namespace reeve::spec
