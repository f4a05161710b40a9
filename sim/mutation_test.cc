// The checkers can fail: each deliberate bug around the core is seen, by a checker that should see
// it, within a few seeds. A checker that nothing can trip proves nothing.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace reeve::sim {
namespace {

constexpr std::uint64_t kSeedsToTry = 60;

/// What objects to the flaw in the world of one seed: a checker, "core" if the core stops itself,
/// or "". In a process of its own, since the core may do that.
std::string objection(const Flaws& flaws, std::uint64_t seed) {
  int ends[2] = {};
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDERR_FILENO);
    const Report report = World({.seed = seed, .flaws = flaws, .replay = false}).run();
    const std::string said = report.violation ? report.violation->checker : "";
    ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0
                                                                                            : 1);
  }
  ::close(ends[1]);
  char text[64] = {};
  const ssize_t bytes = ::read(ends[0], text, sizeof text);
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status == 0 && bytes >= 0 ? std::string(text, static_cast<std::size_t>(bytes)) : "core";
}

/// All that objects, over some seeds.
std::set<std::string> objections(const Flaws& flaws) {
  std::set<std::string> found;
  for (std::uint64_t seed = 1; seed <= kSeedsToTry; ++seed) found.insert(objection(flaws, seed));
  found.erase("");
  return found;
}

/// Whether one of the checkers objects within a few seeds.
bool is_seen(const Flaws& flaws, const std::set<std::string>& by) {
  for (std::uint64_t seed = 1; seed <= kSeedsToTry; ++seed) {
    if (by.contains(objection(flaws, seed))) return true;
  }
  return false;
}

TEST(SimMutations, are_content_with_a_world_without_bugs) {
  EXPECT_EQ(objections(Flaws{}), std::set<std::string>{});
}

TEST(SimMutations, see_a_process_that_is_started_twice) {
  EXPECT_TRUE(is_seen({.executor = ExecutorFlaw::starts_twice}, {"runs_twice"}));
}

TEST(SimMutations, see_more_processes_than_fit) {
  EXPECT_TRUE(is_seen({.executor = ExecutorFlaw::ignores_capacity}, {"capacity"}));
}

TEST(SimMutations, see_a_task_that_runs_again_after_its_end) {
  EXPECT_TRUE(is_seen({.executor = ExecutorFlaw::starts_forgotten}, {"runs_again", "runs_twice"}));
}

TEST(SimMutations, see_a_second_result) {
  EXPECT_TRUE(is_seen({.executor = ExecutorFlaw::two_ends}, {"ends"}));
}

// Not a bug that must be seen: the engine copes with it, since what nobody knows counts as lost.
TEST(SimMutations, are_content_with_an_executor_that_keeps_no_ends) {
  EXPECT_EQ(objections({.executor = ExecutorFlaw::drops_ends}), std::set<std::string>{});
}

TEST(SimMutations, see_rows_that_were_not_kept) {
  EXPECT_TRUE(is_seen({.engine = EngineFlaw::loses_commit}, {"recovery"}));
  EXPECT_TRUE(is_seen({.engine = EngineFlaw::loses_task_rows}, {"recovery"}));
}

TEST(SimMutations, see_ends_that_are_dropped_on_their_way_in) {
  EXPECT_TRUE(is_seen({.link = LinkFlaw::drops_ends}, {"ends_at_last", "comes_to_rest"}));
}

TEST(SimMutations, see_an_answer_that_comes_too_early) {
  EXPECT_TRUE(is_seen({.engine = EngineFlaw::answers_early}, {"lost_work"}));
}

TEST(SimMutations, see_starts_that_nobody_decided) {
  EXPECT_TRUE(is_seen({.link = LinkFlaw::repeats_starts}, {"durable_first"}));
}

}  // namespace
}  // namespace reeve::sim
