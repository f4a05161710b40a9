#include "spec/touches.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <set>
#include <utility>

#include "spec/touch_index.h"

namespace reeve::spec {
namespace {

constexpr std::uint32_t kNobody = TouchIndex::kNobody;

/// The groups of Phase::main as in the file, but each behind its needs. Of a cycle: nothing.
std::vector<std::uint32_t> sequence_of(const Workflow& workflow) {
  const std::vector<TaskGroup>& groups = workflow.groups;
  std::vector<std::uint32_t> open(groups.size(), 0);
  std::vector<std::vector<std::uint32_t>> dependents(groups.size());
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
  for (std::uint32_t g = 0; g < groups.size() && groups[g].phase == Phase::main; ++g) {
    open[g] = static_cast<std::uint32_t>(groups[g].needs.size());
    for (const Need& need : groups[g].needs) dependents[need.group.value].push_back(g);
    if (open[g] == 0) ready.push(g);
  }
  std::vector<std::uint32_t> order;
  while (!ready.empty()) {
    const std::uint32_t group = ready.top();
    ready.pop();
    order.push_back(group);
    for (const std::uint32_t dependent : dependents[group]) {
      if (--open[dependent] == 0) ready.push(dependent);
    }
  }
  return order;
}

/// What two tasks have in common, by the patterns of both.
struct Meeting {
  std::uint32_t other = kNobody;  ///< place in the sequence
  std::string_view mine;
  std::string_view theirs;
  bool both_write = false;
  bool is_read = false;  ///< what the other wrote
};

bool is_literal(std::string_view pattern) {
  return pattern.find_first_of("*?") == std::string_view::npos;
}

std::string describe(const Meeting& meeting) {
  if (meeting.mine == meeting.theirs || is_literal(meeting.mine))
    return "both touch " + std::string(meeting.mine);
  if (is_literal(meeting.theirs)) return "both touch " + std::string(meeting.theirs);
  return "both may touch what is in " + std::string(meeting.theirs) + " and in " +
         std::string(meeting.mine);
}

class Walk {
 public:
  Walk(const std::vector<Touches>& touches, const std::vector<YamlNode>& keys, Workflow& workflow,
       Diagnostics& diagnostics)
      : touches_(touches),
        keys_(keys),
        workflow_(workflow),
        diagnostics_(diagnostics),
        order_(sequence_of(workflow)),
        place_(workflow.groups.size(), kNobody),
        given_(workflow.groups.size(), 0),
        seen_(workflow.groups.size(), kNobody) {
    for (std::uint32_t i = 0; i < order_.size(); ++i) place_[order_[i]] = i;
    for (std::uint32_t g = 0; g < workflow.groups.size(); ++g)
      given_[g] = workflow.groups[g].needs.size();
  }

  FoundParallelism find() {
    for (std::uint32_t at = 0; at < order_.size(); ++at) place(at);
    count_levels();
    std::ranges::sort(found_.needs, {}, &FoundNeed::group);
    return std::move(found_);
  }

  void warn() {
    for (std::uint32_t at = 0; at < order_.size() && !is_exhausted(); ++at) {
      const Touches& own = touches_[order_[at]];
      if (!own.is_known) continue;
      for (const Meeting& meeting : meetings(own)) {
        const std::uint32_t other = order_[meeting.other];
        if (is_given(order_[at], other)) continue;
        diagnostics_.warning(keys_[order_[at]],
                             "'" + id(order_[at]) + "' and '" + id(other) +
                                 "' may run at the same time, and " + describe(meeting) +
                                 (meeting.both_write ? "; both write it" : "") +
                                 ": let one need the other, or write parallel: auto at the top");
      }
      remember(own, at);
    }
  }

 private:
  bool is_exhausted() const { return comparisons_ > kComparisonsMax; }
  const std::string& id(std::uint32_t group) const { return workflow_.groups[group].id; }

  void place(std::uint32_t at) {
    const std::uint32_t group = order_[at];
    const Touches& own = touches_[group];
    std::vector<Meeting> found;
    bool is_barrier = !own.is_known || is_exhausted();
    if (!is_barrier) {
      found = meetings(own);
      is_barrier = is_exhausted() || found.size() > kFoundNeedsPerTaskMax;
      if (is_barrier) say_bound(group);
    }
    if (is_barrier) {
      barrier(at);
      return;
    }
    warn_of_overwriting(group, found);
    if (barrier_ != kNobody) found.push_back({.other = barrier_, .mine = {}, .theirs = {}});
    std::ranges::sort(found, std::greater<>(), &Meeting::other);
    // Those above are followed before those below are looked at: what follows is left out.
    const std::uint32_t oldest = found.empty() ? at : found.back().other;
    std::size_t followed = 0;
    for (const Need& need : workflow_.groups[group].needs) {
      seen_[need.group.value] = group;  // given: not found again
      if (need.condition == NeedCondition::success)
        follow(group, need.group.value, oldest, followed);
    }
    for (const Meeting& meeting : found) {
      const std::uint32_t other = order_[meeting.other];
      if (seen_[other] == group) continue;
      add(group, other,
          meeting.other == barrier_ && meeting.mine.empty()
              ? "'" + id(other) + "' runs alone: " + alone_
              : describe(meeting));
      follow(group, other, oldest, followed);
    }
    leave_front(at);
    remember(own, at);
  }

  /// Waits for all that nobody waited for, and everything later waits for it.
  void barrier(std::uint32_t at) {
    const std::uint32_t group = order_[at];
    alone_ =
        touches_[group].is_known ? "too much meets there" : "it declares no reads and no writes";
    for (const Need& need : workflow_.groups[group].needs) seen_[need.group.value] = group;
    for (const std::uint32_t other : front_) {
      if (seen_[order_[other]] != group)
        add(group, order_[other], "'" + id(group) + "' runs alone: " + alone_);
    }
    front_.clear();
    front_.insert(at);
    index_.clear();
    barrier_ = at;
  }

  void say_bound(std::uint32_t group) {
    diagnostics_.warning(keys_[group],
                         is_exhausted()
                             ? "the patterns up to here meet too often to compare them all (" +
                                   std::to_string(kComparisonsMax) +
                                   " times): from here on tasks run one after the other"
                             : "'" + id(group) + "' meets more than " +
                                   std::to_string(kFoundNeedsPerTaskMax) +
                                   " earlier tasks: it runs alone, behind all earlier ones");
  }

  void add(std::uint32_t group, std::uint32_t other, std::string why) {
    workflow_.groups[group].needs.push_back({GroupIndex{other}, NeedCondition::success});
    found_.needs.push_back({GroupIndex{group}, GroupIndex{other}, std::move(why)});
  }

  /// Marks what `start` certainly waits for, and is skipped with: a success of it says that of
  /// these. A task with a condition of its own may run although its needs failed.
  void follow(std::uint32_t mark, std::uint32_t start, std::uint32_t oldest,
              std::size_t& followed) {
    std::vector<std::uint32_t> open{start};
    seen_[start] = mark;
    while (!open.empty() && followed < kFollowedMax) {
      const TaskGroup& group = workflow_.groups[open.back()];
      open.pop_back();
      if (group.condition) continue;
      for (const Need& need : group.needs) {
        ++followed;
        const std::uint32_t next = need.group.value;
        if (need.condition != NeedCondition::success || seen_[next] == mark) continue;
        if (place_[next] == kNobody || place_[next] < oldest) continue;
        seen_[next] = mark;
        open.push_back(next);
      }
    }
  }

  /// Whether the needs of the file alone put `group` behind `other`; yes when that takes too long.
  bool is_given(std::uint32_t group, std::uint32_t other) const {
    std::vector<std::uint32_t> open{group};
    std::set<std::uint32_t> seen;
    std::size_t followed = 0;
    while (!open.empty()) {
      const std::uint32_t next = open.back();
      open.pop_back();
      for (std::size_t i = 0; i < given_[next]; ++i) {
        const std::uint32_t need = workflow_.groups[next].needs[i].group.value;
        if (need == other || ++followed > kFollowedMax) return true;
        if (place_[need] >= place_[other] && seen.insert(need).second) open.push_back(need);
      }
    }
    return false;
  }

  void leave_front(std::uint32_t at) {
    const TaskGroup& group = workflow_.groups[order_[at]];
    front_.insert(at);
    if (group.condition) return;
    for (const Need& need : group.needs) {
      if (need.condition == NeedCondition::success) front_.erase(place_[need.group.value]);
    }
  }

  void warn_of_overwriting(std::uint32_t group, const std::vector<Meeting>& found) {
    for (const Meeting& meeting : found) {
      const std::uint32_t other = order_[meeting.other];
      if (!meeting.both_write || meeting.is_read || is_given(group, other)) continue;
      diagnostics_.warning(keys_[group], "'" + id(group) + "' writes over what '" + id(other) +
                                             "' wrote (" + describe(meeting) +
                                             ") without reading it; if that is meant, let it "
                                             "need '" +
                                             id(other) + "'");
    }
  }

  /// Of each earlier task one.
  std::vector<Meeting> meetings(const Touches& own) {
    std::vector<Meeting> all;
    const auto put = [&](Meeting meeting) {
      if (meeting.other != kNobody) all.push_back(meeting);
    };
    for (const Touch& read : own.reads) {
      for (const std::uint32_t e : index_.meeting(read.glob, comparisons_, kComparisonsMax)) {
        const TouchIndex::Entry& entry = index_.entry(e);
        put({.other = entry.writer, .mine = read.text, .theirs = entry.text, .is_read = true});
      }
    }
    for (const Touch& write : own.writes) {
      for (const std::uint32_t e : index_.meeting(write.glob, comparisons_, kComparisonsMax)) {
        const TouchIndex::Entry& entry = index_.entry(e);
        put({entry.writer, write.text, entry.text, true, false});
        comparisons_ += entry.readers.size();
        if (is_exhausted()) return all;
        for (const std::uint32_t reader : entry.readers)
          put({.other = reader, .mine = write.text, .theirs = entry.text});
      }
    }
    std::ranges::stable_sort(all, {}, &Meeting::other);
    std::vector<Meeting> out;
    for (const Meeting& meeting : all) {
      if (out.empty() || out.back().other != meeting.other) {
        out.push_back(meeting);
      } else {
        out.back().both_write = out.back().both_write || meeting.both_write;
        out.back().is_read = out.back().is_read || meeting.is_read;
      }
    }
    return out;
  }

  void remember(const Touches& own, std::uint32_t at) {
    for (const Touch& write : own.writes) index_.write(write, at);
    for (const Touch& read : own.reads) index_.read(read, at);
  }

  /// Tasks of one level do not need each other.
  void count_levels() {
    std::vector<std::uint32_t> level(workflow_.groups.size(), 0);
    std::vector<std::uint32_t> count(workflow_.groups.size() + 1, 0);
    for (const std::uint32_t group : order_) {
      for (const Need& need : workflow_.groups[group].needs)
        level[group] = std::max(level[group], level[need.group.value] + 1);
      found_.at_once_max = std::max(found_.at_once_max, ++count[level[group]]);
    }
    found_.steps = static_cast<std::uint32_t>(order_.size());
  }

  const std::vector<Touches>& touches_;
  const std::vector<YamlNode>& keys_;
  Workflow& workflow_;
  Diagnostics& diagnostics_;
  std::vector<std::uint32_t> order_;  ///< groups; places count in it
  std::vector<std::uint32_t> place_;  ///< of groups
  std::vector<std::size_t> given_;    ///< of groups: so many needs stood in the file
  std::vector<std::uint32_t> seen_;   ///< of groups: the last group for which it was marked
  TouchIndex index_;
  std::set<std::uint32_t> front_;  ///< places since the barrier that nobody waits for
  std::uint32_t barrier_ = kNobody;
  std::string alone_;  ///< why the barrier is one
  std::size_t comparisons_ = 0;
  FoundParallelism found_;
};

}  // namespace

FoundParallelism find_needs(const std::vector<Touches>& touches, const std::vector<YamlNode>& keys,
                            Workflow& workflow, Diagnostics& diagnostics) {
  return Walk(touches, keys, workflow, diagnostics).find();
}

void warn_of_meetings(const std::vector<Touches>& touches, const std::vector<YamlNode>& keys,
                      Workflow& workflow, Diagnostics& diagnostics) {
  Walk(touches, keys, workflow, diagnostics).warn();
}

}  // namespace reeve::spec
