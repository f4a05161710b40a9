// Circuit breakers (Nygard, "Release It!"): when too many of the last attempts that share a key
// failed, nothing more of that key starts for a while; then one probe may, and its end decides. A
// circuit that opens again soon stays open for twice as long, up to kOpenMax; it is forgiven step
// by step, each time that a whole window passes without its opening. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/scheduling_policy.h"
#include "base/time.h"
#include "schedule/numbers.h"

namespace reeve::schedule {

using CircuitId = Id<struct CircuitIdTag, std::uint32_t>;  ///< 0: none
inline constexpr Duration kOpenMax = std::chrono::minutes{30};

class Circuits {
 public:
  Circuits() { circuits_.emplace_back(); }
  void configure(const BreakerSetup& setup) { setup_ = setup; }
  /// Finds or makes one: "task:build/compile", "target:db-1", "node:g3".
  CircuitId intern(const std::string& key);
  std::optional<CircuitId> find(const std::string& key) const;
  const std::string& key(CircuitId id) const { return circuits_[id.value].key; }

  enum class State : std::uint8_t { closed, open, half_open };
  State state(CircuitId id, Time now) const;
  /// When the next may start: now or before, if it may; kNever while a probe is out.
  Time opens_at(CircuitId id, Time now) const;
  void on_start(CircuitId id, Time now);
  /// Of an attempt that began at `since`. True: it has just opened (again). What began before it
  /// opened has no say once it did.
  bool on_end(CircuitId id, bool failed, Time since, Time now);
  /// An attempt that says nothing of the key: stopped by a person, lost with its machine.
  void on_no_answer(CircuitId id, Time since);
  /// Failures and attempts in the window.
  struct Counts {
    std::uint32_t failed = 0;
    std::uint32_t all = 0;
  };
  Counts counts(CircuitId id, Time now) const;
  /// Forgets those that are not used (by circuit) and of which nothing is remembered.
  void keep(std::vector<bool> is_used, Time now);
  std::size_t size() const { return numbers_.size(); }
  std::uint32_t end() const { return numbers_.end(); }
  Time open_until(CircuitId id) const { return circuits_[id.value].until; }

 private:
  static constexpr std::size_t kBuckets = 10;
  struct Circuit {
    std::string key;
    std::array<Counts, kBuckets> buckets{};  ///< each a tenth of the window, by its number
    std::int64_t newest = 0;                 ///< number of the newest bucket
    Time until = kUnset;                     ///< open until then; kUnset: closed
    Time opened = kUnset;
    std::uint32_t probes = 0;  ///< out since it was half open
    std::uint32_t level = 0;   ///< times that the opening was doubled
  };
  std::int64_t bucket_of(Time now) const;
  void turn(Circuit& circuit, Time now) const;
  void open(Circuit& circuit, Time now) const;

  BreakerSetup setup_;
  std::vector<Circuit> circuits_;
  Numbers<std::string, CircuitId> numbers_{1};
};

}  // namespace reeve::schedule
