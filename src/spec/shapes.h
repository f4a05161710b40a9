// Parts of the tables of the workflow file and the cluster file (fields.h): single values that both
// use, and the settings that a task and `defaults` share. Constant data.
#pragma once

#include "base/sandbox.h"
#include "spec/fields.h"
#include "spec/workflow.h"

namespace reeve::spec {

inline constexpr Shape kText{.scalar = ScalarKind::text};
inline constexpr Shape kTemplate{.scalar = ScalarKind::template_text};
inline constexpr Shape kEnvValue{.scalar = ScalarKind::template_text, .nullable = true};
inline constexpr Shape kBoolean{.scalar = ScalarKind::boolean};
inline constexpr Shape kAnything{
    .name = "anything", .expected = "any value", .nullable = true, .anything = true};
inline constexpr Shape kDuration{.name = "duration", .scalar = ScalarKind::duration};
inline constexpr Shape kBytes{.name = "size", .scalar = ScalarKind::bytes};
inline constexpr Shape kMillis{.name = "quantity", .scalar = ScalarKind::millis};
inline constexpr Shape kTaskName{
    .expected = "the id of a task", .scalar = ScalarKind::text, .text_rule = KeyKind::identifier};
inline constexpr Shape kIdentifier{
    .expected = "a name", .scalar = ScalarKind::text, .text_rule = KeyKind::identifier};
inline constexpr Shape kVariableName{.expected = "the name of a variable",
                                     .scalar = ScalarKind::text,
                                     .text_rule = KeyKind::variable};
inline constexpr Shape kPriority{
    .scalar = ScalarKind::integer, .min = -1'000'000, .max = 1'000'000};
inline constexpr Shape kParallel{.scalar = ScalarKind::integer, .min = 1, .max = kTasksPerRunMax};
inline constexpr Shape kTries{.scalar = ScalarKind::integer, .min = 0, .max = 1000};
inline constexpr Shape kSandboxId{.scalar = ScalarKind::integer, .min = 1, .max = kSandboxUserMax};
inline constexpr Shape kUnits{.scalar = ScalarKind::integer, .min = 1, .max = 1'000'000'000};

inline constexpr Shape kLabels{
    .name = "labels", .expected = "a map of name: text", .value = &kText};
inline constexpr Shape kEnv{.name = "env",
                            .expected = "a map of NAME: text",
                            .value = &kEnvValue,
                            .key = KeyKind::variable};
inline constexpr Shape kSecrets{
    .name = "secrets", .expected = "a list of names of secrets", .item = &kVariableName};

// policy_fields.cc
extern const Shape kRetry;
extern const Shape kHedge;
extern const Shape kBatch;
extern const Shape kTimeout;
extern const Shape kMinutes;
extern const Shape kResources;
extern const Shape kLocks;
extern const Shape kLockLimits;
extern const Shape kSandbox;
extern const Shape kWarm;
extern const Shape kQueueName;
extern const Shape kPlacement;
extern const Shape kRateLimitName;

}  // namespace reeve::spec
