// Quotas: what holds and where it comes from, and changing it. What is set here is kept, goes
// before the cluster file, and is taken on by the engine before it is answered.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "base/text.h"
#include "spec/fields.h"

namespace reeve::api {
namespace {

constexpr std::string_view kEveryone = "*";
constexpr std::size_t kUserBytesMax = 256;
constexpr std::int64_t kUnlimited = -1;

Json quota_limit(std::int64_t limit) { return limit < 0 ? Json(nullptr) : Json(limit); }

std::string quota_etag(std::uint64_t version) { return fmt::format("\"{}\"", version); }

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

/// The version that If-Match demands; 0: that there is none yet.
Checked<std::uint64_t> expected_quota(const Call& call) {
  const std::string* const none = call.request.header("if-none-match");
  if (none != nullptr && *none == "*") return std::uint64_t{0};
  const std::string* const match = call.request.header("if-match");
  if (match == nullptr || *match == "*") return config::QuotaStore::kAnyVersion;
  std::uint64_t version = 0;
  for (std::size_t i = 1; i + 1 < match->size() && i < 19; ++i)
    version = version * 10 + static_cast<std::uint64_t>((*match)[i] - '0');
  if (version > 0 && *match == quota_etag(version)) return version;
  return tl::unexpected(Problem(412, "precondition-failed", "Changed meanwhile",
                                "If-Match is no ETag of this quota: read it again"));
}

Problem quota_problem(const Error& error) {
  if (error.code != ErrorCode::conflict) return error;
  return {412, "precondition-failed", "Changed meanwhile",
          "the quota is no longer as If-Match says: read it again"};
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

void set_quota(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const QuotaName name, quota_name(*call));
    TRY_ASSIGN(const QuotaSetup quota, read_quota(*call, name));
    TRY_ASSIGN(const std::uint64_t expected, expected_quota(*call));
    parts.change(call, name.object(), {}, [&parts, call, quota, expected]() -> Checked<void> {
      const auto made =
          parts.options.quotas->set(quota, expected, call->identity.subject, parts.options.now());
      if (!made) return tl::unexpected(quota_problem(made.error()));
      return take_on(parts, call, [call, made = *made] {
        call->reply(200, {{"version", kOutputVersion}, {"quota", quota_item(made.quota, &made)}},
                    {{"ETag", quota_etag(made.version)}});
      });
    });
    return {};
  });
}

void remove_quota(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const QuotaName name, quota_name(*call));
    TRY_ASSIGN(const std::uint64_t expected, expected_quota(*call));
    parts.change(call, name.object(), {}, [&parts, call, name, expected]() -> Checked<void> {
      const Status done = parts.options.quotas->remove(name.user, name.queue, expected);
      if (!done) return tl::unexpected(quota_problem(done.error()));
      return take_on(parts, call, [call] { call->reply_nothing(); });
    });
    return {};
  });
}

}  // namespace reeve::api
