#include "schedule/circuits.h"

#include <algorithm>

namespace reeve::schedule {

CircuitId Circuits::intern(const std::string& key) {
  const auto [id, is_new] = numbers_.give(key);
  if (is_new) put_at(circuits_, id.value, {.key = key});
  return id;
}

void Circuits::keep(std::vector<bool> is_used, Time now) {
  const Duration window = std::max(setup_.window, Duration{1});
  for (std::uint32_t i = 1; i < circuits_.size(); ++i) {
    const Circuit& circuit = circuits_[i];
    const bool is_quiet =
        circuit.opened == kUnset || (now - circuit.opened) / window > std::int64_t{circuit.level};
    if (circuit.until != kUnset || !is_quiet || counts(CircuitId{i}, now).all > 0)
      is_used[i] = true;
  }
  numbers_.keep(is_used, [&](CircuitId id) { circuits_[id.value] = {}; });
}

std::optional<CircuitId> Circuits::find(const std::string& key) const { return numbers_.find(key); }

std::int64_t Circuits::bucket_of(Time now) const {
  const std::int64_t width =
      std::max<std::int64_t>(setup_.window.count() / static_cast<std::int64_t>(kBuckets), 1);
  return now.time_since_epoch().count() / width;
}

void Circuits::turn(Circuit& circuit, Time now) const {
  const std::int64_t newest = bucket_of(now);
  const std::int64_t passed = newest - circuit.newest;
  if (passed <= 0) return;  // a clock that is set back stays in the newest bucket
  for (std::int64_t i = 1; i <= std::min<std::int64_t>(passed, kBuckets); ++i)
    circuit.buckets[static_cast<std::size_t>(circuit.newest + i) % kBuckets] = {};
  circuit.newest = newest;
}

Circuits::Counts Circuits::counts(CircuitId id, Time now) const {
  Circuit copy = circuits_[id.value];
  turn(copy, now);
  Counts sum;
  for (const Counts& bucket : copy.buckets) {
    sum.failed += bucket.failed;
    sum.all += bucket.all;
  }
  return sum;
}

Circuits::State Circuits::state(CircuitId id, Time now) const {
  const Circuit& circuit = circuits_[id.value];
  if (circuit.until == kUnset) return State::closed;
  return now < circuit.until ? State::open : State::half_open;
}

Time Circuits::opens_at(CircuitId id, Time now) const {
  const Circuit& circuit = circuits_[id.value];
  if (circuit.until == kUnset || setup_.failures_permille == 0) return now;
  if (now < circuit.until) return circuit.until;
  return circuit.probes == 0 ? now : kNever;
}

void Circuits::on_start(CircuitId id, Time now) {
  Circuit& circuit = circuits_[id.value];
  if (circuit.until != kUnset && now >= circuit.until) ++circuit.probes;
}

void Circuits::open(Circuit& circuit, Time now) const {
  // Soon again: twice as long. Each quiet window takes one doubling back.
  if (circuit.opened != kUnset) {
    const auto quiet = (now - circuit.opened) / std::max(setup_.window, Duration{1});
    const auto forgiven = static_cast<std::uint32_t>(std::clamp<std::int64_t>(quiet, 0, 63));
    circuit.level = circuit.level >= forgiven ? circuit.level - forgiven : 0;
    if (quiet == 0) ++circuit.level;
  }
  Duration length = std::max(setup_.open_for, Duration{1});
  for (std::uint32_t i = 0; i < circuit.level && length < kOpenMax; ++i) length *= 2;
  circuit.opened = now;
  circuit.until = now + std::min(length, std::max(kOpenMax, setup_.open_for));
  circuit.probes = 0;
  circuit.buckets = {};
}

bool Circuits::on_end(CircuitId id, bool failed, Time since, Time now) {
  Circuit& circuit = circuits_[id.value];
  if (id == CircuitId{} || setup_.failures_permille == 0) return false;
  if (circuit.until != kUnset) {
    if (since < circuit.until || circuit.probes == 0) return false;
    if (failed) {
      open(circuit, now);
      return true;
    }
    circuit.until = kUnset;
    circuit.probes = 0;
    return false;
  }
  turn(circuit, now);
  Counts& bucket = circuit.buckets[static_cast<std::size_t>(circuit.newest) % kBuckets];
  ++bucket.all;
  bucket.failed += failed ? 1 : 0;
  const Counts sum = counts(id, now);
  const bool too_many =
      std::uint64_t{sum.failed} * 1000 >=
      std::uint64_t{sum.all} * static_cast<std::uint64_t>(setup_.failures_permille);
  if (!failed || sum.all < static_cast<std::uint32_t>(setup_.attempts_min) || !too_many)
    return false;
  open(circuit, now);
  return true;
}

void Circuits::on_no_answer(CircuitId id, Time since) {
  Circuit& circuit = circuits_[id.value];
  if (since >= circuit.until) circuit.probes = 0;  // the next may try
}

}  // namespace reeve::schedule
