// What may be started together (batch) or executed once (single_flight), as it is written down.
#include <gtest/gtest.h>

#include "spec/parse.h"

namespace reeve::spec {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Parsed shared_task(std::string_view fields) {
  return parse_workflow("tasks: {a: {run: x, " + std::string(fields) + "}}", "f.yaml");
}
Policy sharing_of(std::string_view fields) {
  const Parsed all = shared_task(fields);
  EXPECT_TRUE(all.workflow);
  return all.workflow ? all.workflow->policy_of(all.workflow->groups[0]) : Policy{};
}
std::string complaint_of(std::string_view fields) {
  std::string all;
  for (const Diagnostic& each : shared_task(fields).diagnostics) all += each.text() + "\n";
  return all;
}

TEST(Sharing, is_off_unless_it_is_asked_for) {
  const Policy policy = sharing_of("priority: 1");
  EXPECT_LT(policy.batch.max, 2u);
  EXPECT_FALSE(policy.single_flight);
}

TEST(Sharing, of_a_start_is_a_number_or_a_map) {
  EXPECT_EQ(sharing_of("batch: 7").batch.max, 7u);
  EXPECT_EQ(sharing_of("batch: 7").batch.max_wait, Duration{0});
  EXPECT_EQ(sharing_of("batch: {max: 50, max_wait: 200ms}").batch.max, 50u);
  EXPECT_EQ(sharing_of("batch: {max: 50, max_wait: 200ms}").batch.max_wait, milliseconds{200});
  EXPECT_EQ(sharing_of("batch: {max: 2, max_wait: 3s}").batch.max_wait, seconds{3});
  EXPECT_EQ(complaint_of("batch: 7"), "");
}

struct SharingCase {
  std::string_view fields;
  std::string_view part;
  bool is_error;
};

TEST(Sharing, that_cannot_be_or_would_do_nothing_is_said) {
  for (const auto& [fields, part, is_error] : std::vector<SharingCase>{
           {"batch: 0", "expected a number of tasks", true},
           {"batch: -1", "expected a number of tasks", true},
           {"batch: x", "expected a number of tasks", true},
           {"batch: {max: 2, max_wait: soon}", "duration", true},
           {"batch: {most: 2}", "unknown key 'most'", true},
           {"single_flight: perhaps", "true or false", true},
           {"batch: 5, idempotent: true, hedge: {after: p95, max: 1}", "cannot go together", true},
           {"batch: 5, locks: [disk]", "holds locks", false},
           {"batch: 5, single_flight: true", "started alone", false},
           {"batch: 5, resources: {nodes: 2}", "several nodes", false},
           {"batch: 5, sandbox: oci", "shares a commit here, and no sandbox", false},
           {"batch: 5, warm: python", "shares a commit here, and no sandbox", false},
           {"batch: 5, sandbox: {network: ['example.org:443']}",
            "shares a commit here, and no sandbox", false}}) {
    const std::string said = complaint_of(fields);
    EXPECT_NE(said.find(part), std::string::npos) << fields << ": " << said;
    EXPECT_EQ(shared_task(fields).workflow == nullptr, is_error) << fields << ": " << said;
  }
}

}  // namespace
}  // namespace reeve::spec
