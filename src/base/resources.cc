#include "base/resources.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

/// Sums over many requests are shown to people; they stop at the end instead of wrapping around.
std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a > 0 ? kLargest : std::numeric_limits<std::int64_t>::min();
}

std::int64_t amount_of(const Resources& resources, std::string_view name) {
  const auto at = std::ranges::lower_bound(resources.countables, name, {}, &Countable::name);
  return at != resources.countables.end() && at->name == name ? at->amount : 0;
}

void change(Resources& resources, std::string_view name, std::int64_t by) {
  auto& all = resources.countables;
  auto at = std::ranges::lower_bound(all, name, {}, &Countable::name);
  if (at == all.end() || at->name != name) at = all.insert(at, Countable{std::string(name), 0});
  at->amount = saturating_sum(at->amount, by);
  if (at->amount == 0) all.erase(at);
}

/// "1", "1.5", "0.125": `value` counted in thousandths, exactly.
std::string thousandths(std::int64_t value) {
  const auto raw = static_cast<std::uint64_t>(value);
  const std::uint64_t size = value < 0 ? 0 - raw : raw;
  std::string out = fmt::format("{}{}.{:03}", value < 0 ? "-" : "", size / 1000, size % 1000);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

struct Suffix {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array<Suffix, 13> kByteSuffixes{{
    {"", 1},
    {"k", 1'000},
    {"M", 1'000'000},
    {"G", 1'000'000'000},
    {"T", 1'000'000'000'000},
    {"P", 1'000'000'000'000'000},
    {"E", 1'000'000'000'000'000'000},
    {"Ki", std::int64_t{1} << 10},
    {"Mi", std::int64_t{1} << 20},
    {"Gi", std::int64_t{1} << 30},
    {"Ti", std::int64_t{1} << 40},
    {"Pi", std::int64_t{1} << 50},
    {"Ei", std::int64_t{1} << 60},
}};
constexpr std::array<Suffix, 3> kMilliSuffixes{{{"", 1'000}, {"m", 1}, {"k", 1'000'000}}};

/// digits [ "." digits ] suffix, exactly; what is left below one is rounded up, as Kubernetes does,
/// so that a small request does not become none. False: not of that form, or too large.
bool parse_quantity(std::string_view text, std::span<const Suffix> suffixes, std::int64_t& value) {
  __extension__ using Wide = unsigned __int128;
  constexpr std::size_t kDigitsMax = 18;  // 10^18 × 2^60 fits into 128 bits
  Wide digits = 0;
  Wide scale = 1;
  std::size_t count = 0;
  bool after_point = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !after_point && count > 0) {
      after_point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    if (++count > kDigitsMax) return false;
    digits = digits * 10 + static_cast<Wide>(c - '0');
    if (after_point) scale *= 10;
  }
  if (count == 0 || text[at - 1] == '.') return false;
  const std::string_view name = text.substr(at);
  const auto suffix = std::ranges::find(suffixes, name, &Suffix::name);
  if (suffix == suffixes.end()) return false;
  const Wide total = (digits * static_cast<Wide>(suffix->factor) + scale - 1) / scale;
  if (total > static_cast<Wide>(kLargest)) return false;
  value = static_cast<std::int64_t>(total);
  return true;
}

}  // namespace

bool Resources::covers(const Resources& request) const { return first_shortage(request).empty(); }

std::string Resources::first_shortage(const Resources& request) const {
  if (request.cpu_millicores > cpu_millicores) return "cpu";
  if (request.memory_bytes > memory_bytes) return "memory";
  if (request.disk_bytes > disk_bytes) return "disk";
  if (request.gpu_milli > gpu_milli) return "gpu";
  for (const Countable& wanted : request.countables) {
    if (wanted.amount > amount_of(*this, wanted.name)) return wanted.name;
  }
  return {};
}

void Resources::add(const Resources& other) {
  cpu_millicores = saturating_sum(cpu_millicores, other.cpu_millicores);
  memory_bytes = saturating_sum(memory_bytes, other.memory_bytes);
  disk_bytes = saturating_sum(disk_bytes, other.disk_bytes);
  gpu_milli = saturating_sum(gpu_milli, other.gpu_milli);
  for (const Countable& item : other.countables) change(*this, item.name, item.amount);
}

void Resources::subtract(const Resources& other) {
  ENSURE(covers(other));
  cpu_millicores -= other.cpu_millicores;
  memory_bytes -= other.memory_bytes;
  disk_bytes -= other.disk_bytes;
  gpu_milli -= other.gpu_milli;
  for (const Countable& item : other.countables) change(*this, item.name, -item.amount);
}

std::string format_resources(const Resources& resources) {
  std::string out;
  const auto append = [&out](const std::string& amount, std::string_view of) {
    if (!out.empty()) out += ", ";
    out += amount;
    out += ' ';
    out += of;
  };
  if (resources.cpu_millicores != 0) append(thousandths(resources.cpu_millicores), "cpu");
  if (resources.memory_bytes != 0) append(format_bytes(resources.memory_bytes), "memory");
  if (resources.disk_bytes != 0) append(format_bytes(resources.disk_bytes), "disk");
  if (resources.gpu_milli != 0) append(thousandths(resources.gpu_milli), "gpu");
  for (const Countable& item : resources.countables)
    append(fmt::format("{}", item.amount), item.name);
  return out.empty() ? "nothing" : out;
}

Result<std::int64_t> parse_millis(std::string_view text) {
  std::int64_t value = 0;
  if (parse_quantity(text, kMilliSuffixes, value)) return value;
  return fail(ErrorCode::invalid_argument,
              "not a quantity: expected a number such as 2, 1.5 or 500m (thousandths)");
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  std::int64_t value = 0;
  if (parse_quantity(text, kByteSuffixes, value)) return value;
  return fail(ErrorCode::invalid_argument,
              "not a size: expected a number with k, M, G, T, P, E (thousands) or Ki, Mi, Gi, Ti, "
              "Pi, Ei (1024), such as 512Mi, 1.5G or 4096");
}

std::string format_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 7> kNames{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const auto raw = static_cast<std::uint64_t>(bytes);
  std::uint64_t size = bytes < 0 ? 0 - raw : raw;
  std::size_t unit = 0;
  std::uint64_t tenths = 0;
  // Cut and not rounded, so that what is shown as "1 GiB" is never less.
  while (size >= 1024) {
    tenths = size % 1024 * 10 / 1024;
    size /= 1024;
    ++unit;
  }
  const std::string_view sign = bytes < 0 ? "-" : "";
  if (tenths == 0) return fmt::format("{}{} {}", sign, size, kNames[unit]);
  return fmt::format("{}{}.{} {}", sign, size, tenths, kNames[unit]);
}

}  // namespace reeve
