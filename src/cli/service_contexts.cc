#include "cli/service_contexts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <stdio.h>

#include "api/json_values.h"
#include "security/private_file.h"

namespace reeve::cli {
namespace {

using api::JsonObject;
using api::text_of;

auto malformed(const std::string& path) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} is no file of contexts: repair or remove it", path));
}

}  // namespace

Result<ServiceContexts> ServiceContexts::read(const std::string& path) {
  ServiceContexts contexts;
  // None there, or in a directory of somebody else's, whose HOME it still is after a `su`.
  if (::access(path.c_str(), F_OK) != 0) return contexts;
  auto text = security::read_private_file(path);
  if (!text && text.error().code == ErrorCode::not_found) return contexts;
  if (!text) return tl::unexpected(std::move(text).error());
  boost::system::error_code problem;
  const boost::json::value all = boost::json::parse(*text, problem);
  if (problem || !all.is_object()) return malformed(path);
  contexts.current = text_of(all.get_object(), "current");
  const boost::json::value* const found = all.get_object().if_contains("contexts");
  if (found == nullptr || !found->is_object()) return malformed(path);
  for (const auto& [name, value] : found->get_object()) {
    if (!value.is_object()) return malformed(path);
    const JsonObject& item = value.get_object();
    contexts.by_name[std::string(name)] = {.url = text_of(item, "url"),
                                           .token = text_of(item, "token"),
                                           .ca_file = text_of(item, "ca"),
                                           .certificate = text_of(item, "certificate"),
                                           .key = text_of(item, "key"),
                                           .until = text_of(item, "until")};
  }
  if (!contexts.current.empty() && !contexts.by_name.contains(contexts.current))
    return malformed(path);
  return contexts;
}

Status ServiceContexts::write(const std::string& path) const {
  JsonObject all;
  for (const auto& [name, context] : by_name)
    all[name] = JsonObject{{"url", context.url},    {"token", context.token},
                           {"ca", context.ca_file}, {"certificate", context.certificate},
                           {"key", context.key},    {"until", context.until}};
  const JsonObject whole{{"current", current}, {"contexts", std::move(all)}};
  std::error_code problem;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), problem);
  if (problem) return fail_errno(problem.value(), "cannot make the directory of " + path);
  const std::string next = fmt::format("{}.{}", path, ::getpid());
  ::unlink(next.c_str());
  TRY(security::create_private_file(next, api::to_json_text(whole, true)));
  if (::rename(next.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(next.c_str());
    return fail_errno(number, "cannot replace " + path);
  }
  return security::sync_directory_of(path);
}

}  // namespace reeve::cli
