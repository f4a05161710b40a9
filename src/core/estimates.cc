#include "core/estimates.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::core {

const schedule::Estimate* EstimateTable::find(std::uint64_t key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &entries_[found->second - 1].record.estimate;
}

EstimateRecord& EstimateTable::touch(std::uint64_t key, Names names) {
  const auto [found, is_new] = by_key_.try_emplace(key, 0);
  if (is_new) {
    const std::uint32_t id = take_id();
    found->second = id;
    Entry& made = entry(id);
    made.record = {.id = EstimateId{id},
                   .key = key,
                   .used = 0,
                   .workflow = std::string(names.workflow.substr(0, kEstimateNameMax)),
                   .task = std::string(names.task.substr(0, kEstimateNameMax)),
                   .estimate = {}};
  } else {
    take_out(found->second);
  }
  Entry& touched = entry(found->second);
  touched.record.used = next_use_++;
  append_newest(found->second);
  return touched.record;
}

/// The lowest that is free: the same after a recovery, which knows of no other.
std::uint32_t EstimateTable::take_id() {
  if (!free_.empty()) {
    const std::uint32_t id = *free_.begin();
    free_.erase(free_.begin());
    return id;
  }
  if (entries_.size() < entries_max_) {
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size());
  }
  const std::uint32_t id = oldest_;
  ENSURE(id != 0);
  take_out(id);
  by_key_.erase(entry(id).record.key);
  return id;
}

void EstimateTable::take_out(std::uint32_t id) {
  Entry& gone = entry(id);
  (gone.older != 0 ? entry(gone.older).newer : oldest_) = gone.newer;
  (gone.newer != 0 ? entry(gone.newer).older : newest_) = gone.older;
  gone.older = gone.newer = 0;
}

void EstimateTable::append_newest(std::uint32_t id) {
  entry(id).older = newest_;
  (newest_ != 0 ? entry(newest_).newer : oldest_) = id;
  newest_ = id;
}

std::vector<EstimateRecord> EstimateTable::records() const {
  std::vector<EstimateRecord> records;
  records.reserve(by_key_.size());
  for (const Entry& entry : entries_) {
    if (entry.record.id.value != 0) records.push_back(entry.record);
  }
  return records;
}

Status EstimateTable::load(std::vector<EstimateRecord> records) {
  ENSURE(entries_.empty());
  std::ranges::sort(records, {}, &EstimateRecord::used);
  for (EstimateRecord& record : records) {
    const std::uint32_t id = record.id.value;
    const bool in_order = record.used >= next_use_;
    if (id == 0 || id > entries_max_ || !in_order || !record.estimate.is_sound())
      return fail(ErrorCode::corrupt, "a stored estimate is not sound");
    if (id > entries_.size()) entries_.resize(id);
    if (entry(id).record.id.value != 0 || !by_key_.emplace(record.key, id).second)
      return fail(ErrorCode::corrupt, "two stored estimates are for the same");
    next_use_ = record.used + 1;
    entry(id).record = std::move(record);
    append_newest(id);
  }
  for (std::uint32_t id = 1; id <= entries_.size(); ++id) {
    if (entry(id).record.id.value == 0) free_.insert(id);
  }
  return {};
}

void EstimateTable::check_invariants() const {
  ENSURE(entries_.size() <= entries_max_ && by_key_.size() + free_.size() == entries_.size());
  std::size_t listed = 0;
  std::uint64_t used = 0;
  std::uint32_t older = 0;
  for (std::uint32_t id = oldest_; id != 0; id = entries_[id - 1].newer) {
    const Entry& entry = entries_[id - 1];
    ENSURE(entry.record.id.value == id && entry.older == older && !free_.contains(id));
    ENSURE(entry.record.used > used && entry.record.used < next_use_);
    const auto found = by_key_.find(entry.record.key);
    ENSURE(found != by_key_.end() && found->second == id);
    ENSURE(entry.record.estimate.is_sound());
    used = entry.record.used;
    older = id;
    ++listed;
  }
  ENSURE(listed == by_key_.size() && older == newest_);
}

}  // namespace reeve::core
