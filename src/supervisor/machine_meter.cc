#include "supervisor/machine_meter.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>

#include "supervisor/use_meter.h"

namespace reeve::supervisor {
namespace {

// Memory is short when less than this is left: a task that thrashes within its own limit stalls
// the same counters, and is nobody else's concern.
constexpr std::int32_t kShortMemory = 150;
constexpr std::size_t kProcFileMax = 64 * 1024;

std::string text_of_file(const char* path) {
  std::ifstream file(path);
  std::string text(kProcFileMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

/// "cpu  user nice system idle iowait irq softirq steal ...", in ticks.
std::optional<MachineTimes> machine_times(const std::string& stat) {
  static const std::int64_t kTick = 1'000'000 / std::max(::sysconf(_SC_CLK_TCK), 1L);
  constexpr std::size_t kIdle = 3;
  constexpr std::size_t kWaiting = 4;
  std::istringstream words(stat.substr(0, stat.find('\n')));
  std::string name;
  std::array<std::int64_t, 8> ticks{};
  words >> name;
  for (std::int64_t& one : ticks) words >> one;
  if (!words || name != "cpu") return std::nullopt;
  MachineTimes times;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    times.all += Duration{ticks[i] * kTick};
    if (i != kIdle && i != kWaiting) times.busy += Duration{ticks[i] * kTick};
  }
  return times;
}

std::int32_t in_steps(std::int32_t permille) {
  return std::clamp(permille, 0, 1000) / kLoadStep * kLoadStep;
}

std::int64_t number_after_key(const std::string& text, std::string_view key, std::int64_t missing) {
  const std::size_t at = text.find(key);
  if (at == std::string::npos) return missing;
  const char* begin = text.data() + at + key.size();
  const char* const end = text.data() + text.size();
  while (begin != end && *begin == ' ') ++begin;
  std::int64_t number = 0;
  return std::from_chars(begin, end, number).ec == std::errc{} ? number : missing;
}

}  // namespace

std::int32_t others_between(const MachineTimes& before, const MachineTimes& after) {
  const Duration passed = after.all - before.all;
  if (passed <= Duration{0}) return 0;
  const Duration others =
      (after.busy - before.busy) - std::max(after.own - before.own, Duration{0});
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(1000 * others / passed, 0, 1000));
}

std::int32_t full_stall(const std::string& pressure) {
  const std::size_t line = pressure.find("full ");
  if (line == std::string::npos) return 0;
  const std::string rest = pressure.substr(line);
  const std::int64_t whole = number_after_key(rest, "avg10=", -1);
  if (whole < 0) return 0;
  const std::size_t point = rest.find('.');
  const int tenth =
      point != std::string::npos && point + 1 < rest.size() ? rest[point + 1] - '0' : 0;
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(whole * 10 + std::clamp(tenth, 0, 9), 0, 1000));
}

std::int32_t available_memory(const std::string& meminfo) {
  const std::int64_t all = number_after_key(meminfo, "MemTotal:", 0);
  const std::int64_t left = number_after_key(meminfo, "MemAvailable:", all);
  if (all <= 0) return 1000;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(1000 * left / all, 0, 1000));
}

MachineLoad MachineMeter::look(std::optional<pid_t> engine) {
  MachineLoad load;
  std::optional<MachineTimes> now = machine_times(text_of_file("/proc/stat"));
  const auto own = cpu_of_tree(::getpid());
  if (now && own) {
    now->own = *own + (engine ? cpu_of_process(*engine) : Duration{0});
    if (last_) load.others = in_steps(others_between(*last_, *now));
  }
  last_ = own ? now : std::nullopt;
  if (available_memory(text_of_file("/proc/meminfo")) < kShortMemory)
    load.memory = in_steps(full_stall(text_of_file("/proc/pressure/memory")));
  load.disks = in_steps(full_stall(text_of_file("/proc/pressure/io")));
  return load;
}

}  // namespace reeve::supervisor
