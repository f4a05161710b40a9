// The part of the table of fields.h that becomes a Policy: retries, limits, resources, sandbox.
#include <array>

#include "spec/shapes.h"

namespace reeve::spec {

constexpr Shape kFactor{.scalar = ScalarKind::number, .min = 1, .max = 1000};
constexpr std::array kBackoffFields{
    Field{"initial", {}, &kDuration, "First wait (1s unless given)."},
    Field{"factor", {}, &kFactor, "By what each further wait is longer (2)."},
    Field{"max", {}, &kDuration, "Longest wait (5m)."},
    Field{"jitter",
          {},
          &kBoolean,
          "Wait a random time up to the computed one, so that many retries spread (true)."},
};
constexpr Shape kBackoff{.name = "backoff",
                         .expected = "a first wait such as 10s, or a map",
                         .scalar = ScalarKind::duration,
                         .fields = kBackoffFields};
constexpr std::array<std::string_view, 7> kClasses{"exit", "signal",   "oom",  "timeout",
                                                   "lost", "rejected", "start"};
constexpr std::array<std::string_view, 6> kListedClasses{"exit",    "signal", "oom",
                                                         "timeout", "lost",   "rejected"};
constexpr Shape kClass{.scalar = ScalarKind::choice, .choices = kListedClasses};
constexpr Shape kClassList{.expected = "a list of ends that are tried again",
                           .scalar = ScalarKind::choice,
                           .choices = kListedClasses,
                           .item = &kClass};
constexpr std::array kLimitFields{
    Field{kClasses[0], {}, &kTries, "After an exit status other than 0."},
    Field{kClasses[1], {}, &kTries, "After being killed by a signal."},
    Field{kClasses[2], {}, &kTries, "After running out of memory."},
    Field{kClasses[3], {}, &kTries, "After a timeout."},
    Field{kClasses[4], {}, &kTries, "After nobody knows how it ended (16)."},
    Field{kClasses[5], {}, &kTries, "After its results were not accepted."},
    Field{kClasses[6], {}, &kTries, "After the machine could not start it (10)."},
};
constexpr Shape kLimits{.expected = "a map of exit, signal, oom, ...: number of tries",
                        .fields = kLimitFields};
constexpr std::array kRetryFields{
    Field{"max", {}, &kTries, "Further tries after the first."},
    Field{"backoff", {}, &kBackoff, "How long to wait before each."},
    Field{"on", {}, &kClassList, "Which ends are tried again (exit, signal, oom, timeout, lost)."},
    Field{"limits", {}, &kLimits, "At most so many further tries for one kind of end."},
};
constinit const Shape kRetry{.name = "retry",
                             .expected = "a number of further tries, or a map",
                             .scalar = ScalarKind::integer,
                             .min = 0,
                             .max = 1000,
                             .fields = kRetryFields};

constexpr Shape kHedgeAfter{.expected = "a share such as p95, or a duration such as 30s",
                            .scalar = ScalarKind::text};
constexpr Shape kHedges{.scalar = ScalarKind::integer, .min = 1, .max = 10};
constexpr std::array kHedgeFields{
    Field{"after",
          {},
          &kHedgeAfter,
          "When: p95 is the time that 95 of 100 of its kind stay below (p95); or a duration."},
    Field{"max", {}, &kHedges, "At most so many second attempts of one task (1)."},
};
constinit const Shape kHedge{.name = "hedge",
                             .expected = "true, false, or a map of after and max",
                             .scalar = ScalarKind::boolean,
                             .fields = kHedgeFields};

constexpr Shape kBatchSize{.scalar = ScalarKind::integer, .min = 1, .max = kBatchMax};
constexpr std::array kBatchFields{
    Field{"max", {}, &kBatchSize, "At most so many in one batch.", true},
    Field{"max_wait", {}, &kDuration, "So long the oldest waits for the batch to fill (0s)."},
};
constinit const Shape kBatch{.name = "batch",
                             .expected = "a number of tasks, or a map of max and max_wait",
                             .scalar = ScalarKind::integer,
                             .min = 1,
                             .max = kBatchMax,
                             .fields = kBatchFields};

constexpr std::array kTimeoutFields{
    Field{"run", {}, &kDuration, "Of one attempt."},
    Field{"queue", {}, &kDuration, "From being ready to being started."},
    Field{"start", {}, &kDuration, "From having a place to the first instruction."},
    Field{"idle", {}, &kDuration, "Of one attempt without any output."},
    Field{"grace", {}, &kDuration, "From SIGTERM to SIGKILL (10s)."},
};
constinit const Shape kTimeout{.name = "timeout",
                               .expected = "a duration such as 10m, or a map",
                               .scalar = ScalarKind::duration,
                               .fields = kTimeoutFields};
constinit const Shape kMinutes{.scalar = ScalarKind::number, .max = 52'560'000};

constexpr Shape kLicenses{
    .expected = "a map of name: number", .value = &kUnits, .key = KeyKind::identifier};
constexpr Shape kGang{.scalar = ScalarKind::integer, .min = 1, .max = kNodesPerTaskMax};
constexpr std::array kVariantFields{
    Field{"cpu", {}, &kMillis, "Processors: 2, 0.5 or 500m (1 unless given)."},
    Field{"memory", {}, &kBytes, "Memory: 512Mi, 4G."},
    Field{"disk", {}, &kBytes, "Disk space: 10Gi."},
    Field{"gpu", {}, &kMillis, "Graphics processors: 1."},
    Field{"licenses", {}, &kLicenses, "Licences and other countable things, by name."},
};
constexpr Shape kVariant{
    .name = "variant", .expected = "a map of cpu, memory, ...", .fields = kVariantFields};
constexpr std::array kResourceFields{
    Field{"cpu", {}, &kMillis, "Processors: 2, 0.5 or 500m (1 unless given)."},
    Field{"memory", {}, &kBytes, "Memory: 512Mi, 4G."},
    Field{"disk", {}, &kBytes, "Disk space: 10Gi."},
    Field{"gpu", {}, &kMillis, "Graphics processors: 1."},
    Field{"licenses", {}, &kLicenses, "Licences and other countable things, by name."},
    Field{"nodes", {}, &kGang, "So many nodes at once, each with all of this (1)."},
};
constinit const Shape kResources{.name = "resources",
                                 .expected = "a map of cpu, memory, ..., or a list of such maps",
                                 .item = &kVariant,
                                 .items_max = kAlternativesMax + 1,
                                 .fields = kResourceFields};

constinit const Shape kLocks{.name = "locks",
                             .expected = "a lock, a list of locks or a map of lock: units",
                             .scalar = ScalarKind::text,
                             .text_rule = KeyKind::identifier,
                             .item = &kIdentifier,
                             .value = &kUnits,
                             .key = KeyKind::identifier};
constexpr std::array kLockLimitFields{
    Field{"limit", {}, &kUnits, "Units that there are.", true},
};
constexpr Shape kLockLimit{.expected = "a number of units, or {limit: 3}",
                           .scalar = ScalarKind::integer,
                           .min = 1,
                           .max = 1'000'000'000,
                           .fields = kLockLimitFields};
constinit const Shape kLockLimits{
    .expected = "a map of lock: {limit: 3}", .value = &kLockLimit, .key = KeyKind::identifier};

constexpr std::array<std::string_view, 3> kTiers{"native", "oci", "none"};
constexpr Shape kTier{.scalar = ScalarKind::choice, .choices = kTiers};
constexpr std::array<std::string_view, 2> kNetworks{"none", "host"};
constexpr Shape kReachable{.expected = "what may be reached, such as pypi.org:443",
                           .scalar = ScalarKind::text};
constexpr Shape kNetwork{.expected = "none, host or a list of what may be reached",
                         .scalar = ScalarKind::choice,
                         .choices = kNetworks,
                         .item = &kReachable,
                         .items_min = 1};
constexpr Shape kPaths{.expected = "a path, or a list of paths",
                       .scalar = ScalarKind::template_text,
                       .item = &kTemplate};
constexpr std::array kSandboxFields{
    Field{"tier",
          {},
          &kTier,
          "native (unless given), oci: by a runtime such as runc, or none: not enclosed, with "
          "permission."},
    Field{"network",
          {},
          &kNetwork,
          "none (unless given), host: the network of this machine, with permission, or a list of "
          "what alone may be reached: name, address or network, then :port or :low-high."},
    Field{"readable", {}, &kPaths, "Files and directories that it may read beside the system's."},
    Field{"writable", {}, &kPaths, "Those that it may change beside its work directory."},
    Field{"user", {}, &kSandboxId, "The number of the user and group that it is, inside (1000)."},
};
constinit const Shape kSandbox{
    .name = "sandbox",
    .expected = "native, oci, none or a map of tier, network, readable, writable, user",
    .scalar = ScalarKind::choice,
    .choices = kTiers,
    .fields = kSandboxFields};

constexpr std::array<std::string_view, 4> kWarmKinds{"python", "sh", "node", "none"};
constexpr Shape kModules{
    .expected = "a module, or a list of modules", .scalar = ScalarKind::text, .item = &kText};
constexpr Shape kWarmCommand{
    .expected = "a list: the program and its arguments", .item = &kText, .items_min = 1};
constexpr std::array kWarmFields{
    Field{"python", {}, &kModules, "Python, with these modules imported."},
    Field{"node", {}, &kModules, "Node, with these modules required."},
    Field{"command", {}, &kWarmCommand, "A program of your own that waits for the text of `run`."},
};
constexpr std::array<std::string_view, 3> kWarmNames{"python", "node", "command"};
constexpr std::array kWarmGroups{FieldGroup{kWarmNames, true}};
constinit const Shape kWarm{
    .name = "warm",
    .expected = "python, sh, node, none or a map with python, node or command",
    .scalar = ScalarKind::choice,
    .choices = kWarmKinds,
    .fields = kWarmFields,
    .groups = kWarmGroups};

// --- where it waits and runs

constinit const Shape kQueueName{.expected = "the name of a queue, such as research/imaging",
                                 .scalar = ScalarKind::text,
                                 .text_rule = KeyKind::queue};
constexpr Shape kLabelName{
    .expected = "the name of a label", .scalar = ScalarKind::text, .text_rule = KeyKind::label};
constexpr Shape kLabelValue{
    .expected = "the value of a label", .scalar = ScalarKind::text, .text_rule = KeyKind::label};
constexpr Shape kPoolNames{.expected = "the name of a pool, or a list of names",
                           .scalar = ScalarKind::text,
                           .text_rule = KeyKind::label,
                           .item = &kLabelValue,
                           .items_min = 1};
constexpr Shape kLabelValues{.expected = "the value of a label, or a list of values",
                             .scalar = ScalarKind::text,
                             .text_rule = KeyKind::label,
                             .item = &kLabelValue,
                             .items_min = 1};
constexpr Shape kRules{.expected = "rules such as \"zone in (a, b)\", or a map of label: value",
                       .scalar = ScalarKind::text,
                       .item = &kText,
                       .items_max = 64,
                       .value = &kLabelValues,
                       .key = KeyKind::label};
constexpr Shape kTaskLabels{.expected = "a label of tasks such as app=web, or a list of them",
                            .scalar = ScalarKind::text,
                            .item = &kText,
                            .items_max = 64};
constexpr Shape kCost{.scalar = ScalarKind::decimal, .min = 0, .max = 1'000'000};
constexpr std::array kPlacementFields{
    Field{"pool", {}, &kPoolNames, "In this pool, or in one of these."},
    Field{"require", {}, &kRules, "Rules on labels of the node; without all of them it is out."},
    Field{"prefer", {}, &kRules, "Rules that make a node better."},
    Field{"affinity", {}, &kTaskLabels, "Only on nodes with a task that has one of these labels."},
    Field{"anti_affinity", {}, &kTaskLabels, "Never on nodes with such a task."},
    Field{
        "spread", {}, &kLabelName, "Evenly over the values of this label of nodes, such as zone."},
    Field{"max_cost", {}, &kCost, "Only on nodes that cost at most so much, per hour."},
};
constinit const Shape kPlacement{.name = "placement",
                                 .expected = "a map with pool, require, prefer, ...",
                                 .fields = kPlacementFields};
constinit const Shape kRateLimitName{.expected = "the name of a rate limit",
                                     .scalar = ScalarKind::text,
                                     .text_rule = KeyKind::label};

}  // namespace reeve::spec
