// The running estimates of the engine, one per task key: what makes two tasks "the same again" is
// the workflow's name, the task's id without the leg of its fan-out, and the shape of its command
// (spec::TaskGroup::likeness). An estimate begins with the first attempt of its key that ends, and
// is a row of the store from then on. Bounded: beyond kEstimatesMax keys the one whose last end is
// longest ago makes way, and its number goes to the newcomer. Pure; one thread.
//
// Invariants: by_key_ names exactly the entries in use; the list from oldest_ to newest_ holds the
// same, in the order of `used`, which is unique.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "schedule/estimate.h"

namespace reeve::core {

using EstimateId = Id<struct EstimateIdTag, std::uint32_t>;  ///< from 1

/// As it is stored.
struct EstimateRecord {
  EstimateId id;
  std::uint64_t key = 0;   ///< spec::TaskGroup::likeness
  std::uint64_t used = 0;  ///< grows with each end of any key
  std::string workflow;    ///< for people; cut to kEstimateNameMax
  std::string task;        ///< as above
  schedule::Estimate estimate;
  friend bool operator==(const EstimateRecord&, const EstimateRecord&) = default;
};
inline constexpr std::size_t kEstimatesMax = 100'000;
inline constexpr std::size_t kEstimateNameMax = 200;

class EstimateTable {
 public:
  explicit EstimateTable(std::size_t entries_max = kEstimatesMax) : entries_max_(entries_max) {}

  /// Null: nothing of this key has ended yet. Valid until the next touch().
  const schedule::Estimate* find(std::uint64_t key) const;
  /// The estimate of a key of which something has ended, to be added to: made if there is none.
  struct Names {
    std::string_view workflow;
    std::string_view task;
  };
  EstimateRecord& touch(std::uint64_t key, Names names);
  /// Notes that its row is to be written. True: it was not noted yet. Until written().
  bool note(EstimateId id) { return !std::exchange(entry(id.value).noted, true); }
  void written(EstimateId id) { entry(id.value).noted = false; }
  /// REQUIRES that it is in use.
  const EstimateRecord& at(EstimateId id) const { return entries_[id.value - 1].record; }
  std::size_t size() const { return by_key_.size(); }
  /// All in use, by id.
  std::vector<EstimateRecord> records() const;
  /// As records() gave them, into a table that is empty. corrupt: they contradict each other.
  Status load(std::vector<EstimateRecord> records);
  /// Aborts when an invariant does not hold. O(everything).
  void check_invariants() const;

 private:
  struct Entry {
    EstimateRecord record;    // id 0: not in use
    std::uint32_t older = 0;  // ids; 0: none
    std::uint32_t newer = 0;
    bool noted = false;
  };
  Entry& entry(std::uint32_t id) { return entries_[id - 1]; }
  std::uint32_t take_id();
  void take_out(std::uint32_t id);
  void append_newest(std::uint32_t id);

  std::size_t entries_max_;
  std::vector<Entry> entries_;  // at [id - 1]
  std::set<std::uint32_t> free_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_key_;  // lookup only
  std::uint32_t oldest_ = 0;
  std::uint32_t newest_ = 0;
  std::uint64_t next_use_ = 1;
};

}  // namespace reeve::core
