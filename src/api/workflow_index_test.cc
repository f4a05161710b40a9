#include "api/workflow_index.h"

#include <gtest/gtest.h>

namespace reeve::api {
namespace {

/// Run i + 1 is of the i-th text; what else there is of runs nobody asks for here.
class Texts final : public engine::History {
 public:
  struct Text {
    std::string name_space;
    std::string name;
    std::string source;
  };
  std::vector<Text> runs;
  std::uint32_t asked = 0;  ///< runs that were looked at

  Result<engine::WorkflowUses> list_workflow_uses(RunId after, std::uint32_t runs_max) override {
    engine::WorkflowUses out{.uses = {}, .up_to = after};
    while (out.up_to.value < runs.size() && out.up_to.value - after.value < runs_max) {
      const Text& each = runs[out.up_to.value];
      out.up_to = RunId{out.up_to.value + 1};
      const Time at{std::chrono::seconds{out.up_to.value}};
      out.uses.push_back(
          {each.name_space, each.name, digest_of(each.source), out.up_to, out.up_to, 1, at, at});
      ++asked;
    }
    out.is_all = out.up_to.value == runs.size();
    return out;
  }
  Result<engine::WorkflowText> get_workflow(const Digest&) override { return nothing(); }
  Result<std::vector<engine::RunView>> list_runs(const engine::RunFilter&) override {
    return nothing();
  }
  Result<RunId> find_run(std::string_view) override { return nothing(); }
  Result<engine::RunView> get_run(RunId) override { return nothing(); }
  Result<std::vector<core::StoredTask>> list_tasks(RunId, const engine::TaskFilter&) override {
    return nothing();
  }
  Result<std::vector<core::Expansion>> list_expansions(RunId) override { return nothing(); }
  Result<std::vector<core::AttemptRecord>> list_attempts(TaskId) override { return nothing(); }
  Result<std::vector<core::AttemptRecord>> list_run_attempts(RunId, std::uint64_t,
                                                             std::uint32_t) override {
    return nothing();
  }
  Result<std::uint64_t> version() override { return nothing(); }

 private:
  static tl::unexpected<Error> nothing() { return fail(ErrorCode::unsupported, "not here"); }
};

TEST(WorkflowIndex, AVersionIsTheNthTextOfANameInItsNamespace) {
  Texts texts;
  texts.runs = {{"a", "build", "1"}, {"a", "build", "2"}, {"b", "build", "2"},
                {"a", "build", "1"}, {"a", "test", "3"},  {"a", "build", "4"}};
  WorkflowIndex index;
  EXPECT_TRUE(index.catch_up(texts).value());
  const auto build = index.find("a", "build");
  ASSERT_TRUE(build);
  EXPECT_EQ(build->versions, 3U);
  EXPECT_EQ(build->runs, 4U);
  EXPECT_EQ(build->last_run, RunId{6});
  EXPECT_EQ(index.version("a", "build", 2)->digest, digest_of("2"));
  EXPECT_EQ(index.version("b", "build", 1)->digest, digest_of("2"));
  EXPECT_EQ(index.version("a", "build", 1)->runs, 2U);
  EXPECT_EQ(index.version("a", "build", 1)->first_run, RunId{1});
  EXPECT_EQ(index.version("a", "build", 1)->last_run, RunId{4});
  EXPECT_FALSE(index.version("a", "build", 0));
  EXPECT_FALSE(index.version("a", "build", 4));
  EXPECT_FALSE(index.version("b", "build", 2));
  EXPECT_FALSE(index.find("c", "build"));
  EXPECT_TRUE(index.versions("c", "build", 0, 10).empty());
}

TEST(WorkflowIndex, ListsOfThoseNamespacesInPages) {
  Texts texts;
  texts.runs = {{"b", "x", "1"}, {"a", "y", "1"}, {"a", "x", "1"}, {"c", "x", "1"}};
  WorkflowIndex index;
  EXPECT_TRUE(index.catch_up(texts).value());
  const auto names = [&](const std::vector<std::string>& places, std::size_t first,
                         std::size_t limit) {
    std::string out;
    for (const WorkflowSummary& each : index.list(places, first, limit))
      out += each.name_space + "/" + each.name + " ";
    return out;
  };
  EXPECT_EQ(names({}, 0, 10), "a/x a/y b/x c/x ");
  EXPECT_EQ(names({"a", "c"}, 1, 10), "a/y c/x ");
  EXPECT_EQ(names({}, 1, 1), "a/y b/x ") << "one more says that there is more";
  EXPECT_EQ(names({}, 9, 1), "");
  EXPECT_EQ(names({"nobody"}, 0, 1), "");
}

TEST(WorkflowIndex, ReadsEachRunOnceAndOnlySoManyAtATime) {
  Texts texts;
  texts.runs.assign(1'200'000, {"a", "x", "1"});
  WorkflowIndex index;
  EXPECT_FALSE(index.catch_up(texts).value());
  EXPECT_FALSE(index.catch_up(texts).value());
  EXPECT_TRUE(index.catch_up(texts).value());
  EXPECT_EQ(index.find("a", "x")->runs, 1'200'000U);
  texts.runs.push_back({"a", "x", "2"});
  EXPECT_TRUE(index.catch_up(texts).value());
  EXPECT_EQ(texts.asked, 1'200'001U);
  EXPECT_EQ(index.versions("a", "x", 0, 1).front().number, 2U);
  EXPECT_EQ(index.versions("a", "x", 1, 1).front().number, 1U);
}

}  // namespace
}  // namespace reeve::api
