#include "cli/view_picture.h"

#include <algorithm>

#include "api/run_json.h"

namespace reeve::cli {
namespace {

using core::TaskState;

constexpr std::size_t kRanks = 5;
enum class Rank : std::uint8_t { unsuccessful, active, stalled, waiting, finished };

Rank rank_of(const GroupModel& group) {
  if (group.unsuccessful() > 0) return Rank::unsuccessful;
  if (group.is_finished()) return Rank::finished;
  if (group.active() > 0) return Rank::active;
  const bool stalled = group.count(TaskState::retry_wait) + group.count(TaskState::paused) +
                           group.count(TaskState::awaiting_approval) >
                       0;
  return stalled ? Rank::stalled : Rank::waiting;
}

/// Positions of the groups that get a line, in the order of the file.
std::vector<std::size_t> choose_groups(const RunModel& model, std::size_t lines) {
  std::array<std::vector<std::size_t>, kRanks> by_rank;
  for (std::size_t i = 0; i < model.groups.size(); ++i) {
    const Rank rank = rank_of(model.groups[i]);
    auto& list = by_rank[static_cast<std::size_t>(rank)];
    if (rank == Rank::finished && list.size() == lines && lines > 0)
      list.erase(list.begin());  // of the finished ones the last are the news
    if (list.size() < lines) list.push_back(i);
  }
  std::vector<std::size_t> chosen;
  for (const auto& list : by_rank) {
    const std::size_t room = lines - chosen.size();
    const std::size_t taken = std::min(room, list.size());
    const bool is_finished = &list == &by_rank.back();
    const auto begin = is_finished ? list.end() - static_cast<std::ptrdiff_t>(taken) : list.begin();
    chosen.insert(chosen.end(), begin, begin + static_cast<std::ptrdiff_t>(taken));
  }
  std::ranges::sort(chosen);
  return chosen;
}

int rank_of(TaskState state) {
  switch (state) {
    case TaskState::failed:
    case TaskState::timed_out: return 0;
    case TaskState::retry_wait:
    case TaskState::awaiting_approval: return 1;
    default: return 2;
  }
}

/// Keeps the `room` most telling tasks of a fan-out.
void keep_tasks(GroupModel& group, std::size_t room) {
  std::vector<std::pair<int, std::uint32_t>> order;
  for (const auto& [element, task] : group.tasks) order.emplace_back(rank_of(task.state), element);
  std::ranges::sort(order);
  for (std::size_t i = room; i < order.size(); ++i) group.tasks.erase(order[i].second);
}

// A few say what the tasks of a fan-out do; more would only flicker.
constexpr std::size_t kTaskLinesMax = 5;

/// Lines for single tasks of fan-outs, spread evenly over those that have any.
void share_rows(std::vector<PictureGroup>& groups, std::size_t rows) {
  std::size_t wanting = 0;
  for (const PictureGroup& shown : groups) {
    if (shown.group.is_fan_out && !shown.group.tasks.empty()) ++wanting;
  }
  for (PictureGroup& shown : groups) {
    if (!shown.group.is_fan_out) continue;
    const std::size_t share = wanting == 0 ? 0 : std::min(rows / wanting, kTaskLinesMax);
    const std::size_t taken = std::min(share, shown.group.tasks.size());
    if (!shown.group.tasks.empty()) --wanting;
    rows -= taken;
    keep_tasks(shown.group, taken);
    shown.tasks_shown = taken;
  }
}

void count_hidden(const RunModel& model, const std::vector<std::size_t>& chosen, Picture& picture) {
  for (std::size_t i = 0, next = 0; i < model.groups.size(); ++i) {
    if (next < chosen.size() && chosen[next] == i) {
      ++next;
      continue;
    }
    const GroupModel& group = model.groups[i];
    if (group.is_finished()) {
      ++picture.hidden_finished;
    } else if (group.active() > 0) {
      ++picture.hidden_active;
    } else {
      ++picture.hidden_waiting;
    }
  }
}

RunModel without_groups(const RunModel& model) {
  RunModel out;
  out.id = model.id;
  out.uuid = model.uuid;
  out.name = model.name;
  out.state = model.state;
  out.is_paused = model.is_paused;
  out.is_interrupted = model.is_interrupted;
  out.is_cancelling = model.is_cancelling;
  out.round = model.round;
  out.submitted_at = model.submitted_at;
  out.started_at = model.started_at;
  out.ended_at = model.ended_at;
  out.reason = model.reason;
  return out;
}

}  // namespace

StateCounts counts_of(const GroupModel& group) {
  StateCounts out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = group.counts[i];
  return out;
}

TaskState state_of(const GroupModel& group) {
  return api::group_state(group.is_expanded, counts_of(group));
}

Picture take_picture(const RunModel& model, int rows) {
  constexpr int kFixedRows = 3;  // head, bar, cursor
  Picture picture;
  picture.run = without_groups(model);
  for (const GroupModel& group : model.groups) {
    const StateCounts counts = counts_of(group);
    for (std::size_t i = 0; i < counts.size(); ++i) picture.counts[i] += counts[i];
    picture.total += group.total;
    if (!group.is_expanded) {
      ++picture.unexpanded;
    } else if (!group.is_finished() && group.started_at == kUnset) {
      ++picture.not_begun;
    }
  }
  const auto body = static_cast<std::size_t>(std::max(rows - kFixedRows, 1));
  const bool all_fit = model.groups.size() <= body;
  const std::size_t lines = all_fit ? model.groups.size() : body - 1;
  const std::vector<std::size_t> chosen = choose_groups(model, lines);
  count_hidden(model, chosen, picture);
  for (const std::size_t i : chosen) {
    PictureGroup shown{.group = model.groups[i]};
    if (!shown.group.is_expanded || shown.group.count(TaskState::blocked) > 0)
      shown.waits_for = text_of_needs(model, i);
    picture.groups.push_back(std::move(shown));
  }
  share_rows(picture.groups, body - lines - (all_fit ? 0 : 1));
  return picture;
}

}  // namespace reeve::cli
