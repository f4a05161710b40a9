#include "engine/dispatch.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "core/launch.h"

namespace reeve::engine {
namespace {

/// What the label "namespace" of a run says.
std::string namespace_of(const core::Run* run) {
  constexpr std::string_view kUsual = "default";
  if (run == nullptr || run->record.texts == nullptr) return std::string(kUsual);
  boost::system::error_code error;
  const boost::json::value labels = boost::json::parse(run->record.texts->labels, error);
  if (error || !labels.is_object()) return std::string(kUsual);
  const boost::json::value* const found = labels.get_object().if_contains("namespace");
  if (found == nullptr) return std::string(kUsual);
  return found->is_string() ? std::string(found->get_string()) : std::string();
}

class Dispatcher {
 public:
  explicit Dispatcher(Engine::Parts& parts) : parts_(parts), state_(parts.core.state()) {}

  void operator()(const core::StartAttempt& start) {
    Result<Launch> launch = core::render_launch(state_, start);
    if (launch) {
      if (Status read = read_secrets(*launch); !read) launch = tl::unexpected(read.error());
    }
    if (launch)
      executor(start.pool).start(*std::move(launch));
    else
      parts_.own_events.push_back(core::LaunchRejected{start.token, launch.error().text()});
  }
  void operator()(const core::StopAttempt& stop) {
    executor(stop.pool).stop(stop.token, stop.kill ? StopMode::kill : StopMode::terminate,
                             stop.grace);
  }
  void operator()(const core::ProbeAttempt& probe) { executor(probe.pool).probe(probe.token); }
  void operator()(const core::ForgetAttempt& forget) { executor(forget.pool).forget(forget.token); }
  void operator()(const core::EnterAttempt& enter) { executor(enter.pool).enter(enter.order); }
  void operator()(const core::SetCapacity& set) {
    executor(set.pool).set_capacity(state_.capacity_of(set.pool));
  }
  void operator()(const core::CollectArtifacts& collect) {
    Result<std::vector<core::ArtifactPath>> paths = core::render_artifacts(state_, collect.task);
    Result<core::WorkPlace> place = core::render_work_place(state_, collect.task);
    if (!paths || !place || parts_.ports.artifacts == nullptr) {
      std::string message = "this engine keeps no artifacts";
      if (!paths) message = paths.error().text();
      if (!place) message = place.error().text();
      answer(collect.token, fail(ErrorCode::unsupported, std::move(message)));
      return;
    }
    std::vector<ArtifactRequest> requests;
    for (core::ArtifactPath& path : *paths)
      requests.push_back({std::move(path.name), std::move(path.path), path.required});
    Inbox& inbox = parts_.inbox;
    const Token token = collect.token;
    parts_.ports.artifacts->collect(
        collect.task, {std::move(place->directory), std::move(place->sandbox)}, std::move(requests),
        [&inbox, token](Result<std::vector<OutputValue>> stored) {
          Envelope envelope{collected(token, std::move(stored)), nullptr};
          inbox.push(envelope);
        });
  }

 private:
  static core::Event collected(Token token, Result<std::vector<OutputValue>> stored) {
    core::ArtifactsCollected event{.token = token, .ok = stored.has_value()};
    if (stored)
      event.artifacts = *std::move(stored);
    else
      event.message = stored.error().text();
    return event;
  }
  void answer(Token token, Result<std::vector<OutputValue>> stored) {
    parts_.own_events.push_back(collected(token, std::move(stored)));
  }
  Status read_secrets(Launch& launch) {
    if (launch.secrets.empty()) return {};
    const core::Run* const run = state_.find_run(launch.task.run);
    const std::string name_space = namespace_of(run);
    SecretName wanted{.name_space = name_space, .name = {}};
    if (run != nullptr) {
      wanted.run = run->record.uuid;
      wanted.index = launch.task.index;
      wanted.task = core::task_label(*run, wanted.index);
      wanted.attempt = run->tasks[wanted.index].attempt;
    }
    for (auto& [name, value] : launch.secrets) {
      if (parts_.ports.secrets == nullptr)
        return fail(ErrorCode::unsupported, "secrets: this engine has none");
      wanted.name = name;
      TRY_ASSIGN(value, parts_.ports.secrets->read(wanted));
    }
    return {};
  }
  Executor& executor(PoolId pool) { return *parts_.ports.executors[pool.value]; }

  Engine::Parts& parts_;
  const core::State& state_;
};

}  // namespace

void dispatch_effects(Engine::Parts& parts) {
  Dispatcher dispatcher(parts);
  for (const core::Effect& effect : parts.core.changes().effects) std::visit(dispatcher, effect);
  for (Executor* executor : parts.ports.executors) executor->flush();
}

}  // namespace reeve::engine
