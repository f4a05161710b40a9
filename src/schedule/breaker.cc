#include "schedule/breaker.h"

#include <algorithm>

namespace reeve::schedule {

bool Breakers::allows(Kind kind, Time now) const {
  const auto found = circuits_.find(kind);
  if (found == circuits_.end()) return true;
  const State is = state(kind, now);
  return is == State::closed || (is == State::half_open && !found->second.is_probing);
}

Breakers::State Breakers::state(Kind kind, Time now) const {
  const auto found = circuits_.find(kind);
  if (found == circuits_.end() || found->second.open_until == kUnset) return State::closed;
  return std::max(now, found->second.last) < found->second.open_until ? State::open
                                                                      : State::half_open;
}

Time Breakers::reopens_at(Kind kind, Time now) const {
  return state(kind, now) == State::open ? circuits_.find(kind)->second.open_until : kNever;
}

std::int64_t Breakers::tick(Time now) const {
  const std::int64_t width =
      std::max<std::int64_t>(1, setup_.window.count() / static_cast<std::int64_t>(kBuckets));
  return now.time_since_epoch().count() / width;
}

bool Breakers::started(Kind kind, Time now) {
  if (state(kind, now) != State::half_open) return false;
  Circuit& circuit = circuits_.find(kind)->second;
  circuit.last = std::max(circuit.last, now);
  if (circuit.is_probing) return false;
  circuit.is_probing = true;
  return true;
}

void Breakers::open(Circuit& circuit, Time now) const {
  const Duration first = std::min(setup_.open_for, kOpenMax);
  circuit.open_for =
      circuit.open_for == Duration{0} ? first : std::min(circuit.open_for * 2, kOpenMax);
  circuit.open_until = now + circuit.open_for;
  circuit.is_probing = false;
  circuit.successes = 0;
  circuit.buckets.fill({});
}

bool Breakers::counts_as_broken(const Circuit& circuit, Time now) const {
  std::int64_t attempts = 0;
  std::int64_t failures = 0;
  const std::int64_t oldest = tick(now) - static_cast<std::int64_t>(kBuckets) + 1;
  for (const Bucket& bucket : circuit.buckets) {
    if (bucket.tick < oldest) continue;
    attempts += bucket.attempts;
    failures += bucket.failures;
  }
  return attempts >= setup_.attempts_min && failures * 1000 >= attempts * setup_.failures_permille;
}

Breakers::Change Breakers::ended(Kind kind, bool failed, bool is_probe, Time now) {
  if (!is_on()) return {};
  // A success of what is not known needs no memory.
  Circuit& circuit = circuits_[kind];
  now = std::max(now, circuit.last);
  circuit.last = now;
  if (circuit.open_until != kUnset) {
    if (!is_probe || !circuit.is_probing) return {};
    circuit.is_probing = false;
    if (failed) {
      open(circuit, now);
      return {.opened = true};
    }
    circuit.open_until = kUnset;
    circuit.successes = 1;
    return {.closed = true};
  }
  circuit.successes = failed ? 0 : std::min(circuit.successes + 1, kSteadySuccesses);
  if (circuit.successes == kSteadySuccesses) circuit.open_for = Duration{0};
  const std::int64_t current = tick(now);
  Bucket& bucket = circuit.buckets[static_cast<std::size_t>(current) % kBuckets];
  if (bucket.tick != current) bucket = {.tick = current};
  ++bucket.attempts;
  if (failed) ++bucket.failures;
  if (!failed || !counts_as_broken(circuit, now)) return {};
  open(circuit, now);
  return {.opened = true};
}

void Breakers::forget_probe(Kind kind) {
  if (const auto found = circuits_.find(kind); found != circuits_.end())
    found->second.is_probing = false;
}

void Breakers::drop_idle(Time now) {
  std::erase_if(circuits_, [&](const auto& entry) {
    const Circuit& circuit = entry.second;
    return circuit.open_until == kUnset && circuit.open_for == Duration{0} &&
           now - circuit.last > setup_.window;
  });
}

}  // namespace reeve::schedule
