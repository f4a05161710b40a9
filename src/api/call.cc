#include "api/call.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/text.h"

namespace reeve::api {
namespace {

std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (true) {
    const std::size_t end = choices.find('|');
    if (choices.substr(0, end) == value) return true;
    if (end == std::string_view::npos) return false;
    choices.remove_prefix(end + 1);
  }
}

/// What a value of this type must be, or "" where the given one is.
std::string mismatch(const Parameter& parameter, const std::string& value) {
  if (parameter.type == "string") return {};
  if (parameter.type == "integer")
    return to_integer(value) ? "" : "a whole number that is not negative";
  const std::string_view choices = parameter.type == "boolean" ? "true|false" : parameter.type;
  if (is_choice(choices, value)) return {};
  std::string all(choices);
  std::ranges::replace(all, '|', ' ');
  return "one of: " + all;
}

}  // namespace

const std::string& Call::path_value(std::string_view name) const {
  const auto found = std::ranges::find(path, name, &PathValue::name);
  ENSURE(found != path.end());
  return found->value;
}

const std::string* Call::parameter(std::string_view name) const {
  const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  return found == query.end() ? nullptr : &found->second;
}

std::string Call::text(std::string_view name) const {
  const std::string* const found = parameter(name);
  return found == nullptr ? std::string() : *found;
}

std::optional<std::int64_t> Call::number(std::string_view name) const {
  const std::string* const found = parameter(name);
  return found == nullptr ? std::nullopt : to_integer(*found);
}

Call::~Call() {
  if (is_answered || !on_answer) return;
  const Problem forgotten(500, "internal", "Internal error", "a handler did not answer");
  note(500, &forgotten);
  on_answer({.status = 500, .headers = {}, .body = {}});
}

/// Of a request: neither its query nor its body, where secrets may be.
void Call::note(int status, const Problem* problem) const {
  const bool is_ours = status >= 500;
  const bool is_stranger = status == 401 || status == 403;
  const LogSeverity severity = is_ours       ? LogSeverity::error
                               : is_stranger ? LogSeverity::info
                                             : LogSeverity::debug;
  if (log == nullptr || !log->wants(severity)) return;
  LogEntry entry{.severity = severity,
                 .message = is_ours       ? "a request failed"
                            : is_stranger ? "a request was refused"
                                          : "a request was answered",
                 .fields = {{"method", request.method},
                            {"path", request.path},
                            {"status", std::to_string(status)},
                            {"peer", request.peer.address},
                            {"who", identity.subject},
                            {"request", request_id}}};
  if (problem != nullptr) entry.fields.push_back({"detail", problem->detail});
  if (problem != nullptr && !problem->cause.empty())
    entry.fields.push_back({"cause", problem->cause});
  log->take(std::move(entry));
}

void Call::reply(http::Response response) const {
  if (is_answered) return;
  note(response.status, nullptr);
  send(std::move(response));
}

void Call::send(http::Response response) const {
  if (is_answered.exchange(true)) return;
  if (on_answer) on_answer(response);
  if (answers != nullptr) answers->add(route, response.status);
  turn.reset();
  responder.reply(std::move(response));
}

http::Stream Call::stream(http::Response head, std::optional<std::uint64_t> length) const {
  if (answers != nullptr) answers->add(route, head.status);
  return responder.stream(std::move(head), length);
}

void Call::reply(int status, const JsonObject& body, std::vector<http::Header> headers) const {
  headers.push_back({"Content-Type", "application/json"});
  reply({.status = status, .headers = std::move(headers), .body = to_json_text(body, false)});
}

void Call::reply_nothing() const { reply({.status = 204, .headers = {}, .body = {}}); }

void Call::refuse(const Problem& problem) const {
  if (is_answered) return;
  note(problem.status, &problem);
  send(problem_response(problem, request_id));
}

std::vector<FieldError> check_parameters(const Route& route, const http::Parameters& query) {
  std::vector<FieldError> errors;
  std::vector<std::string_view> names;
  for (const Parameter& each : route.parameters)
    if (each.place == Place::query) names.push_back(each.name);
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : query) {
    const auto found = std::ranges::find_if(route.parameters, [&](const Parameter& each) {
      return each.place == Place::query && each.name == name;
    });
    const std::string shown = sanitize_for_terminal(name);
    if (found == route.parameters.end() && route.is_lenient) continue;
    if (found == route.parameters.end()) {
      const std::string match = closest_match(name, names);
      errors.push_back(
          {"", fmt::format("there is no parameter '{}'{}", shown,
                           match.empty() ? "" : fmt::format("; did you mean {}?", match))});
      continue;
    }
    if (!found->repeats && std::ranges::find(seen, found->name) != seen.end())
      errors.push_back({"", fmt::format("the parameter '{}' may be given once", shown)});
    seen.push_back(found->name);
    if (const std::string wanted = mismatch(*found, value); !wanted.empty())
      errors.push_back({"", fmt::format("the parameter '{}' must be {}", shown, wanted)});
    else if (!is_valid_utf8(value))
      errors.push_back({"", fmt::format("the parameter '{}' must be UTF-8", shown)});
  }
  return errors;
}

}  // namespace reeve::api
