#include "config/quota_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <tuple>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <stdio.h>

#include "base/fd.h"

namespace reeve::config {
namespace {

constexpr std::uint64_t kQuotaFormat = 1;
constexpr std::size_t kQuotaBytesMax = std::size_t{4} << 20;

auto order_of(const SetQuota& each) {
  return std::tuple(each.quota.user.empty(), each.quota.queue.empty(), each.quota.user,
                    each.quota.queue);
}

bool is_for(const QuotaSetup& quota, std::string_view user, std::string_view queue) {
  return quota.user == user && quota.queue == queue;
}

Result<std::string> read_quota_text(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::string();
  if (!file) return fail_errno(errno, "cannot open " + path);
  std::string text;
  std::string piece(64 * 1024, '\0');
  while (text.size() <= kQuotaBytesMax) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "cannot read " + path);
    if (got == 0) return text;
    text.append(piece, 0, static_cast<std::size_t>(got));
  }
  return fail(ErrorCode::corrupt, path + " is too large for a file of quotas");
}

Status write_quota_text(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".new";
  const Fd file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno(errno, "cannot write " + temporary);
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, "cannot write " + temporary);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return fail_errno(errno, "cannot make " + temporary + " durable");
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return fail_errno(errno, "cannot put " + path + " in its place");
  const std::string above = path.substr(0, path.rfind('/'));
  const Fd directory(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return fail_errno(errno, "cannot make " + path + " durable");
  return {};
}

boost::json::object json_of(const SetQuota& each) {
  const QuotaSetup& quota = each.quota;
  return {{"user", quota.user},
          {"queue", quota.queue},
          {"running_max", quota.running_max},
          {"queued_max", quota.queued_max},
          {"cpu_seconds_a_day", quota.cpu_seconds_a_day},
          {"refuse", quota.refuse},
          {"version", each.version},
          {"at", each.at.time_since_epoch().count()},
          {"by", each.by}};
}

std::string text_at(const boost::json::object& object, std::string_view name) {
  const auto& text = object.at(name).as_string();
  return {text.begin(), text.end()};
}

/// Throws what Boost.JSON does where a field is missing or another type.
SetQuota quota_of(const boost::json::object& object) {
  SetQuota out;
  out.quota = {.user = text_at(object, "user"),
               .queue = text_at(object, "queue"),
               .running_max = object.at("running_max").to_number<std::int32_t>(),
               .queued_max = object.at("queued_max").to_number<std::int64_t>(),
               .cpu_seconds_a_day = object.at("cpu_seconds_a_day").to_number<std::int64_t>(),
               .refuse = object.at("refuse").as_bool()};
  out.version = object.at("version").to_number<std::uint64_t>();
  out.at = Time(Duration(object.at("at").to_number<std::int64_t>()));
  out.by = text_at(object, "by");
  return out;
}

}  // namespace

struct QuotaStore::Kept {
  std::uint64_t last_version = 0;
  std::vector<SetQuota> quotas;

  auto find(std::string_view user, std::string_view queue) {
    return std::ranges::find_if(
        quotas, [&](const SetQuota& each) { return is_for(each.quota, user, queue); });
  }
};

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

Result<QuotaStore::Kept> QuotaStore::load(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_quota_text(path));
  Kept kept;
  if (text.empty()) return kept;
  try {
    const boost::json::value parsed = boost::json::parse(text);
    const boost::json::object& file = parsed.as_object();
    if (file.at("format").to_number<std::uint64_t>() != kQuotaFormat)
      return fail(ErrorCode::unsupported, path + " was written by another version of reeve");
    kept.last_version = file.at("last_version").to_number<std::uint64_t>();
    for (const boost::json::value& each : file.at("quotas").as_array())
      kept.quotas.push_back(quota_of(each.as_object()));
  } catch (const std::exception&) {
    return fail(ErrorCode::corrupt,
                path +
                    " is damaged: restore it from a backup, or remove it, and set the quotas "
                    "through the API again");
  }
  return kept;
}

Status QuotaStore::save(const Kept& kept) const {
  boost::json::array quotas;
  for (const SetQuota& each : kept.quotas) quotas.emplace_back(json_of(each));
  const boost::json::object file{
      {"format", kQuotaFormat}, {"last_version", kept.last_version}, {"quotas", std::move(quotas)}};
  return write_quota_text(path_, boost::json::serialize(file) + "\n");
}

Result<std::vector<SetQuota>> QuotaStore::read(const std::string& path) {
  TRY_ASSIGN(Kept kept, load(path));
  std::ranges::sort(kept.quotas, {}, order_of);
  return std::move(kept.quotas);
}

Result<std::vector<SetQuota>> QuotaStore::list() const {
  const std::lock_guard lock(mutex_);
  return read(path_);
}

Result<SetQuota> QuotaStore::set(const QuotaSetup& quota, std::uint64_t expected,
                                 std::string_view by, Time now) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Kept kept, load(path_));
  auto present = kept.find(quota.user, quota.queue);
  const std::uint64_t version = present == kept.quotas.end() ? 0 : present->version;
  if (expected != kAnyVersion && expected != version)
    return fail(ErrorCode::conflict, "the quota is no longer as it was");
  if (present == kept.quotas.end() && kept.quotas.size() >= kQuotasMax)
    return fail(
        ErrorCode::exhausted,
        fmt::format("there are {} quotas already: put more into the cluster file", kQuotasMax));
  const SetQuota made{quota, ++kept.last_version, now, std::string(by)};
  if (present == kept.quotas.end())
    kept.quotas.push_back(made);
  else
    *present = made;
  TRY(save(kept));
  return made;
}

Status QuotaStore::remove(std::string_view user, std::string_view queue, std::uint64_t expected) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Kept kept, load(path_));
  const auto present = kept.find(user, queue);
  if (present == kept.quotas.end())
    return fail(ErrorCode::not_found, "no such quota was set through the API");
  if (expected != kAnyVersion && expected != present->version)
    return fail(ErrorCode::conflict, "the quota is no longer as it was");
  kept.quotas.erase(present);
  ++kept.last_version;
  return save(kept);
}

}  // namespace reeve::config
