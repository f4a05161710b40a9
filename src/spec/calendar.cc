#include "spec/calendar.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace reeve::spec {
namespace {

constexpr std::int64_t kMinutesPerDay = 24 * 60;
constexpr std::int64_t kMinutesPerWeek = 7 * kMinutesPerDay;
/// Bit i: the minute i of the week in UTC, from Monday 00:00.
using Week = std::bitset<kMinutesPerWeek>;

std::int64_t minutes(Duration duration) {
  return std::chrono::duration_cast<std::chrono::minutes>(duration).count();
}

Week week_of(const WindowSetup& window) {
  Week week;
  const std::int64_t from = minutes(window.from);
  std::int64_t to = minutes(window.to);
  if (to <= from) to += kMinutesPerDay;
  for (std::int64_t day = 0; day < 7; ++day) {
    if (((window.days >> day) & 1) == 0) continue;
    for (std::int64_t at = from; at < to; ++at) {
      const std::int64_t minute = day * kMinutesPerDay + at - minutes(window.offset);
      week.set(
          static_cast<std::size_t>((minute % kMinutesPerWeek + kMinutesPerWeek) % kMinutesPerWeek));
    }
  }
  return week;
}

/// (pool or queue, name)
using Owner = std::pair<bool, std::string>;

Owner owner_of(const WindowSetup& window) {
  return {!window.pool.empty(), window.pool.empty() ? window.queue : window.pool};
}

class CalendarCheck {
 public:
  CalendarCheck(std::span<const CalendarEntry> entries, Diagnostics& diagnostics)
      : entries_(entries),
        diagnostics_(diagnostics) {
    for (std::size_t i = 0; i < entries.size(); ++i)
      by_owner_[owner_of(entries[i].window)].push_back(i);
  }

  void run() {
    std::vector<Owner> never;  // what is below them need not be told as well
    for (const auto& [owner, indexes] : by_owner_) {
      const bool told = std::ranges::any_of(never, [&](const Owner& above) {
        return !owner.first && !above.first && is_same_or_below(owner.second, above.second);
      });
      if (!told && !is_ever_open(owner)) never.push_back(owner);
    }
  }

 private:
  // Adds the windows one by one, those of queues above first: the one after which nothing is left
  // is the one that is named, with those before it that it cannot go with.
  bool is_ever_open(const Owner& owner) {
    Week open;
    open.set();
    std::vector<std::size_t> before;
    for (const auto& [above, indexes] : by_owner_) {
      const bool counts = above == owner || (!owner.first && !above.first &&
                                             is_same_or_below(owner.second, above.second));
      if (!counts) continue;
      if (!apply(owner, indexes, before, open)) return false;
    }
    return true;
  }

  bool apply(const Owner& owner, const std::vector<std::size_t>& indexes,
             std::vector<std::size_t>& before, Week& open) {
    Week wanted;
    std::vector<std::size_t> opening;
    for (const std::size_t i : indexes) {
      if (entries_[i].window.closed) continue;
      wanted |= week_of(entries_[i].window);
      opening.push_back(i);
    }
    if (!opening.empty()) {
      if ((open & wanted).none()) return report(owner, opening.back(), before);
      open &= wanted;
      before.insert(before.end(), opening.begin(), opening.end());
    }
    for (const std::size_t i : indexes) {
      if (!entries_[i].window.closed) continue;
      const Week rest = open & ~week_of(entries_[i].window);
      if (rest.none()) return report(owner, i, before);
      open = rest;
      before.push_back(i);
    }
    return true;
  }

  bool report(const Owner& owner, std::size_t index, const std::vector<std::size_t>& before) {
    std::string message = std::string(owner.first ? "the pool '" : "the queue '") + owner.second +
                          "' would never be open: this window cannot hold";
    std::string lines;
    for (const std::size_t i : before) {
      lines += (lines.empty() ? "" : ", ") +
               std::to_string(diagnostics_.line_of(entries_[i].node.offset()));
    }
    if (lines.empty()) {
      message = std::string(owner.first ? "the pool '" : "the queue '") + owner.second +
                "' would never be open: this maintenance never ends";
    } else {
      message += std::string(" together with ") +
                 (before.size() == 1 ? "that of line " : "those of the lines ") + lines;
    }
    diagnostics_.error(entries_[index].node, std::move(message));
    return false;
  }

  std::span<const CalendarEntry> entries_;
  Diagnostics& diagnostics_;
  std::map<Owner, std::vector<std::size_t>> by_owner_;
};

}  // namespace

bool is_same_or_below(std::string_view queue, std::string_view above) {
  return queue.starts_with(above) && (queue.size() == above.size() || queue[above.size()] == '/');
}

void check_calendar(std::span<const CalendarEntry> entries, Diagnostics& diagnostics) {
  CalendarCheck(entries, diagnostics).run();
}

}  // namespace reeve::spec
