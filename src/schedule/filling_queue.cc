#include "schedule/filling_queue.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

constexpr std::size_t kBlockMax = 256;

Duration shortest_of(std::span<const RankedJob> jobs) {
  Duration shortest = kDurationMax;
  for (const RankedJob& one : jobs) shortest = std::min(shortest, one.job.promised);
  return shortest;
}

}  // namespace

/// The last block that does not begin after it; the first, if all do.
std::size_t FillingQueue::block_of(const Blocks& blocks, const RankedJob& job) {
  const auto after = std::upper_bound(
      blocks.begin(), blocks.end(), job,
      [](const RankedJob& one, const Block& block) { return one < block.jobs.front(); });
  return after == blocks.begin() ? 0 : static_cast<std::size_t>(after - blocks.begin()) - 1;
}

void FillingQueue::insert(const RankedJob& job) {
  Blocks& blocks = by_amount_[job.job.amount];
  if (blocks.empty()) {
    blocks.push_back({{job}, job.job.promised});
    return;
  }
  const std::size_t index = block_of(blocks, job);
  Block& block = blocks[index];
  block.jobs.insert(std::upper_bound(block.jobs.begin(), block.jobs.end(), job), job);
  block.shortest = std::min(block.shortest, job.job.promised);
  if (block.jobs.size() <= kBlockMax) return;
  const auto middle = block.jobs.begin() + kBlockMax / 2;
  Block second{{middle, block.jobs.end()}, Duration{0}};
  second.shortest = shortest_of(second.jobs);
  block.jobs.erase(middle, block.jobs.end());
  block.shortest = shortest_of(block.jobs);
  blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(second));
}

void FillingQueue::erase(const RankedJob& job) {
  const auto of_amount = by_amount_.find(job.job.amount);
  ENSURE(of_amount != by_amount_.end());
  Blocks& blocks = of_amount->second;
  const std::size_t index = block_of(blocks, job);
  Block& block = blocks[index];
  const auto at = std::lower_bound(block.jobs.begin(), block.jobs.end(), job);
  ENSURE(at != block.jobs.end() && at->job.id == job.job.id);
  block.jobs.erase(at);
  if (!block.jobs.empty()) {
    if (job.job.promised == block.shortest) block.shortest = shortest_of(block.jobs);
    return;
  }
  blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(index));
  if (blocks.empty()) by_amount_.erase(of_amount);
}

const RankedJob* FillingQueue::first_in(const Blocks& blocks, Duration length,
                                        const RankedJob* bound) {
  for (const Block& block : blocks) {
    if (bound != nullptr && !(block.jobs.front() < *bound)) return nullptr;
    if (block.shortest > length) continue;
    const auto found = std::ranges::find_if(
        block.jobs, [&](const RankedJob& one) { return one.job.promised <= length; });
    return bound == nullptr || *found < *bound ? &*found : nullptr;
  }
  return nullptr;
}

}  // namespace reeve::schedule
