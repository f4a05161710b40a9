// What lives in the world, against what the engine has decided and made durable.
#include <fmt/format.h>

#include "sim/checker.h"

namespace reeve::sim {
namespace {

struct Share {
  std::string name;
  std::int32_t units = 1;
  std::int32_t limit = 1;
};

/// What a task shares with others while it runs, apart from the machine.
std::vector<Share> shares_of(const RunImage& run, GroupIndex index) {
  std::vector<Share> shares;
  const spec::TaskGroup& group = run.spec_of(index);
  for (const spec::LockRequest& lock : run.policy_of(index).locks) {
    const auto limit = run.workflow->lock_limits.find(lock.name);
    shares.push_back({"lock " + lock.name, lock.units,
                      limit == run.workflow->lock_limits.end() ? 1 : limit->second});
  }
  if (!group.detail) return shares;
  if (group.detail->concurrency && group.detail->concurrency->group.is_literal())
    shares.push_back({"concurrency group " + group.detail->concurrency->group.text(), 1,
                      group.detail->concurrency->limit});
  if (group.detail->max_parallel > 0)
    shares.push_back({fmt::format("max-parallel of {} in run {}", group.id, run.id.value), 1,
                      static_cast<std::int32_t>(group.detail->max_parallel)});
  return shares;
}

}  // namespace

void Checker::on_capacity(PoolId pool, const Resources& capacity) {
  Machine& machine = machines_[pool];
  if (!capacity.covers(machine.capacity)) machine.shrunk_after = model_.commits();
  machine.capacity = capacity;
}

void Checker::on_process_started(PoolId pool, const Launch& launch) {
  basics_.note(Note::process_started, launch.task.packed(), launch.token.value, launch.attempt);
  WorldToken& world = world_[launch.token];
  check_first_start(launch, world);
  check_alone(launch);
  ++world.starts;
  world.is_alive = true;
  alive_.insert_or_assign(launch.token, Alive{pool, launch.task, launch.resources});
  check_room(pool, launch);
  std::vector<TaskId> side_by_side;
  for (const auto& [token, alive] : alive_) side_by_side.push_back(alive.task);
  check_shares("locks_in_world", side_by_side);
}

void Checker::check_first_start(const Launch& launch, const WorldToken& world) {
  const std::uint64_t token = launch.token.value;
  if (world.starts > 0) {
    complain("runs_twice", launch.task, fmt::format("token {} starts again", token));
    return;
  }
  const AttemptImage* attempt = model_.find_attempt(launch.token);
  if (attempt == nullptr || attempt->task != launch.task || attempt->number != launch.attempt) {
    complain("durable_first", launch.task,
             fmt::format("token {} starts, but no commit says so", token));
    return;
  }
  if (attempt->recorded_in != kNoCommit) {
    complain("runs_again", launch.task,
             fmt::format("attempt {} starts after its end was recorded", launch.attempt));
    return;
  }
  const RunImage& run = *model_.find(launch.task.run);
  const core::Task& row = run.tasks[launch.task.index].row;
  const core::Companion& second = run.tasks[launch.task.index].hedging.companion;
  const bool is_known = row.token == launch.token || second.token == launch.token;
  if (!is_known || !core::is_live(row.state))
    complain("fencing", launch.task,
             fmt::format("token {} starts, but the task is {} with token {}", token,
                         name(row.state), row.token.value));
  if (launch.run != run.uuid || launch.resources != run.policy_of(row.group).resources)
    complain("launch", launch.task, "is launched as something else");
}

void Checker::check_alone(const Launch& launch) {
  // Two at once only where a commit has said so: the task's own and its second.
  const TaskImage* task = model_.find(launch.task);
  const auto is_declared = [&](Token token) {
    return task != nullptr && task->hedging.companion.token != Token{} &&
           (token == task->row.token || token == task->hedging.companion.token);
  };
  for (const auto& [token, alive] : alive_) {
    if (is_declared(token) && is_declared(launch.token)) continue;
    if (alive.task == launch.task)
      complain("runs_twice", launch.task,
               fmt::format("token {} starts while token {} still runs", launch.token.value,
                           token.value));
  }
}

/// However long ago it was issued: the members of a batch start one after the other.
void Checker::check_room(PoolId pool, const Launch& launch) {
  const Machine& machine = machines_[pool];
  const AttemptImage* attempt = model_.find_attempt(launch.token);
  if (attempt != nullptr && attempt->issued_in <= machine.shrunk_after) return;
  Resources used;
  for (const auto& [token, alive] : alive_) {
    if (alive.pool == pool) used.add(alive.resources);
  }
  if (!machine.capacity.covers(used))
    basics_.verdict.fail("capacity",
                         fmt::format("pool {} runs {} at once, but has {}", pool.value,
                                     format_resources(used), format_resources(machine.capacity)));
}

void Checker::check_shares(std::string_view checker, const std::vector<TaskId>& tasks) {
  std::map<std::string, std::int32_t> used;
  std::map<std::string, std::set<RunId>> runs;
  for (const TaskId id : tasks) {
    const RunImage* run = model_.find(id.run);
    if (run == nullptr || id.index >= run->tasks.size()) continue;
    const core::Task& task = run->tasks[id.index].row;
    for (const Share& share : shares_of(*run, task.group)) {
      const std::int32_t units = used[share.name] += share.units;
      if (units > share.limit)
        complain(checker, id,
                 fmt::format("{} is over its limit: {} of {}", share.name, units, share.limit));
    }
    const std::string& group = run->concurrency_group;
    if (group.empty()) continue;
    std::set<RunId>& side_by_side = runs[group];
    side_by_side.insert(id.run);
    const std::int32_t limit = run->workflow->concurrency->limit;
    if (side_by_side.size() > static_cast<std::size_t>(limit))
      complain(checker, id,
               fmt::format("runs of concurrency group {} are over its limit of {}", group, limit));
  }
}

void Checker::on_process_ended(PoolId pool, const Launch& launch, const Outcome& how) {
  basics_.note(Note::process_ended, launch.task.packed(), launch.token.value,
               static_cast<std::uint64_t>(how.kind));
  static_cast<void>(pool);
  world_[launch.token].is_alive = false;
  alive_.erase(launch.token);
}

void Checker::on_end_kept(PoolId pool, const AttemptEnd& end) {
  static_cast<void>(pool);
  world_[end.token].end = end;
}

void Checker::on_token_unknown(PoolId pool, Token token) {
  static_cast<void>(pool);
  world_[token].is_unknown = true;
}

}  // namespace reeve::sim
