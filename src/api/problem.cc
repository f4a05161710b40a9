#include "api/problem.h"

#include <algorithm>

#include <fmt/format.h>

#include "http/message.h"

namespace reeve::api {
namespace {

std::string dashed(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '_', '-');
  return out;
}

/// "Not found" of "not_found".
std::string heading(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '_', ' ');
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
  return out;
}

}  // namespace

Problem::Problem(const Error& error)
    : status(info(error.code).http_status),
      type(dashed(info(error.code).name)),
      title(heading(info(error.code).name)),
      detail(error.text()) {
  if (info(error.code).retryable) retry_after = 1;
  // What the operating system said is for the log of the service, not for whoever asked.
  if (error.code != ErrorCode::io_failed && error.code != ErrorCode::corrupt) return;
  cause = std::move(detail);
  detail = "the service could not read or write what it keeps; its log says more";
}

Problem invalid(std::vector<FieldError> errors) {
  Problem problem(422, "invalid-argument", "Invalid argument",
                  errors.size() == 1 ? errors.front().detail
                                     : fmt::format("{} things are wrong", errors.size()));
  problem.errors = std::move(errors);
  return problem;
}

JsonObject problem_json(const Problem& problem, const std::string& request_id) {
  JsonObject out{{"type", "urn:reeve:problem:" + problem.type},
                 {"title", problem.title},
                 {"status", problem.status},
                 {"detail", text_json(problem.detail)}};
  if (!request_id.empty()) out["instance"] = "urn:reeve:request:" + request_id;
  if (problem.errors.empty()) return out;
  boost::json::array errors;
  for (const FieldError& error : problem.errors) {
    JsonObject item{{"pointer", text_json(error.pointer)}, {"detail", text_json(error.detail)}};
    if (error.line > 0) {
      item["line"] = error.line;
      item["column"] = error.column;
    }
    errors.emplace_back(std::move(item));
  }
  out["errors"] = std::move(errors);
  return out;
}

http::Response problem_response(const Problem& problem, const std::string& request_id) {
  http::Response response{
      .status = problem.status,
      .headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}},
      .body = to_json_text(problem_json(problem, request_id), false)};
  if (problem.retry_after)
    response.headers.push_back({"Retry-After", std::to_string(*problem.retry_after)});
  if (problem.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

http::Response bare_problem(int status, std::string_view detail) {
  return problem_response({status, status == 413 ? "too-large" : "malformed-request",
                           std::string(http::status_text(status)), std::string(detail)},
                          {});
}

}  // namespace reeve::api
