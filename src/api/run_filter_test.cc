// Pages of runs: whoever goes on while there is a cursor sees each run once, and no page looks at
// more than it may.
#include "api/run_filter.h"

namespace reeve::api {
namespace {

constexpr std::uint32_t kRuns = 35'000;

/// Runs 1 to kRuns, of which those that `wanted` divides match any name.
class Numbers final : public engine::History {
 public:
  explicit Numbers(std::uint32_t wanted, std::uint32_t runs = kRuns)
      : wanted_(wanted),
        runs_(runs) {}

  Result<std::vector<engine::RunView>> list_runs(const engine::RunFilter& filter) override {
    std::vector<engine::RunView> out;
    std::uint32_t looked_at = 0;
    std::uint32_t id = filter.before.value == 0 ? runs_ : filter.before.value - 1;
    for (; id >= std::max(filter.oldest.value, 1U) && out.size() < filter.limit; --id) {
      ++looked_at;
      if (id % wanted_ == 0) out.emplace_back().record.id = RunId{id};
    }
    most_ = std::max(most_, looked_at);
    return out;
  }
  Result<RunId> find_run(std::string_view) override {
    if (runs_ == 0) return fail(ErrorCode::not_found, "there are no runs");
    return RunId{runs_};
  }
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
  Result<engine::WorkflowUses> list_workflow_uses(RunId, std::uint32_t) override {
    return nothing();
  }
  Result<engine::WorkflowText> get_workflow(const Digest&) override { return nothing(); }
  Result<std::uint64_t> version() override { return nothing(); }
  std::uint32_t most() const { return most_; }

 private:
  static tl::unexpected<Error> nothing() { return fail(ErrorCode::unsupported, "not here"); }
  const std::uint32_t wanted_;
  const std::uint32_t runs_;
  std::uint32_t most_ = 0;
};

std::vector<std::uint32_t> all_of(Numbers& numbers, engine::RunFilter filter) {
  std::vector<std::uint32_t> seen;
  while (true) {
    const auto page = run_page(numbers, filter);
    EXPECT_TRUE(page);
    for (const engine::RunView& view : page->views) seen.push_back(view.record.id.value);
    if (!page->next) return seen;
    EXPECT_TRUE(filter.before.value == 0 || *page->next < filter.before) << "it does not end";
    filter.before = *page->next;
  }
}

TEST(RunPage, ShowsEachRunOnceAndLooksAtFewAtATime) {
  for (const std::uint32_t wanted : {1U, 7U, 9'999U, 34'999U, 40'000U}) {
    for (const std::uint32_t limit : {1'000U, 3U}) {
      if (wanted < 100 && limit < 100) continue;  // thousands of pages tell no more
      Numbers numbers(wanted);
      const auto seen = all_of(numbers, {.limit = limit});
      ASSERT_EQ(seen.size(), kRuns / wanted) << wanted << " " << limit;
      for (std::size_t i = 0; i < seen.size(); ++i)
        EXPECT_EQ(seen[i], (kRuns / wanted - i) * wanted);
      EXPECT_LE(numbers.most(), 10'001U);
    }
  }
}

TEST(RunPage, OfNothingAndOfLittleIsOnePage) {
  Numbers none(1, 0);
  EXPECT_TRUE(all_of(none, {.limit = 5}).empty());
  Numbers few(1, 3);
  const auto page = run_page(few, {.limit = 5});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->views.size(), 3U);
  EXPECT_FALSE(page->next);
}

TEST(RunPage, OfRunsThatGoOnNeedsNoBound) {
  Numbers numbers(kRuns);
  const auto page = run_page(numbers, {.states = {core::RunState::running}, .limit = 5});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->views.size(), 1U);
  EXPECT_FALSE(page->next);
}

}  // namespace
}  // namespace reeve::api
