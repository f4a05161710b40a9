#include "spec/workflow.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "spec/link.h"

namespace reeve::spec {
namespace {

TaskGroup group(std::string id, std::vector<std::uint32_t> needs = {}, Phase phase = Phase::main) {
  TaskGroup out;
  out.id = std::move(id);
  for (const std::uint32_t need : needs) out.needs.push_back({GroupIndex{need}});
  out.phase = phase;
  return out;
}

TEST(Finish, fills_counts_dependents_and_digest) {
  Workflow workflow;
  workflow.groups = {group("a"), group("b", {0}), group("f", {}, Phase::on_failure),
                     group("z", {0}, Phase::finally)};
  workflow.source = "text";
  const auto finished = finish(std::move(workflow));
  ASSERT_TRUE(finished) << finished.error().text();
  EXPECT_EQ((*finished)->main_count, 2U);
  EXPECT_EQ((*finished)->on_failure_count, 1U);
  EXPECT_EQ((*finished)->policies.size(), 1U);
  EXPECT_EQ((*finished)->groups[0].dependents,
            (std::vector<GroupIndex>{GroupIndex{1}, GroupIndex{3}}));
  EXPECT_EQ((*finished)->digest, digest_of("text"));
}

TEST(Finish, refuses_what_breaks_an_invariant) {
  const auto message = [](std::vector<TaskGroup> groups) {
    Workflow workflow;
    workflow.groups = std::move(groups);
    const auto finished = finish(std::move(workflow));
    return finished ? "" : finished.error().message;
  };
  EXPECT_EQ(message({group("a", {1}), group("b", {0})}),
            "the needs form a cycle: 'a' needs 'b', 'b' needs 'a'");
  EXPECT_EQ(message({group("a", {0})}), "the needs form a cycle: 'a' needs 'a'");
  EXPECT_EQ(message({group("a", {7})}), "task 'a': a need is out of range");
  EXPECT_EQ(message({group("z", {}, Phase::finally), group("a")}),
            "task 'a': main tasks come first, then on_failure, then finally");
  EXPECT_EQ(message({group("a", {1}), group("z", {}, Phase::finally)}),
            "task 'a': a need runs in a later phase");
  TaskGroup wrong = group("a");
  wrong.policy = 9;
  EXPECT_EQ(message({wrong}), "task 'a': no such policy");
}

TEST(Finish, a_long_chain_costs_no_stack) {
  Workflow workflow;
  constexpr std::uint32_t kLength = 200'000;
  workflow.groups.resize(kLength);
  // Backwards, so that every need points to a later group.
  for (std::uint32_t i = 0; i + 1 < kLength; ++i)
    workflow.groups[i].needs.push_back({GroupIndex{i + 1}});
  EXPECT_TRUE(finish(std::move(workflow)));
}

TEST(Cycles, are_found_one_by_one_but_not_without_end) {
  std::vector<TaskGroup> groups;
  for (std::uint32_t i = 0; i < 200; i += 2) {
    groups.push_back(group("a", {i + 1}));
    groups.push_back(group("b", {i}));
  }
  EXPECT_EQ(find_cycles(groups).size(), 20U);
}

RC_GTEST_PROP(CyclesProperty, what_points_backwards_has_none_and_what_is_found_is_one, ()) {
  const auto count = *rc::gen::inRange<std::uint32_t>(1, 30);
  std::vector<TaskGroup> groups;
  bool backwards = true;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t end = *rc::gen::arbitrary<bool>() ? count : i + 1;
    auto needs =
        *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, end));
    std::ranges::sort(needs);
    const auto twice = std::ranges::unique(needs);
    needs.erase(twice.begin(), twice.end());
    std::erase(needs, i);
    for (const std::uint32_t need : needs) backwards = backwards && need < i;
    groups.push_back(group("t" + std::to_string(i), needs));
  }
  const auto cycles = find_cycles(groups);
  if (backwards) RC_ASSERT(cycles.empty());
  for (const auto& cycle : cycles) {
    for (std::size_t i = 0; i < cycle.size(); ++i) {
      const auto& needs = groups[cycle[i]].needs;
      const Need next{GroupIndex{cycle[(i + 1) % cycle.size()]}};
      RC_ASSERT(std::ranges::find(needs, next) != needs.end());
    }
  }
}

// --- inputs

Workflow with_inputs() {
  Workflow workflow;
  const auto add = [&](std::string name, InputType type, bool required = false) -> Input& {
    Input& input = workflow.inputs.emplace_back();
    input.name = std::move(name);
    input.type = type;
    input.required = required;
    return input;
  };
  add("text", InputType::string);
  add("count", InputType::number).fallback = Json(3);
  add("flag", InputType::boolean);
  add("stage", InputType::choice).options = {"dev", "prod"};
  add("data", InputType::object);
  add("must", InputType::string, true).description = "say it";
  return workflow;
}

std::string resolve(std::string_view given) {
  const auto resolved = resolve_inputs(with_inputs(), boost::json::parse(given));
  return resolved ? boost::json::serialize(*resolved) : resolved.error().message;
}

TEST(Inputs, are_checked_and_completed) {
  EXPECT_EQ(resolve(R"({"must": "x"})"),
            R"({"text":null,"count":3,"flag":null,"stage":null,"data":null,"must":"x"})");
  EXPECT_EQ(resolve(R"({"must": 1.5, "text": true, "count": 4, "flag": false, "stage": "prod",
                        "data": [1]})"),
            R"({"text":"true","count":4,"flag":false,"stage":"prod","data":[1],"must":"1.5"})");
  EXPECT_EQ(resolve(R"({"must": "", "data": {"a": 1}})"),
            R"({"text":null,"count":3,"flag":null,"stage":null,"data":{"a":1},"must":""})");
}

TEST(Inputs, errors_name_the_input) {
  EXPECT_EQ(resolve("{}"), "input 'must': it must be given (text): say it");
  Workflow choice;
  choice.inputs.push_back({.name = "stage", .type = InputType::choice, .required = true});
  EXPECT_EQ(resolve_inputs(choice, Json()).error().message,
            "input 'stage': it must be given (one of its options)");
  EXPECT_EQ(resolve("null"), "input 'must': it must be given (text): say it");
  EXPECT_EQ(resolve("[]"), "inputs are an object {name: value}");
  EXPECT_EQ(
      resolve(R"({"mist": "x"})"),
      "unknown input 'mist'; expected one of text, count, flag, stage, data and must; did you "
      "mean 'must'?");
  EXPECT_EQ(resolve(R"({"must": []})"), "input 'must': expected text, got []");
  EXPECT_EQ(resolve(R"({"must": "", "count": "many"})"),
            "input 'count': expected a number, got \"many\"");
  EXPECT_EQ(resolve(R"({"must": "", "flag": 1})"), "input 'flag': expected true or false, got 1");
  EXPECT_EQ(resolve(R"({"must": "", "data": "x"})"),
            "input 'data': expected a JSON object or array, got \"x\"");
  EXPECT_EQ(resolve(R"({"must": "", "stage": "pro"})"),
            "input 'stage': expected one of dev and prod, got \"pro\"; did you mean 'prod'?");
  EXPECT_EQ(resolve_inputs(Workflow{}, boost::json::parse(R"({"a": 1})")).error().message,
            "unknown input 'a'; the workflow has none");
  const std::string long_text = "\"" + std::string(200, 'x') + "\"";
  EXPECT_EQ(resolve("{\"must\": \"\", \"count\": " + long_text + "}"),
            "input 'count': expected a number, got \"" + std::string(59, 'x') + "...");
}

}  // namespace
}  // namespace reeve::spec
