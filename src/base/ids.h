// Distinct identifiers. Entities refer to each other by id, never by pointer. Values; no thread
// rule.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve {

/// An integer that is not interchangeable with any other. 0 is "none" for ids that start at 1.
template <class Tag, class Rep>
struct Id {
  using Representation = Rep;
  Rep value{};
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

/// Number of a run in its store: 1, 2, 3, ... in order of submission.
using RunId = Id<struct RunIdTag, std::uint32_t>;
/// Index of a task group (one entry of the workflow's `tasks`) in its workflow.
using GroupIndex = Id<struct GroupIndexTag, std::uint32_t>;
/// Fencing token: unique to an attempt, grows with every attempt that the engine starts. 0: none.
using Token = Id<struct TokenTag, std::uint64_t>;
using PoolId = Id<struct PoolIdTag, std::uint32_t>;

/// A task is its run and its index there; indexes are dense and never reused.
struct TaskId {
  RunId run;
  std::uint32_t index = 0;
  friend constexpr auto operator<=>(const TaskId&, const TaskId&) = default;
  /// Unique 64-bit form: the key in stores.
  constexpr std::uint64_t packed() const {
    return (static_cast<std::uint64_t>(run.value) << 32) | index;
  }
  static constexpr TaskId from_packed(std::uint64_t packed) {
    return {RunId{static_cast<std::uint32_t>(packed >> 32)}, static_cast<std::uint32_t>(packed)};
  }
};

/// UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits; sorts by time.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
  bool is_nil() const { return *this == Uuid{}; }
  /// Builds one from a time and 74 random bits (the caller's; nothing here is random): the lowest
  /// 12 of `random_high` and the lowest 62 of `random_low`.
  static Uuid from_parts(std::uint64_t unix_milliseconds, std::uint64_t random_high,
                         std::uint64_t random_low);
};

/// "run_01jdxk…": type prefix and 26 characters of Crockford base 32 (the TypeID form of a UUIDv7).
std::string format_uuid(std::string_view prefix, const Uuid& uuid);
Result<Uuid> parse_uuid(std::string_view prefix, std::string_view text);

}  // namespace reeve

template <class Tag, class Rep>
struct std::hash<reeve::Id<Tag, Rep>> {
  std::size_t operator()(const reeve::Id<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
