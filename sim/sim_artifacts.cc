#include "sim/sim_artifacts.h"

#include <utility>

namespace reeve::sim {
namespace {

constexpr Duration kAskAgain = std::chrono::milliseconds{1};

}  // namespace

void SimArtifacts::collect(TaskId task, engine::ArtifactScope /*scope*/,
                           std::vector<engine::ArtifactRequest> files, Done done) {
  if (!process_.act()) return;
  basics_.note(Note::artifacts, task.packed(), files.size());
  // Whether a file is there depends on the task alone: asking again gives the same answer.
  Generator random{derive_seed(basics_.seed, task.packed() ^ 0xa27f)};
  Result<std::vector<OutputValue>> result;
  for (const engine::ArtifactRequest& file : files) {
    const bool exists = !random.chance(60);
    if (!exists && file.required) {
      result = fail(ErrorCode::not_found, "there is no file " + file.path);
      break;
    }
    if (exists) result->push_back({file.name, "/artifacts/" + file.name});
  }
  const Duration delay = random.any_scale(Duration{200}, std::chrono::seconds{20});
  basics_.agenda.after(delay, [this, round = round_, result = std::move(result),
                               done = std::move(done)] { answer(round, result, done); });
}

void SimArtifacts::answer(std::uint64_t round, Result<std::vector<OutputValue>> result,
                          const Done& done) {
  if (!process_.is_alive()) return;
  if (round != round_) {
    basics_.faults.count(Fault::artifacts_lost);
    return;
  }
  if (!process_.has_room()) {
    basics_.agenda.after(kAskAgain, [this, round, result = std::move(result), done] {
      answer(round, result, done);
    });
    return;
  }
  done(std::move(result));
  process_.on_posted();
}

}  // namespace reeve::sim
