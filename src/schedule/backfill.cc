#include "schedule/backfill.h"

#include <algorithm>
#include <bit>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

constexpr int kFractionBits = 20;  // of logarithms
constexpr std::int64_t kOne = std::int64_t{1} << kFractionBits;

/// The logarithm to base 2, times kOne, in whole numbers: the same on every machine. A bit of the
/// fraction is what squaring carries over 2. REQUIRES value > 0.
std::int64_t log2_of(std::int64_t value) {
  constexpr int kBits = 31;  // of the mantissa: its square fits
  const int exponent =
      std::countl_zero(std::uint64_t{1}) - std::countl_zero(static_cast<std::uint64_t>(value));
  std::uint64_t mantissa = static_cast<std::uint64_t>(value);
  mantissa = exponent > kBits ? mantissa >> (exponent - kBits) : mantissa << (kBits - exponent);
  std::int64_t log = std::int64_t{exponent} << kFractionBits;
  for (std::int64_t bit = kOne / 2; bit > 0; bit /= 2) {
    mantissa = (mantissa * mantissa) >> kBits;
    if (mantissa < std::uint64_t{2} << kBits) continue;
    mantissa /= 2;
    log += bit;
  }
  return log;
}

/// How often the unit is in it, times kOne; the rest of a unit counts in milliseconds.
std::int64_t in_units(Duration duration, Duration unit) {
  const std::int64_t rest = (duration % unit).count() / 1000;
  return duration / unit * kOne + rest * kOne / std::max<std::int64_t>(unit.count() / 1000, 1);
}

}  // namespace

Backfill::Backfill(std::int64_t capacity, const BackfillPolicy& policy, Time begin)
    : policy_(policy),
      free_(capacity, begin) {}

std::int64_t Backfill::key_of(Order order, const BackfillJob& job) const {
  switch (order) {
    case Order::first_come: return 0;
    case Order::shortest: return job.expected.count();
    // In seconds: a product of microseconds could be too large.
    case Order::smallest:
      return std::chrono::ceil<std::chrono::seconds>(job.expected).count() * job.amount;
    // That all grow older alike leaves only when they came.
    case Order::aged:
      return log2_of(job.expected.count()) +
             in_units(job.arrival.time_since_epoch(), policy_.ageing);
  }
  return 0;
}

void Backfill::add(const BackfillJob& job) {
  ENSURE(job.amount > 0 && job.amount <= free_.capacity());
  ENSURE(job.expected > Duration{0} && job.promised >= job.expected);
  queue_.insert({key_of(policy_.queue, job), job});
  filling_.insert({key_of(policy_.filling, job), job});
  waiting_.insert_or_assign(job.id, job);
}

void Backfill::remove(const BackfillJob& job) {
  queue_.erase({key_of(policy_.queue, job), job});
  filling_.erase({key_of(policy_.filling, job), job});
  waiting_.erase(job.id);
}

void Backfill::submit(const BackfillJob& job) {
  add(job);
  smallest_new_ = std::min(smallest_new_, job.amount);
}

void Backfill::revise(std::uint32_t id, Duration expected, Duration promised) {
  const auto at = waiting_.find(id);
  ENSURE(at != waiting_.end());
  BackfillJob job = at->second;
  remove(job);
  job.expected = expected;
  job.promised = promised;
  add(job);
  has_changed_ = true;
}

void Backfill::end(std::uint32_t id, Time now) {
  const auto at = running_.find(id);
  ENSURE(at != running_.end());
  free_.give(at->second.amount, now, at->second.expected_end);
  running_.erase(at);
  has_changed_ = true;
}

void Backfill::extend(std::uint32_t id, Time expected_end) {
  const auto at = running_.find(id);
  ENSURE(at != running_.end() && expected_end >= at->second.expected_end);
  free_.take(at->second.amount, at->second.expected_end, expected_end);
  at->second.expected_end = expected_end;
  has_changed_ = true;
}

void Backfill::start(const BackfillJob& job, Time now, std::vector<BackfillJob>& started) {
  free_.take(job.amount, now, now + job.promised);
  running_.insert_or_assign(job.id, Running{job.amount, now + job.promised});
  started.push_back(job);
}

void Backfill::start_heads(Time now, std::vector<BackfillJob>& started) {
  while (!queue_.empty() && queue_.begin()->job.amount <= free_.free_at(now)) {
    const BackfillJob first = queue_.begin()->job;
    remove(first);
    start(first, now, started);
  }
}

/// What did not fit before another started does not fit after it: the first that fits is asked for
/// again and again.
void Backfill::fill(Time now, std::vector<BackfillJob>& started) {
  if (queue_.size() < 2 || free_.free_at(now) <= 0) return;
  const BackfillJob first = queue_.begin()->job;
  const Time promised = free_.earliest(first.amount, first.promised, now);
  filling_.erase({key_of(policy_.filling, first), first});
  free_.take(first.amount, promised, promised + first.promised);
  while (const auto next = filling_.first_that_fits(
             [&](std::int64_t amount) { return free_.free_for(amount, now); })) {
    remove(next->job);
    start(next->job, now, started);
  }
  free_.give(first.amount, promised, promised + first.promised);
  filling_.insert({key_of(policy_.filling, first), first});
}

void Backfill::keep_promises(Time now, std::vector<BackfillJob>& started) {
  std::vector<std::pair<BackfillJob, Time>> promises;
  for (const auto& [key, job] : queue_) {
    const Time begin = free_.earliest(job.amount, job.promised, now);
    if (begin == now) {
      start(job, now, started);
      continue;
    }
    free_.take(job.amount, begin, begin + job.promised);
    promises.emplace_back(job, begin);
  }
  for (const BackfillJob& job : started) remove(job);
  for (const auto& [job, begin] : promises) free_.give(job.amount, begin, begin + job.promised);
}

std::vector<BackfillJob> Backfill::plan(Time now) {
  free_.advance(now);
  std::vector<BackfillJob> started;
  // Nothing that could not start then can start now, but what is new.
  const bool may_start = has_changed_ || smallest_new_ <= free_.free_at(now);
  if (may_start && policy_.guarantee == Guarantee::all) {
    keep_promises(now, started);
  } else if (may_start) {
    start_heads(now, started);
    if (policy_.guarantee == Guarantee::head) fill(now, started);
  }
  has_changed_ = false;
  smallest_new_ = std::numeric_limits<std::int64_t>::max();
  return started;
}

}  // namespace reeve::schedule
