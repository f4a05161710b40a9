#include "api/body_reader.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "spec/json_text.h"

namespace reeve::api {
namespace {

constexpr std::uint32_t kDepthMax = 64;

/// Of all objects in a text that is JSON.
std::size_t count_members(std::string_view text) {
  std::size_t count = 0;
  bool is_in_text = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') is_in_text = !is_in_text;
    if (is_in_text && c == '\\') ++at;
    if (!is_in_text && c == ':') ++count;
  }
  return count;
}

/// No deeper than kDepthMax.
std::size_t count_members(const Json& value) {
  std::size_t count = 0;
  if (value.is_array()) {
    for (const Json& each : value.get_array()) count += count_members(each);
  } else if (value.is_object()) {
    count = value.get_object().size();
    for (const auto& each : value.get_object()) count += count_members(each.value());
  }
  return count;
}

}  // namespace

Result<JsonObject> parse_body(std::string_view body, boost::json::storage_ptr storage) {
  if (body.empty()) return JsonObject{storage};
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  Json value = boost::json::parse(boost::json::string_view(body.data(), body.size()), error,
                                  std::move(storage), options);
  if (error) return fail(ErrorCode::invalid_argument, "the body is not JSON: " + error.message());
  if (!value.is_object())
    return fail(ErrorCode::invalid_argument,
                fmt::format("the body must be a JSON object, not {}", spec::kind_name(value)));
  // Two programs may take two different ones of them.
  if (count_members(body) != count_members(value))
    return fail(ErrorCode::invalid_argument, "a field is in the body twice");
  return std::move(value.get_object());
}

std::string pointer_token(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

const Json* BodyReader::any(std::string_view key) {
  known_.push_back(key);
  const Json* const value = object_.if_contains(key);
  return value != nullptr && value->is_null() ? nullptr : value;
}

void BodyReader::error(std::string_view key, std::string detail) {
  errors_.push_back(
      {key.empty() ? pointer_ : pointer_ + "/" + pointer_token(key), std::move(detail)});
}

std::string BodyReader::pointer_to(std::string_view key, std::size_t index) const {
  return fmt::format("{}/{}/{}", pointer_, pointer_token(key), index);
}

void BodyReader::item_error(std::string_view key, std::size_t index, std::string detail) {
  errors_.push_back({pointer_to(key, index), std::move(detail)});
}

void BodyReader::take_errors(BodyReader& of_item) {
  for (FieldError& each : of_item.finish()) errors_.push_back(std::move(each));
}

std::optional<std::string> BodyReader::text(std::string_view key, std::size_t bytes_max) {
  const Json* const value = any(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string() || value->get_string().find('\0') != boost::json::string::npos) {
    error(key, fmt::format("{} must be a text without NUL", key));
    return std::nullopt;
  }
  if (value->get_string().size() > bytes_max) {
    error(key, fmt::format("{} must have at most {} bytes", key, bytes_max));
    return std::nullopt;
  }
  return std::string(value->get_string());
}

bool BodyReader::flag(std::string_view key, bool fallback) {
  const Json* const value = any(key);
  if (value == nullptr) return fallback;
  if (value->is_bool()) return value->get_bool();
  error(key, fmt::format("{} must be true or false", key));
  return fallback;
}

std::optional<std::int64_t> BodyReader::integer(std::string_view key, std::int64_t least,
                                                std::int64_t most) {
  const Json* const value = any(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64() && value->get_int64() >= least && value->get_int64() <= most)
    return value->get_int64();
  error(key, fmt::format("{} must be a whole number from {} to {}", key, least, most));
  return std::nullopt;
}

std::optional<Duration> BodyReader::seconds(std::string_view key, Duration most) {
  const Json* const value = any(key);
  if (value == nullptr) return std::nullopt;
  const double limit = static_cast<double>(most.count()) / 1e6;
  const double given = value->is_number() ? value->to_number<double>() : -1;
  if (given >= 0 && given <= limit) return Duration{static_cast<std::int64_t>(given * 1e6)};
  error(key, fmt::format("{} must be a number of seconds from 0 to {}", key, limit));
  return std::nullopt;
}

const JsonObject* BodyReader::object(std::string_view key) {
  const Json* const value = any(key);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return &value->get_object();
  error(key, fmt::format("{} must be an object", key));
  return nullptr;
}

const JsonObject* BodyReader::text_object(std::string_view key) {
  const JsonObject* const found = object(key);
  if (found == nullptr) return nullptr;
  bool is_good = true;
  for (const auto& [name, value] : *found) {
    if (value.is_string() && value.get_string().find('\0') == boost::json::string::npos) continue;
    is_good = false;
    errors_.push_back({fmt::format("{}/{}/{}", pointer_, pointer_token(key),
                                   pointer_token(std::string_view(name.data(), name.size()))),
                       "must be a text without NUL"});
  }
  return is_good ? found : nullptr;
}

std::optional<std::vector<std::string>> BodyReader::texts(std::string_view key) {
  const Json* const value = any(key);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> out;
  bool is_good = value->is_array();
  if (is_good) {
    for (const Json& item : value->get_array()) {
      is_good = item.is_string() && item.get_string().find('\0') == boost::json::string::npos;
      if (!is_good) break;
      out.emplace_back(item.get_string());
    }
  }
  if (is_good) return out;
  error(key, fmt::format("{} must be a list of texts without NUL", key));
  return std::nullopt;
}

std::vector<FieldError> BodyReader::finish() {
  for (const auto& [name, value] : object_) {
    const std::string_view key(name.data(), name.size());
    if (std::ranges::find(known_, key) != known_.end()) continue;
    const std::string match = closest_match(key, std::span<const std::string_view>(known_));
    error(key, fmt::format("there is no field '{}'{}", sanitize_for_terminal(key),
                           match.empty() ? "" : fmt::format("; did you mean {}?", match)));
  }
  return std::move(errors_);
}

}  // namespace reeve::api
