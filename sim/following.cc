#include "sim/following.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "core/event.h"
#include "engine/replay.h"

namespace reeve::sim {
namespace {

bool is_same(const std::vector<Followed>& known, const std::vector<core::RunAfter>& asked) {
  return std::ranges::equal(known, asked, [](const Followed& a, const core::RunAfter& b) {
    return a.run == b.run && a.condition == b.condition;
  });
}

/// As the documents say it.
bool is_met(core::AfterCondition condition, core::RunState ended) {
  if (condition == core::AfterCondition::end) return true;
  return (condition == core::AfterCondition::success) == (ended == core::RunState::succeeded);
}

Standing standing_of(core::AfterCondition condition, core::RunState ended) {
  return is_met(condition, ended) ? Standing::met : Standing::unmet;
}

/// What the row says of it; null: the run has no row in this commit.
const core::RunAfter* find_after(const core::RunRecord* row, const Followed& followed) {
  if (row == nullptr || row->after == nullptr) return nullptr;
  const auto found = std::ranges::find_if(*row->after, [&](const core::RunAfter& each) {
    return each.run == followed.run && each.condition == followed.condition;
  });
  return found == row->after->end() ? nullptr : &*found;
}

const core::RunRecord* find_row(const engine::Commit& commit, RunId run) {
  const auto found = std::ranges::find(commit.runs, run, &core::RunRecord::id);
  return found == commit.runs.end() ? nullptr : *found;
}

}  // namespace

void Following::before_rows(const engine::Commit& commit, const Model& model) {
  before_.clear();
  asked_.clear();
  bool any_new = false;
  for (const core::RunRecord* row : commit.runs) {
    const RunImage* const old = model.find(row->id);
    any_new = any_new || old == nullptr;
    before_[row->id] = old == nullptr ? Before{} : Before{true, old->state, old->round};
  }
  if (!any_new) return;
  const auto events = engine::decode_events(commit.journal->events);
  if (!events) return;
  for (const core::Event& event : *events) {
    if (const auto* submitted = std::get_if<core::SubmitAfter>(&event))
      asked_[submitted->submission.uuid] = submitted->after;
  }
}

Following::Course Following::course_of(RunId id, const Model& model) const {
  const RunImage* const run = model.find(id);
  if (run == nullptr) return Course::unclear;
  const auto before = before_.find(id);
  const bool went_on = before == before_.end() || run->round == before->second.round ||
                       (!before->second.is_known && run->round == 1);
  if (!went_on) return Course::unclear;
  return core::is_final(run->state) ? Course::ended : Course::open;
}

/// How one stands that is waited for, or would be.
void Following::resolve(Followed& followed, const core::RunRecord* row, const Model& model) const {
  switch (course_of(followed.run, model)) {
    case Course::open: followed.standing = Standing::waited_for; return;
    case Course::ended:
      followed.standing = standing_of(followed.condition, model.find(followed.run)->state);
      return;
    case Course::unclear: break;
  }
  const core::RunAfter* const said = find_after(row, followed);
  if (said != nullptr && said->is_open)
    followed.standing = Standing::waited_for;
  else if (said != nullptr && core::is_final(said->ended))
    followed.standing = standing_of(followed.condition, said->ended);
  else
    followed.standing = Standing::not_asked;
}

std::string Following::take_new(const core::RunRecord& row, const Model& model) {
  const auto asked = asked_.find(row.uuid);
  if (asked == asked_.end())
    return row.after == nullptr ? "" : fmt::format("run {} was to follow none", row.id.value);
  std::vector<Followed>& known = followers_[row.id];
  for (const core::RunAfter& each : asked->second) {
    known.push_back({each.run, each.condition});
    resolve(known.back(), &row, model);
  }
  return {};
}

void Following::follow_anew(const core::RunRecord& row, const Model& model) {
  for (Followed& each : followers_[row.id]) {
    const auto before = before_.find(each.run);
    const bool was_final = before == before_.end()
                               ? core::is_final(model.find(each.run)->state)
                               : before->second.is_known && core::is_final(before->second.state);
    const Course course = course_of(each.run, model);
    if (course == Course::open && !was_final) {
      each.standing = Standing::waited_for;
    } else if (course == Course::ended && was_final) {
      each.standing = Standing::not_asked;
    } else {
      const core::RunAfter* const said = find_after(&row, each);
      each.standing = said != nullptr && said->is_open ? Standing::waited_for : Standing::not_asked;
    }
  }
}

std::string Following::check_row(const core::RunRecord& row) const {
  const auto known = followers_.find(row.id);
  if (known == followers_.end()) return {};
  if (row.after == nullptr || !is_same(known->second, *row.after))
    return fmt::format("run {} is stored to follow others than was asked", row.id.value);
  const bool is_over = core::is_final(row.state);
  const bool by_engine = row.reason.code == ReasonCode::after_unmet;
  bool any_unmet = false;
  for (std::size_t i = 0; i < known->second.size(); ++i) {
    const Followed& each = known->second[i];
    any_unmet = any_unmet || each.standing == Standing::unmet;
    const bool waits = each.standing == Standing::waited_for;
    if (!is_over && (*row.after)[i].is_open != waits)
      return fmt::format("run {} is stored to wait for run {}: {}", row.id.value, each.run.value,
                         !waits);
  }
  if (is_over && by_engine && row.round == 1 && !any_unmet)
    return fmt::format("run {} was ended, though it could still start", row.id.value);
  if (!is_over && any_unmet)
    return fmt::format("run {} goes on, though it never can start", row.id.value);
  return {};
}

std::string Following::after_rows(const engine::Commit& commit, const Model& model) {
  for (const core::RunRecord* row : commit.runs) {
    const Before& before = before_.at(row->id);
    if (before.is_known) continue;
    if (std::string wrong = take_new(*row, model); !wrong.empty()) return wrong;
  }
  for (auto& [id, known] : followers_) {
    const RunImage& run = *model.find(id);
    const core::RunRecord* const row = find_row(commit, id);
    const auto before = before_.find(id);
    const bool is_retried =
        before != before_.end() && before->second.is_known && run.round != before->second.round;
    if (is_retried) follow_anew(*row, model);
    for (Followed& each : known) {
      if (each.standing == Standing::waited_for) resolve(each, row, model);
    }
    const bool any_unmet = std::ranges::any_of(
        known, [](const Followed& each) { return each.standing == Standing::unmet; });
    if (any_unmet && !core::is_final(run.state))
      return fmt::format("run {} goes on, though it never can start", id.value);
  }
  for (const core::RunRecord* row : commit.runs) {
    if (std::string wrong = check_row(*row); !wrong.empty()) return wrong;
  }
  return {};
}

std::string Following::obstacle(RunId run) const {
  const auto known = followers_.find(run);
  if (known == followers_.end()) return {};
  for (const Followed& each : known->second) {
    if (each.standing == Standing::waited_for)
      return fmt::format("run {}, which it follows, has not ended", each.run.value);
    if (each.standing == Standing::unmet)
      return fmt::format("run {}, which it follows, did not end as it was to", each.run.value);
  }
  return {};
}

bool Following::is_as_asked(RunId run, const std::vector<core::RunAfter>& asked) const {
  const auto known = followers_.find(run);
  return known == followers_.end() ? asked.empty() : is_same(known->second, asked);
}

std::vector<RunId> Following::waited_for(RunId run) const {
  std::vector<RunId> out;
  const auto known = followers_.find(run);
  if (known == followers_.end()) return out;
  for (const Followed& each : known->second) {
    if (each.standing == Standing::waited_for) out.push_back(each.run);
  }
  return out;
}

}  // namespace reeve::sim
