// Resource vectors: what a task asks for and what a pool has. CPU in millicores, memory and disk in
// bytes, gpu in thousandths, and any further countable by name (licences). Values; no thread rule.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/codec.h"
#include "base/result.h"

namespace reeve {

struct Countable {
  std::string name;
  std::int64_t amount = 0;
  friend auto operator<=>(const Countable&, const Countable&) = default;

  static constexpr auto fields() {
    return std::tuple{field("name", &Countable::name), field("amount", &Countable::amount)};
  }
};

struct Resources {
  std::int64_t cpu_millicores = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t disk_bytes = 0;
  std::int64_t gpu_milli = 0;
  std::vector<Countable> countables;  ///< sorted by name, amounts > 0

  friend auto operator<=>(const Resources&, const Resources&) = default;

  static constexpr auto fields() {
    return std::tuple{field("cpu_millicores", &Resources::cpu_millicores),
                      field("memory_bytes", &Resources::memory_bytes),
                      field("disk_bytes", &Resources::disk_bytes),
                      field("gpu_milli", &Resources::gpu_milli),
                      field("countables", &Resources::countables)};
  }

  /// Whether `request` fits into this vector, dimension by dimension.
  bool covers(const Resources& request) const;
  void add(const Resources& other);
  /// REQUIRES covers(other).
  void subtract(const Resources& other);
  /// The first dimension in which `request` does not fit ("cpu", "memory", ...), or "".
  std::string first_shortage(const Resources& request) const;
};

/// "2 cpu, 1 GiB memory": only what is not zero.
std::string format_resources(const Resources& resources);
/// "500m" → 500, "2" → 2000, "1.5" → 1500 (Kubernetes quantities).
Result<std::int64_t> parse_millis(std::string_view text);
/// "128Mi", "1G", "1024" → bytes (Kubernetes quantities; binary and decimal suffixes).
Result<std::int64_t> parse_bytes(std::string_view text);
/// "1.5 GiB": for people.
std::string format_bytes(std::int64_t bytes);

}  // namespace reeve
