// The table of the cluster file (fields.h).
#include <array>

#include "spec/cluster_file.h"
#include "spec/shapes.h"

namespace reeve::spec {
namespace {

// Small shapes first: each may only use what stands above it.
constexpr Shape kClusterVersion{.scalar = ScalarKind::integer, .min = 1, .max = 1};
constexpr Shape kName{
    .expected = "a name", .scalar = ScalarKind::text, .text_rule = KeyKind::label};
constexpr Shape kUser{.expected = "the name of a user, or \"*\"", .scalar = ScalarKind::text};
constexpr Shape kNodeLabels{.name = "node-labels",
                            .expected = "a map of name: text",
                            .value = &kName,
                            .key = KeyKind::label};
constexpr Shape kPrice{.scalar = ScalarKind::decimal, .min = 0, .max = 1'000'000};
constexpr Shape kSpeed{.scalar = ScalarKind::number, .max = 1000};
constexpr Shape kShare{.scalar = ScalarKind::percent};
constexpr Shape kSpan{.name = "span", .scalar = ScalarKind::duration_or_zero};
constexpr Shape kCount{.scalar = ScalarKind::integer, .min = 1, .max = kNodesPerClusterMax};
constexpr Shape kRunning{.scalar = ScalarKind::integer, .min = 0, .max = 1'000'000'000};
constexpr Shape kQueued{.scalar = ScalarKind::integer, .min = 0, .max = 1'000'000'000'000};
constexpr Shape kWeight{.scalar = ScalarKind::integer, .min = 0, .max = 1'000'000};
constexpr Shape kNodeWeight{.scalar = ScalarKind::integer, .min = 0, .max = 1000};
constexpr Shape kHours{.scalar = ScalarKind::decimal, .min = 0, .max = 1'000'000'000};

// --- pools

constexpr Shape kLicences{
    .expected = "a map of name: number", .value = &kUnits, .key = KeyKind::identifier};
constexpr std::array kNodeFields{
    Field{
        "name", {}, &kName, "Unique in the cluster; of several nodes the begin: g1, g2, ...", true},
    Field{"count", {}, &kCount, "So many of these: a number is put behind the name."},
    Field{"cpu", {}, &kMillis, "Processors: 16.", true},
    Field{"memory", {}, &kBytes, "Memory: 64Gi. Without it tasks that ask for memory do not fit."},
    Field{"disk", {}, &kBytes, "Disk space for tasks: 500Gi. As memory."},
    Field{"gpu", {}, &kMillis, "Graphics processors: 2."},
    Field{"licenses", {}, &kLicences, "Licences and other countable things, by name."},
    Field{"labels", {}, &kNodeLabels, "Beside those of the pool; `pool` and `node` are there."},
    Field{"price", {}, &kPrice, "Of the whole node, per hour, in your currency (0)."},
    Field{"speed", {}, &kSpeed, "What takes 1 hour elsewhere takes 1 / speed hours here (1)."},
    Field{"start_delay", {}, &kSpan, "From placement to the first instruction, beyond usual (0s)."},
    Field{"failures", {}, &kShare, "Attempts that are lost there, as known beforehand (none)."},
    Field{"cordoned", {}, &kBoolean, "Takes nothing new (false)."},
};
constexpr Shape kNode{
    .name = "node", .expected = "a map with name, cpu, memory, ...", .fields = kNodeFields};
constexpr Shape kNodes{.expected = "a list of nodes", .item = &kNode, .items_min = 1};
constexpr std::array kPoolFields{
    Field{"nodes",
          {},
          &kNodes,
          "Its machines. Without them it is as large as what the engine finds."},
    Field{"labels", {}, &kNodeLabels, "Of each node."},
    Field{"price", {}, &kPrice, "Of each node that does not say otherwise, per hour."},
    Field{"speed", {}, &kSpeed, "Of each node that does not say otherwise."},
    Field{"start_delay", {}, &kSpan, "Of each node that does not say otherwise."},
    Field{"failures", {}, &kShare, "Of each node that does not say otherwise."},
    Field{"cordoned", {}, &kBoolean, "Of each node that does not say otherwise."},
};
constexpr Shape kPool{
    .name = "pool", .expected = "a map with nodes, labels, price, ...", .fields = kPoolFields};
constexpr Shape kPools{
    .expected = "a map of name: pool", .items_min = 1, .value = &kPool, .key = KeyKind::label};

// --- queues

constexpr std::array kCapFields{
    Field{"cpu", {}, &kMillis, "Processors."},
    Field{"memory", {}, &kBytes, "Memory."},
    Field{"disk", {}, &kBytes, "Disk space."},
    Field{"gpu", {}, &kMillis, "Graphics processors."},
    Field{"licenses", {}, &kLicences, "Licences and other countable things, by name."},
};
constexpr Shape kCap{.expected = "a map of cpu, memory, ...", .fields = kCapFields};
constexpr Shape kRetryFloor{.scalar = ScalarKind::number, .min = 0, .max = 1'000'000};
constexpr Shape kRetryCap{.scalar = ScalarKind::integer, .min = 1, .max = 1'000'000};
constexpr std::array kRetryBudgetFields{
    Field{"share", {}, &kShare, "Retries for what succeeds (20 %)."},
    Field{"floor", {}, &kRetryFloor, "Retries a second that come in by themselves (100)."},
    Field{"max_per_second", {}, &kRetryCap, "Not more at once, however many are saved up (1000)."},
};
constexpr Shape kRetryBudget{.name = "retry_budget",
                             .expected = "a map with share, floor, max_per_second",
                             .fields = kRetryBudgetFields};
constexpr std::array kQueueFields{
    Field{"weight",
          {},
          &kWeight,
          "Its share beside its siblings (1); 0: only what nobody else wants."},
    Field{"priority", {}, &kPriority, "Added to that of its tasks (0)."},
    Field{"max_running", {}, &kRunning, "Attempts at once (no limit); 0: closed."},
    Field{"max_queued", {}, &kQueued, "Tasks that wait (no limit); what is beyond is refused."},
    Field{"cap", {}, &kCap, "At most so much of the cluster at once."},
    Field{"preemptible",
          {},
          &kBoolean,
          "Its attempts may be stopped for others, and start again (false)."},
    Field{"retry_budget", {}, &kRetryBudget, "How often its tasks are tried again, all together."},
};
constexpr Shape kQueue{
    .name = "queue", .expected = "a map of weight, priority, ...", .fields = kQueueFields};
constexpr Shape kQueues{
    .expected = "a map of name: queue", .value = &kQueue, .key = KeyKind::queue};

// --- scheduling

constexpr std::array kOrderFields{
    Field{"priority", {}, &kSpan, "For each level of priority (1h)."},
    Field{"deadline",
          {},
          &kSpan,
          "For a slack of nothing before the deadline; half of it for a slack of this (1h)."},
    Field{"length", {}, &kSpan, "For each halving of the predicted length (0s)."},
};
constexpr Shape kOrder{.expected = "a map of priority, deadline, length: waiting time",
                       .fields = kOrderFields};
constexpr std::array kNodeWeightFields{
    Field{"fit", {}, &kNodeWeight, "Leaves little unusable (10)."},
    Field{"prefer", {}, &kNodeWeight, "Share of the preferred labels that it has (10)."},
    Field{"spread", {}, &kNodeWeight, "Few of the same group in its part (10)."},
    Field{
        "locality", {}, &kNodeWeight, "Has images, artifacts or warm sandboxes of the task (10)."},
    Field{"risk", {}, &kNodeWeight, "Attempts are seldom lost there (10)."},
    Field{"price", {}, &kNodeWeight, "Costs little for what the task takes (5)."},
    Field{"speed", {}, &kNodeWeight, "Is fast, and starts soon (5)."},
};
constexpr Shape kNodeWeights{.expected = "a map of fit, prefer, ...: weight",
                             .fields = kNodeWeightFields};
constexpr std::array kFairFields{
    Field{"half_life", {}, &kDuration, "Past use counts half after this (15m)."},
};
constexpr Shape kFair{.expected = "a map with half_life", .fields = kFairFields};
constexpr std::array<std::string_view, 2> kOverruns{"extend", "request"};
constexpr Shape kOverrun{.scalar = ScalarKind::choice, .choices = kOverruns};
constexpr Shape kReservations{.scalar = ScalarKind::integer, .min = 0, .max = 1000};
constexpr std::array<std::string_view, 2> kBackfillPolicies{"easy", "conservative"};
constexpr Shape kBackfillPolicy{.scalar = ScalarKind::choice, .choices = kBackfillPolicies};
constexpr std::array kBackfillFields{
    Field{"policy",
          {},
          &kBackfillPolicy,
          "Who is promised a place: the first (easy), or each of the first thousand tasks "
          "(conservative)."},
    Field{"reservations",
          {},
          &kReservations,
          "With easy: places promised to the first that do not fit (1); 0: whatever fits starts."},
    Field{"overrun",
          {},
          &kOverrun,
          "What outlives its prediction is expected to take as long again (extend), or its time "
          "limit (request)."},
};
constexpr Shape kBackfill{.expected = "easy, conservative, or a map with policy and overrun",
                          .scalar = ScalarKind::choice,
                          .choices = kBackfillPolicies,
                          .fields = kBackfillFields};
constexpr Shape kGap{.scalar = ScalarKind::integer, .min = 0, .max = 4'000'000};
constexpr Shape kPreemptions{.scalar = ScalarKind::integer, .min = 0, .max = 1000};
constexpr std::array kPreemptionFields{
    Field{
        "gap", {}, &kGap, "Levels of priority above which preemptible work is stopped (0: never)."},
    Field{"max", {}, &kPreemptions, "Of one task; then it is left alone (3)."},
    Field{"grace", {}, &kSpan, "From SIGTERM to SIGKILL (10s)."},
    Field{"reclaim",
          {},
          &kBoolean,
          "Who has had less stops preemptible work of who has had more than its share (false)."},
};
constexpr Shape kPreemption{.expected = "a map with gap, max, grace and reclaim",
                            .fields = kPreemptionFields};

constexpr std::array<std::string_view, 2> kExceeded{"wait", "refuse"};
constexpr Shape kWhenExceeded{.scalar = ScalarKind::choice, .choices = kExceeded};
constexpr std::array kQuotaFields{
    Field{"user", {}, &kUser, "Whose; \"*\": everyone, each for itself (unless given)."},
    Field{"queue", {}, &kQueueName, "In this queue and those below; else in all together."},
    Field{"max_running", {}, &kRunning, "Attempts at once."},
    Field{"max_queued", {}, &kQueued, "Tasks that wait; what is beyond is refused."},
    Field{"cpu_hours_a_day", {}, &kHours, "Processor hours in the last 24 hours."},
    Field{"when_exceeded",
          {},
          &kWhenExceeded,
          "Of cpu_hours_a_day: tasks wait (unless given), or submissions are refused."},
};
constexpr Shape kQuota{
    .name = "quota", .expected = "a map with user, queue and limits", .fields = kQuotaFields};
constexpr Shape kQuotas{.expected = "a list of quotas", .item = &kQuota, .items_max = 10'000};

constexpr std::array kRateFields{
    Field{"starts", {}, &kUnits, "So many starts ...", true},
    Field{"per", {}, &kDuration, "... in so long.", true},
    Field{"burst", {}, &kUnits, "So many at once after a pause (1)."},
};
constexpr Shape kRate{
    .name = "rate-limit", .expected = "a map with starts, per and burst", .fields = kRateFields};
constexpr Shape kRates{
    .expected = "a map of name: rate limit", .value = &kRate, .key = KeyKind::label};

constexpr std::array<std::string_view, 7> kDayNames{"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};
constexpr Shape kDay{.scalar = ScalarKind::choice, .choices = kDayNames};
constexpr Shape kDays{.expected = "a day such as mon, or a list of days",
                      .scalar = ScalarKind::choice,
                      .choices = kDayNames,
                      .item = &kDay,
                      .items_min = 1};
constexpr Shape kDayTime{.scalar = ScalarKind::day_time};
constexpr Shape kOffset{.scalar = ScalarKind::utc_offset};
constexpr std::array kWindowFields{
    Field{"queue", {}, &kQueueName, "Whose: a queue, with those below ..."},
    Field{"pool", {}, &kName, "... or a pool."},
    Field{"days", {}, &kDays, "On which it begins: mon to sun (every day)."},
    Field{"from", {}, &kDayTime, "When it begins (00:00)."},
    Field{"to", {}, &kDayTime, "When it ends (24:00); before `from`: on the next day."},
    Field{"utc_offset", {}, &kOffset, "Of these times (+00:00)."},
    Field{"maintenance", {}, &kBoolean, "Nothing starts then, instead of only then (false)."},
};
constexpr std::array<std::string_view, 2> kWindowOwners{"queue", "pool"};
constexpr std::array kWindowGroups{FieldGroup{kWindowOwners, true}};
constexpr Shape kWindow{.name = "window",
                        .expected = "a map with queue or pool, days, from, to",
                        .fields = kWindowFields,
                        .groups = kWindowGroups};
constexpr Shape kWindows{.expected = "a list of windows", .item = &kWindow, .items_max = 1000};

constexpr Shape kAttempts{.scalar = ScalarKind::integer, .min = 1, .max = 1'000'000};
constexpr std::array kBreakerFields{
    Field{"failures", {}, &kShare, "Share of failed attempts at which it opens.", true},
    Field{"attempts", {}, &kAttempts, "It opens only after so many in the window (10)."},
    Field{"window", {}, &kDuration, "How far back attempts count (10m)."},
    Field{"open_for",
          {},
          &kDuration,
          "How long nothing starts; then one probe, and twice as long after each that fails (1m)."},
};
constexpr Shape kBreaker{.expected = "a map with failures, attempts, window, open_for",
                         .fields = kBreakerFields};

constexpr std::array kLoadFields{
    Field{"others",
          {},
          &kShare,
          "Share of its processors that others use, from which on it counts (never)."},
    Field{"memory",
          {},
          &kShare,
          "Share of time in which all stood still for memory, while memory is short (20%)."},
    Field{"disks", {}, &kShare, "Share of time in which all stood still for disks (never)."},
    Field{"start",
          {},
          &kSpan,
          "Mean time from placing to running; all of it counts at twice that (0s: never)."},
    Field{"most", {}, &kShare, "Share of the processors that it takes at most (50%)."},
};
constexpr Shape kLoad{.expected = "a map with others, memory, disks, start, most",
                      .fields = kLoadFields};

constexpr std::array kSchedulingFields{
    Field{"order", {}, &kOrder, "What puts one waiting task before another, in waiting time."},
    Field{"node", {}, &kNodeWeights, "What makes one node better than another."},
    Field{"share", {}, &kFair, "How long past use counts."},
    Field{"backfill", {}, &kBackfill, "What may start before those that wait for longer."},
    Field{"preemption", {}, &kPreemption, "When running work is stopped for more important work."},
    Field{"quotas", {}, &kQuotas, "What one user may have; the first that fits counts."},
    Field{"rate_limits", {}, &kRates, "Starts in a time, of tasks with `rate_limit: NAME`."},
    Field{"windows", {}, &kWindows, "When queues and pools are open, and when they are not."},
    Field{"breaker", {}, &kBreaker, "When repeated failures stop further attempts (never)."},
    Field{"load", {}, &kLoad, "From where on a saturated machine gets less new work."},
    Field{"retry_budget", {}, &kRetryBudget, "Of each queue that does not say otherwise."},
};
constexpr Shape kScheduling{.expected = "a map of order, node, share, ...",
                            .fields = kSchedulingFields};

constexpr std::array kClusterFields{
    Field{"version", {}, &kClusterVersion, "Version of this format: 1."},
    Field{"pools", {}, &kPools, "Where tasks can run."},
    Field{"queues", {}, &kQueues, "Where tasks wait; `a/b` is a part of `a`."},
    Field{"scheduling", {}, &kScheduling, "How waiting work is ordered, shared and limited."},
};
constexpr Shape kCluster{.expected = "a map with pools, queues or scheduling",
                         .items_min = 1,
                         .fields = kClusterFields,
                         .extensions = true};

}  // namespace

const Shape& cluster_shape() { return kCluster; }

}  // namespace reeve::spec
