#include "api/control_methods.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "api/capacity_reply.h"
#include "api/node_reply.h"
#include "api/use_reply.h"
#include "core/explain.h"
#include "core/launch.h"

namespace reeve::api {
namespace {

namespace json = boost::json;

Result<std::uint32_t> task_param(const json::object& params) {
  if (!params.contains("task")) return core::kWholeRun;
  return number_param(params, "task");
}

Result<core::Event> cancel_event(const json::object& params) {
  core::Cancel cancel;
  TRY_ASSIGN(const std::uint32_t run, number_param(params, "run"));
  cancel.run = RunId{run};
  TRY_ASSIGN(cancel.task, task_param(params));
  TRY_ASSIGN(cancel.kill, flag_param(params, "kill"));
  if (const auto* grace = params.if_contains("grace_microseconds");
      grace != nullptr && grace->is_int64())
    cancel.grace = Duration{grace->get_int64()};
  cancel.by = text_param(params, "by");
  cancel.why = text_param(params, "why");
  return cancel;
}

Result<core::Event> pause_event(const json::object& params, bool paused) {
  core::Pause pause{.paused = paused, .by = text_param(params, "by")};
  TRY_ASSIGN(const std::uint32_t run, number_param(params, "run"));
  pause.run = RunId{run};
  TRY_ASSIGN(pause.task, task_param(params));
  return pause;
}

Result<core::Event> approve_event(const json::object& params) {
  core::Approve approve{.by = text_param(params, "by")};
  TRY_ASSIGN(const std::uint32_t run, number_param(params, "run"));
  TRY_ASSIGN(const std::uint32_t task, number_param(params, "task"));
  TRY_ASSIGN(approve.approved, flag_param(params, "approved"));
  approve.task = TaskId{RunId{run}, task};
  return approve;
}

Result<core::Event> retry_event(const json::object& params) {
  core::Retry retry{.by = text_param(params, "by")};
  TRY_ASSIGN(const std::uint32_t run, number_param(params, "run"));
  retry.run = RunId{run};
  TRY_ASSIGN(retry.failed_only, flag_param(params, "failed_only"));
  if (!retry.failed_only) {
    TRY_ASSIGN(const std::uint32_t group, number_param(params, "from"));
    retry.from = GroupIndex{group};
  }
  return retry;
}

Result<core::Event> retry_held_event(const json::object& params, const json::value& hold) {
  TRY_ASSIGN(core::Event retry, retry_event(params));
  if (!hold.is_int64())
    return fail(ErrorCode::invalid_argument, "hold_microseconds must be a whole number");
  return core::RetryHeld{std::get<core::Retry>(std::move(retry)), Duration{hold.get_int64()}};
}

Result<core::Enter> enter_event(const json::object& params) {
  core::Enter enter{.by = text_param(params, "by"), .user_id = ::geteuid()};
  TRY_ASSIGN(const std::uint32_t run, number_param(params, "run"));
  TRY_ASSIGN(const std::uint32_t task, number_param(params, "task"));
  enter.task = TaskId{RunId{run}, task};
  if (params.contains("attempt")) {
    TRY_ASSIGN(enter.attempt, number_param(params, "attempt"));
  }
  const auto* const command = params.if_contains("command");
  if (command == nullptr || !command->is_array())
    return fail(ErrorCode::invalid_argument, "command must be a list of words");
  for (const json::value& word : command->get_array()) {
    if (!word.is_string() || word.get_string().find('\0') != json::string::npos)
      return fail(ErrorCode::invalid_argument, "command must be a list of words without NUL");
    enter.command.emplace_back(word.get_string());
  }
  std::array<std::uint8_t, 16>& secret = enter.ticket.bytes;
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    return fail_errno(errno, "cannot make a ticket");
  return enter;
}

Result<core::Event> drain_event(const json::object& params, bool drained) {
  core::DrainNode drain{.node = text_param(params, "node"),
                        .drained = drained,
                        .by = text_param(params, "by"),
                        .why = text_param(params, "why")};
  if (drained) {
    TRY_ASSIGN(drain.stop, flag_param(params, "stop"));
  }
  if (const auto* grace = params.if_contains("grace_microseconds");
      grace != nullptr && grace->is_int64())
    drain.grace = Duration{grace->get_int64()};
  return drain;
}

Result<core::Event> event_of(const ControlRequest& request) {
  if (request.method == "drain_node") return drain_event(request.params, true);
  if (request.method == "resume_node") return drain_event(request.params, false);
  if (request.method == "cancel") return cancel_event(request.params);
  if (request.method == "pause") return pause_event(request.params, true);
  if (request.method == "resume") return pause_event(request.params, false);
  if (request.method == "approve") return approve_event(request.params);
  if (request.method == "retry") {
    const auto* const hold = request.params.if_contains("hold_microseconds");
    return hold == nullptr ? retry_event(request.params) : retry_held_event(request.params, *hold);
  }
  return fail(ErrorCode::unsupported, fmt::format("there is no method '{}'", request.method));
}

json::object explanation_object(const core::Explanation& explanation) {
  json::array facts;
  for (const std::string& fact : explanation.facts) facts.emplace_back(fact);
  return {{"reason", name(explanation.reason.code)},
          {"sentence", explanation.sentence},
          {"facts", std::move(facts)}};
}

Result<json::object> explain(const core::State& state, const json::object& params, Time now) {
  TRY_ASSIGN(const std::uint32_t number, number_param(params, "run"));
  TRY_ASSIGN(const std::uint32_t task, task_param(params));
  const RunId run{number};
  const core::Run* found = state.find_run(run);
  if (found == nullptr || (task != core::kWholeRun && task >= found->tasks.size()))
    return fail(ErrorCode::not_found, fmt::format("run {} is not active", number));
  if (task == core::kWholeRun) return explanation_object(core::explain_run(state, run, now));
  core::Explanation why = core::explain_task(state, TaskId{run, task}, now);
  std::ranges::move(core::what_would_start(state, TaskId{run, task}, now),
                    std::back_inserter(why.facts));
  return explanation_object(why);
}

Time wall_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

}  // namespace

void ControlMethods::submit(core::Event event, Reply reply) {
  auto done = [reply](Result<engine::Receipt> receipt) {
    if (!receipt) {
      reply(tl::unexpected(std::move(receipt).error()));
    } else {
      reply(json::object{{"run", receipt->run.value}, {"pid", ::getpid()}});
    }
  };
  if (!engine_.post(std::move(event), std::move(done)))
    reply(fail(ErrorCode::exhausted, "the engine has too much to do: try again"));
}

void ControlMethods::enter(const ControlRequest& request, Reply reply) {
  Result<core::Enter> event = enter_event(request.params);
  if (!event) {
    reply(tl::unexpected(std::move(event).error()));
    return;
  }
  auto done = [reply, ticket = event->ticket](Result<engine::Receipt> receipt) {
    if (!receipt) {
      reply(tl::unexpected(std::move(receipt).error()));
    } else {
      reply(json::object{{"run", receipt->run.value},
                         {"pid", ::getpid()},
                         {"ticket", format_uuid("visit", ticket)}});
    }
  };
  if (!engine_.post(*std::move(event), std::move(done)))
    reply(fail(ErrorCode::exhausted, "the engine has too much to do: try again"));
}

void ControlMethods::look(std::function<Result<json::object>(const core::State&)> read,
                          Reply reply) {
  auto done = [this, read = std::move(read), reply](Result<engine::Receipt> receipt) {
    if (!receipt) {
      reply(tl::unexpected(std::move(receipt).error()));
    } else {
      reply(read(engine_.state()));
    }
  };
  if (!engine_.look(std::move(done)))
    reply(fail(ErrorCode::exhausted, "the engine has too much to do: try again"));
}

void ControlMethods::handle(const ControlRequest& request, Reply reply) {
  if (request.method == "status") {
    reply(json::object{{"pid", ::getpid()}, {"command", description_}});
    return;
  }
  if (request.method == "capacity") {
    look(
        [](const core::State& state) -> Result<json::object> {
          return capacity_object(state.capacity_of(PoolId{}));
        },
        std::move(reply));
    return;
  }
  if (request.method == "nodes") {
    look(
        [](const core::State& state) -> Result<json::object> {
          return json::object{{"nodes", node_rows(state)}};
        },
        std::move(reply));
    return;
  }
  if (request.method == "explain") {
    look([params = request.params](
             const core::State& state) { return explain(state, params, wall_now()); },
         std::move(reply));
    return;
  }
  if (request.method == "use") {
    look(
        [this, params = request.params](const core::State& state) -> Result<json::object> {
          TRY_ASSIGN(const UseQuery query, use_query(params));
          return use_of(state, engine_.samples(), query, wall_now());
        },
        std::move(reply));
    return;
  }
  if (request.method == "exec") return enter(request, std::move(reply));
  Result<core::Event> event = event_of(request);
  if (!event) {
    reply(tl::unexpected(std::move(event).error()));
    return;
  }
  submit(*std::move(event), std::move(reply));
}

}  // namespace reeve::api
