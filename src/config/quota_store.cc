#include "config/quota_store.h"

#include <algorithm>
#include <exception>
#include <tuple>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace reeve::config {
namespace {

/// Of users and of queues; no name of one.
constexpr std::string_view kQuotaOfAll = "*";

auto order_of(const SetQuota& each) {
  return std::tuple(each.quota.user.empty(), each.quota.queue.empty(), each.quota.user,
                    each.quota.queue);
}

bool is_for(const QuotaSetup& quota, std::string_view user, std::string_view queue) {
  return quota.user == user && quota.queue == queue;
}

/// "QUEUE USER": no name of a queue has a blank.
std::string row_name(std::string_view user, std::string_view queue) {
  return fmt::format("{} {}", queue.empty() ? kQuotaOfAll : queue,
                     user.empty() ? kQuotaOfAll : user);
}

std::string limits_text(const QuotaSetup& quota) {
  return boost::json::serialize(boost::json::object{{"running_max", quota.running_max},
                                                    {"queued_max", quota.queued_max},
                                                    {"cpu_seconds_a_day", quota.cpu_seconds_a_day},
                                                    {"refuse", quota.refuse}});
}

TextVersion text_of(const SetQuota& set) {
  return {.name = row_name(set.quota.user, set.quota.queue),
          .text = set.removed ? "" : limits_text(set.quota),
          .version = set.version,
          .at = set.at,
          .by = set.by,
          .removed = set.removed};
}

Result<SetQuota> quota_of_row(const TextVersion& row) {
  SetQuota out{
      .quota = {}, .version = row.version, .at = row.at, .by = row.by, .removed = row.removed};
  const std::size_t blank = row.name.find(' ');
  const std::string queue = row.name.substr(0, blank);
  const std::string user = blank == std::string::npos ? "" : row.name.substr(blank + 1);
  if (queue != kQuotaOfAll) out.quota.queue = queue;
  if (user != kQuotaOfAll) out.quota.user = user;
  if (row.removed) return out;
  try {
    const boost::json::value parsed = boost::json::parse(row.text);
    const boost::json::object& limits = parsed.as_object();
    out.quota.running_max = limits.at("running_max").to_number<std::int32_t>();
    out.quota.queued_max = limits.at("queued_max").to_number<std::int64_t>();
    out.quota.cpu_seconds_a_day = limits.at("cpu_seconds_a_day").to_number<std::int64_t>();
    out.quota.refuse = limits.at("refuse").as_bool();
  } catch (const std::exception&) {
    return fail(ErrorCode::corrupt, fmt::format("flags.db: the quota '{}' is damaged: restore a "
                                                "backup",
                                                row.name));
  }
  return out;
}

}  // namespace

std::vector<QuotaSetup> merge_quotas(std::vector<QuotaSetup> file,
                                     const std::vector<SetQuota>& quotas) {
  std::vector<QuotaSetup> out;
  for (const SetQuota& each : quotas) {
    const auto same = std::ranges::find_if(file, [&](const QuotaSetup& known) {
      return is_for(known, each.quota.user, each.quota.queue);
    });
    if (same == file.end())
      out.push_back(each.quota);
    else
      *same = each.quota;
  }
  out.insert(out.end(), file.begin(), file.end());
  return out;
}

Result<std::unique_ptr<QuotaStore>> QuotaStore::open(const std::string& path) {
  TRY_ASSIGN(VersionedTexts texts,
             VersionedTexts::open(path, VersionedTexts::Table::quotas, "quota"));
  return std::unique_ptr<QuotaStore>(new QuotaStore(std::move(texts)));
}

Result<std::vector<SetQuota>> QuotaStore::list() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const VersionedTexts::Newest* const newest, texts_.newest());
  std::vector<SetQuota> all;
  for (const auto& [name, row] : *newest) {
    if (row.removed) continue;
    TRY_ASSIGN(SetQuota quota, quota_of_row(row));
    all.push_back(std::move(quota));
  }
  std::ranges::sort(all, {}, order_of);
  return all;
}

Result<SetQuota> QuotaStore::set(const QuotaSetup& quota, std::uint64_t expected,
                                 std::string_view by, Time now) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const VersionedTexts::Newest* const newest, texts_.newest());
  TextVersion row = text_of({.quota = quota, .at = now, .by = std::string(by)});
  const auto found = newest->find(row.name);
  const auto live =
      std::ranges::count_if(*newest, [](const auto& each) { return !each.second.removed; });
  if ((found == newest->end() || found->second.removed) && std::cmp_greater_equal(live, kQuotasMax))
    return fail(
        ErrorCode::exhausted,
        fmt::format("there are {} quotas already: put more into the cluster file", kQuotasMax));
  TRY_ASSIGN(const TextVersion made, texts_.write(std::move(row), expected));
  return quota_of_row(made);
}

Status QuotaStore::remove(std::string_view user, std::string_view queue, std::uint64_t expected,
                          std::string_view by, Time now) {
  const std::lock_guard lock(mutex_);
  const SetQuota gone{.quota = {.user = std::string(user), .queue = std::string(queue)},
                      .at = now,
                      .by = std::string(by),
                      .removed = true};
  const auto done = texts_.write(text_of(gone), expected);
  if (done) return {};
  if (done.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "no such quota was set through the API");
  return tl::unexpected(done.error());
}

Result<std::vector<SetQuota>> QuotaStore::history(std::string_view user, std::string_view queue) {
  const std::lock_guard lock(mutex_);
  std::vector<SetQuota> all;
  const auto rows = texts_.history(row_name(user, queue));
  if (!rows && rows.error().code == ErrorCode::not_found) return all;
  if (!rows) return tl::unexpected(rows.error());
  for (const TextVersion& row : *rows) {
    TRY_ASSIGN(SetQuota quota, quota_of_row(row));
    all.push_back(std::move(quota));
  }
  return all;
}

}  // namespace reeve::config
