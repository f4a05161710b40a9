// Backfilling: which of the waiting jobs start now on one capacity, from when each is expected to
// end. The first in the queue that does not fit is given a reservation at the earliest moment it
// can have; later ones start before it only where that does not delay it (EASY: D. Lifka, "The
// ANL/IBM SP scheduling system", JSSPP 1995). With a reservation for each one nobody is delayed by
// who came later (conservative: A. Mu'alem and D. Feitelson, "Utilization, predictability,
// workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 12,
// 2001). The order of filling may be another than the queue's: shortest first (D. Tsafrir, Y.
// Etsion and D. Feitelson, "Backfilling using system-generated predictions rather than user runtime
// estimates", IEEE TPDS 18, 2007). Pure; one thread.
//
//   submit ──► waiting ──plan──► running ──end──► gone        extend: it takes longer than expected
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "schedule/availability.h"
#include "schedule/filling_queue.h"

namespace reeve::schedule {

/// Who is promised a start.
enum class Guarantee : std::uint8_t {
  none,  ///< strictly in the order of the queue: nobody overtakes
  head,  ///< the first that waits (EASY)
  all,   ///< each, as if those behind did not exist (conservative)
};

enum class Order : std::uint8_t {
  first_come,
  shortest,  ///< expected length
  smallest,  ///< expected length times amount
  aged,      ///< expected length, which counts half for each `ageing` that a job has waited
};

struct BackfillPolicy {
  Guarantee guarantee = Guarantee::head;
  Order queue = Order::first_come;    ///< who is first
  Order filling = Order::first_come;  ///< who is tried before others, of those behind
  /// Order::aged: a job is overtaken only by those that come within `ageing` times log2(its length
  /// over theirs): what comes later than that is behind it, however short it is. > 0
  Duration ageing = std::chrono::hours(16);
  friend bool operator==(const BackfillPolicy&, const BackfillPolicy&) = default;
};

class Backfill {
 public:
  Backfill(std::int64_t capacity, const BackfillPolicy& policy, Time begin = Time{});

  void submit(const BackfillJob& job);
  /// More is known of a job now. REQUIRES that it waits.
  void revise(std::uint32_t id, Duration expected, Duration promised);
  /// A job that runs has ended. REQUIRES that it runs.
  void end(std::uint32_t id, Time now);
  /// A job that runs is expected to end then, later than what was expected. REQUIRES that it runs.
  void extend(std::uint32_t id, Time expected_end);
  /// Those that start now, in order. What has come to its expected end and was neither ended nor
  /// extended counts as ended.
  std::vector<BackfillJob> plan(Time now);
  std::size_t waiting() const { return queue_.size(); }

 private:
  struct Running {
    std::int64_t amount;
    Time expected_end;
  };

  std::int64_t key_of(Order order, const BackfillJob& job) const;
  void add(const BackfillJob& job);
  void remove(const BackfillJob& job);
  void start(const BackfillJob& job, Time now, std::vector<BackfillJob>& started);
  void start_heads(Time now, std::vector<BackfillJob>& started);
  void fill(Time now, std::vector<BackfillJob>& started);
  void keep_promises(Time now, std::vector<BackfillJob>& started);

  BackfillPolicy policy_;
  Availability free_;
  std::set<RankedJob> queue_;
  FillingQueue filling_;
  std::unordered_map<std::uint32_t, BackfillJob> waiting_;                // lookup only
  std::unordered_map<std::uint32_t, Running> running_;                    // lookup only
  std::int64_t smallest_new_ = std::numeric_limits<std::int64_t>::max();  // since the last plan
  bool has_changed_ = false;  // what is free, since then
};

}  // namespace reeve::schedule
