#include "config/old_quotas.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <string_view>

#include <boost/json/parse.hpp>

#include "base/fd.h"

namespace reeve::config {
namespace {

constexpr std::uint64_t kQuotaFormat = 1;
constexpr std::size_t kQuotaBytesMax = std::size_t{4} << 20;

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

Result<std::vector<SetQuota>> read_old_quotas(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_quota_text(path));
  std::vector<SetQuota> quotas;
  if (text.empty()) return quotas;
  try {
    const boost::json::value parsed = boost::json::parse(text);
    const boost::json::object& file = parsed.as_object();
    if (file.at("format").to_number<std::uint64_t>() != kQuotaFormat)
      return fail(ErrorCode::unsupported, path + " was written by another version of reeve");
    for (const boost::json::value& each : file.at("quotas").as_array())
      quotas.push_back(quota_of(each.as_object()));
  } catch (const std::exception&) {
    return fail(ErrorCode::corrupt,
                path +
                    " is damaged: restore it from a backup, or remove it, and set the quotas "
                    "through the API again");
  }
  return quotas;
}

}  // namespace reeve::config
