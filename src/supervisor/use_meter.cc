#include "supervisor/use_meter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace reeve::supervisor {
namespace {

/// A small file of /proc, read with one call; "" when the process is gone.
std::string_view read_small(const std::string& path, std::span<char> buffer) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t got = file ? ::read(file.get(), buffer.data(), buffer.size()) : -1;
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

std::int64_t take_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc{} ? number : 0;
}

void skip_words(std::string_view& text, int count) {
  for (int i = 0; i < count; ++i) text.remove_prefix(std::min(text.find(' ') + 1, text.size()));
}

std::int64_t number_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + key.size());
  return take_number(text);
}

/// Whether the time of children that it waited for is its own.
enum class Children : std::uint8_t { counted, left_out };

/// False: there is no such process.
bool add_cpu(const std::string& directory, Children children, ProcessUse& use) {
  static const std::int64_t kTick = 1'000'000 / std::max(::sysconf(_SC_CLK_TCK), 1L);
  std::array<char, 1024> buffer;
  std::string_view stat = read_small(directory + "/stat", buffer);
  // The name in brackets may hold anything: fields are counted from its end.
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return false;
  stat.remove_prefix(name_end + 2);
  skip_words(stat, 11);  // from `state` to `utime`
  const int kinds = children == Children::counted ? 4 : 2;
  for (int i = 0; i < kinds; ++i) use.cpu += Duration(take_number(stat) * kTick);
  ++use.processes;
  return true;
}

void add_memory_and_transfers(const std::string& directory, ProcessUse& use) {
  static const std::int64_t kPage = ::sysconf(_SC_PAGESIZE);
  std::array<char, 1024> buffer;
  std::string_view memory = read_small(directory + "/statm", buffer);
  skip_words(memory, 1);
  const std::int64_t resident = take_number(memory);
  use.memory_bytes += std::max<std::int64_t>(resident - take_number(memory), 0) * kPage;
  const std::string_view io = read_small(directory + "/io", buffer);
  use.read_bytes += number_after(io, "\nread_bytes:");
  use.written_bytes += number_after(io, "\nwrite_bytes:");
}

/// Calls `add` with the directory in /proc of each process of the tree, as far as they are looked
/// at; below one that it does not want nothing is.
template <class Add>
void each_of_tree(pid_t root, Add add) {
  std::vector<std::int64_t> pids{root};
  for (std::size_t i = 0; i < pids.size(); ++i) {
    const std::string number = std::to_string(pids[i]);
    const std::string directory = "/proc/" + number;
    if (!add(directory)) continue;
    std::array<char, 4096> buffer;
    std::string_view children = read_small(directory + "/task/" + number + "/children", buffer);
    while (pids.size() < kTreeProcessesMax) {
      const std::int64_t child = take_number(children);
      if (child == 0) break;
      pids.push_back(child);
    }
  }
}

}  // namespace

Duration cpu_of_process(pid_t pid) {
  ProcessUse use;
  add_cpu("/proc/" + std::to_string(pid), Children::left_out, use);
  return use.cpu;
}

std::optional<Duration> cpu_of_tree(pid_t root) {
  ProcessUse use;
  each_of_tree(root, [&](const std::string& directory) {
    return add_cpu(directory, Children::counted, use);
  });
  const bool is_whole =
      use.processes > 0 && use.processes < static_cast<std::int64_t>(kTreeProcessesMax);
  return is_whole ? std::optional(use.cpu) : std::nullopt;
}

std::optional<ProcessUse> use_of_tree(pid_t root) {
  ProcessUse use;
  each_of_tree(root, [&](const std::string& directory) {
    if (!add_cpu(directory, Children::counted, use)) return false;
    add_memory_and_transfers(directory, use);
    return true;
  });
  if (use.processes == 0) return std::nullopt;
  return use;
}

AttemptSample UseMeter::sample(const ProcessUse& use, Instant now) {
  AttemptSample next = last_;
  next.cpu = std::max(use.cpu, last_.cpu);
  next.memory_bytes = use.memory_bytes;
  next.memory_peak_bytes = std::max(last_.memory_peak_bytes, use.memory_bytes);
  next.processes = use.processes;
  next.read_bytes = std::max(use.read_bytes, last_.read_bytes);
  next.written_bytes = std::max(use.written_bytes, last_.written_bytes);
  if (last_at_ != kNoDeadline && now > last_at_) {
    const std::int64_t period = (now - last_at_).count();
    const auto rate = [&](std::int64_t now_at, std::int64_t before, std::int64_t unit) {
      // Of amounts that are no larger than a machine can do in a day, this does not overflow.
      return static_cast<std::int64_t>(static_cast<double>(now_at - before) *
                                       static_cast<double>(unit) / static_cast<double>(period));
    };
    next.cpu_millicores = rate(next.cpu.count(), last_.cpu.count(), 1000);
    next.read_bytes_per_second = rate(next.read_bytes, last_.read_bytes, 1'000'000);
    next.written_bytes_per_second = rate(next.written_bytes, last_.written_bytes, 1'000'000);
  }
  if (use.stalls && last_stalls_ && last_at_ != kNoDeadline && now > last_at_) {
    const auto part = [&](Duration now_at, Duration before) {
      const std::int64_t per_mille = (now_at - before) * 1000 / (now - last_at_);
      return static_cast<std::int32_t>(std::clamp<std::int64_t>(per_mille, 0, 1000));
    };
    next.cpu_stalled_per_mille = part(use.stalls->cpu, last_stalls_->cpu);
    next.memory_stalled_per_mille = part(use.stalls->memory, last_stalls_->memory);
    next.io_stalled_per_mille = part(use.stalls->io, last_stalls_->io);
  }
  last_stalls_ = use.stalls;
  last_at_ = now;
  last_ = next;
  return next;
}

}  // namespace reeve::supervisor
