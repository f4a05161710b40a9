// Quotas: what holds and where it comes from, and changing it. What is set here is kept, goes
// before the cluster file, and is taken on by the engine before it is answered.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "api/version_match.h"
#include "base/text.h"
#include "spec/fields.h"

namespace reeve::api {
namespace {

constexpr std::string_view kEveryone = "*";
constexpr std::size_t kUserBytesMax = 256;
constexpr std::int64_t kUnlimited = -1;

Json quota_limit(std::int64_t limit) { return limit < 0 ? Json(nullptr) : Json(limit); }

/// `set`: null for one of the cluster file.
JsonObject quota_item(const QuotaSetup& quota, const config::SetQuota* set) {
  return {{"user", optional_text(quota.user)},
          {"queue", optional_text(quota.queue)},
          {"running_max", quota_limit(quota.running_max)},
          {"queued_max", quota_limit(quota.queued_max)},
          {"cpu_seconds_a_day", quota_limit(quota.cpu_seconds_a_day)},
          {"refuse", quota.refuse},
          {"origin", set == nullptr ? "file" : "api"},
          {"version", set == nullptr ? Json(nullptr) : Json(set->version)},
          {"set_at", set == nullptr ? Json(nullptr) : time_json(set->at)},
          {"set_by", set == nullptr ? Json(nullptr) : text_json(set->by)}};
}

/// Whose it is, and where: of the path and the query.
struct QuotaName {
  std::string user;
  std::string queue;
  std::string object() const {
    return fmt::format("quota/{}{}", user.empty() ? kEveryone : std::string_view(user),
                       queue.empty() ? "" : "@" + queue);
  }
};

Checked<QuotaName> quota_name(const Call& call) {
  QuotaName name{call.path_value("user"), call.text("queue")};
  const auto refuse = [](std::string detail) {
    return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument", std::move(detail)));
  };
  const bool is_user = name.user.size() <= kUserBytesMax && is_valid_utf8(name.user) &&
                       std::ranges::none_of(name.user, [](unsigned char c) { return c < 0x20; });
  if (!is_user) return refuse("this is no name of a user; * means everyone, each for itself");
  if (!name.queue.empty() && !spec::is_queue_name(name.queue))
    return refuse("the parameter 'queue' must be the name of a queue");
  if (call.parameter("queue") != nullptr && name.queue.empty())
    return refuse("the parameter 'queue' must be the name of a queue; leave it out for all");
  if (name.user == kEveryone) name.user.clear();
  return name;
}

Problem quota_problem(const Error& error) {
  if (error.code == ErrorCode::conflict) return is_stale("quota");
  return error;
}

JsonObject quota_version_json(const config::SetQuota& set) {
  const QuotaSetup& quota = set.quota;
  const JsonObject limits{{"running_max", quota_limit(quota.running_max)},
                          {"queued_max", quota_limit(quota.queued_max)},
                          {"cpu_seconds_a_day", quota_limit(quota.cpu_seconds_a_day)},
                          {"refuse", quota.refuse}};
  return {{"version", set.version},
          {"value", set.removed ? Json(nullptr) : Json(limits)},
          {"set_at", time_json(set.at)},
          {"set_by", text_json(set.by)}};
}

Checked<QuotaSetup> read_quota(const Call& call, const QuotaName& name) {
  TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(call));
  BodyReader reader(body);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
  QuotaSetup quota{.user = name.user, .queue = name.queue};
  quota.running_max = static_cast<std::int32_t>(
      reader.integer("running_max", 0, std::numeric_limits<std::int32_t>::max())
          .value_or(kUnlimited));
  quota.queued_max = reader.integer("queued_max", 0, kMost).value_or(kUnlimited);
  // A processor has 1e6 microseconds a second: no overflow where they are counted.
  quota.cpu_seconds_a_day =
      reader.integer("cpu_seconds_a_day", 0, 1'000'000'000'000).value_or(kUnlimited);
  quota.refuse = reader.flag("refuse", false);
  if (quota.running_max < 0 && quota.queued_max < 0 && quota.cpu_seconds_a_day < 0)
    reader.error("", "this quota limits nothing: DELETE removes one");
  if (quota.refuse && quota.cpu_seconds_a_day < 0)
    reader.error("refuse", "refuse says something only beside cpu_seconds_a_day");
  if (auto errors = reader.finish(); !errors.empty())
    return tl::unexpected(invalid(std::move(errors)));
  return quota;
}

/// Has the engine go by what is kept now; `then` comes on the server's thread.
Checked<void> take_on(ServiceParts& parts, const CallPtr& call, std::function<void()> then) {
  TRY_ASSIGN(core::PolicySet policy, parts.options.policy());
  parts.obey(call, std::move(policy), nullptr,
             [then = std::move(then)](const engine::Receipt&) { then(); });
  return {};
}

}  // namespace

void list_quotas(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(auto kept, parts.options.quotas->list());
    parts.look(call, [&parts, call, kept = std::move(kept)](const core::State& state) {
      boost::json::array quotas;
      for (const QuotaSetup& quota : state.planner.policy().quotas) {
        const auto set = std::ranges::find(kept, quota, &config::SetQuota::quota);
        quotas.emplace_back(quota_item(quota, set == kept.end() ? nullptr : &*set));
      }
      parts.post([call, quotas = std::move(quotas)] {
        call->reply(200, {{"version", kOutputVersion}, {"quotas", quotas}});
      });
    });
    return {};
  });
}

void get_quota(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const QuotaName name, quota_name(*call));
    TRY_ASSIGN(auto kept, parts.options.quotas->list());
    parts.look(call, [&parts, call, name, kept = std::move(kept)](const core::State& state) {
      const auto is_it = [&](const QuotaSetup& quota) {
        return quota.user == name.user && quota.queue == name.queue;
      };
      const auto& all = state.planner.policy().quotas;
      const auto found = std::ranges::find_if(all, is_it);
      const auto set = std::ranges::find_if(kept, is_it, &config::SetQuota::quota);
      if (found == all.end())
        return parts.post([call] {
          call->refuse({404, "not-found", "Not found",
                        "no quota was made for just that; GET /v1/quotas shows which there are"});
        });
      const std::uint64_t version = set == kept.end() ? 0 : set->version;
      JsonObject item = quota_item(*found, set == kept.end() ? nullptr : &*set);
      parts.post([call, version, item = std::move(item)] {
        call->reply(200, {{"version", kOutputVersion}, {"quota", item}},
                    {{"ETag", version_tag(version)}});
      });
    });
    return {};
  });
}

void get_quota_history(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const QuotaName name, quota_name(*call));
    TRY_ASSIGN(const auto versions, parts.options.quotas->history(name.user, name.queue));
    boost::json::array out;
    for (const config::SetQuota& each : versions) out.emplace_back(quota_version_json(each));
    call->reply(200, {{"version", kOutputVersion}, {"versions", std::move(out)}});
    return {};
  });
}

void set_quota(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const QuotaName name, quota_name(*call));
    TRY_ASSIGN(const QuotaSetup quota, read_quota(*call, name));
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    const std::uint64_t expected = wanted.value_or(config::kAnyVersion);
    parts.change(call, name.object(), {}, [&parts, call, quota, expected]() -> Checked<void> {
      const auto made =
          parts.options.quotas->set(quota, expected, call->identity.subject, parts.options.now());
      if (!made) return tl::unexpected(quota_problem(made.error()));
      return take_on(parts, call, [call, made = *made] {
        call->reply(200, {{"version", kOutputVersion}, {"quota", quota_item(made.quota, &made)}},
                    {{"ETag", version_tag(made.version)}});
      });
    });
    return {};
  });
}

void remove_quota(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const QuotaName name, quota_name(*call));
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    const std::uint64_t expected = wanted.value_or(config::kAnyVersion);
    parts.change(call, name.object(), {}, [&parts, call, name, expected]() -> Checked<void> {
      const Status done = parts.options.quotas->remove(name.user, name.queue, expected,
                                                       call->identity.subject, parts.options.now());
      if (!done) return tl::unexpected(quota_problem(done.error()));
      return take_on(parts, call, [call] { call->reply_nothing(); });
    });
    return {};
  });
}

}  // namespace reeve::api
