// Reads the fields of a JSON object that somebody sent: wrong types, numbers out of range and
// unknown keys are all reported, with JSON Pointers. Borrows the object. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "api/json_values.h"
#include "api/problem.h"

namespace reeve::api {

/// A body as JSON, an object; "" is {}. invalid_argument says where it is malformed.
/// What is made lives in `storage`, and no longer.
Result<JsonObject> parse_body(std::string_view body, boost::json::storage_ptr storage = {});

class BodyReader {
 public:
  /// Keys are constants: they are kept as they are given.
  explicit BodyReader(const JsonObject& object, std::string pointer = {})
      : object_(object),
        pointer_(std::move(pointer)) {}

  std::optional<std::string> text(std::string_view key, std::size_t bytes_max = 4096);
  bool flag(std::string_view key, bool fallback);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  /// Seconds, not negative.
  std::optional<Duration> seconds(std::string_view key, Duration most);
  const JsonObject* object(std::string_view key);
  /// An array of texts without NUL.
  std::optional<std::vector<std::string>> texts(std::string_view key);
  /// An object of texts.
  const JsonObject* text_object(std::string_view key);
  /// Of any type; null: it is not there.
  const Json* any(std::string_view key);
  void error(std::string_view key, std::string detail);
  /// Of an item of an array: where it is, what is wrong with it, and what its own reader found.
  std::string pointer_to(std::string_view key, std::size_t index) const;
  void item_error(std::string_view key, std::size_t index, std::string detail);
  void take_errors(BodyReader& of_item);
  /// What is wrong, unknown keys included.
  std::vector<FieldError> finish();

 private:
  const JsonObject& object_;
  std::string pointer_;
  boost::container::small_vector<std::string_view, 16> known_;  ///< keys that were asked for
  std::vector<FieldError> errors_;
};

/// "~" and "/" escaped, as a JSON Pointer wants it.
std::string pointer_token(std::string_view text);

}  // namespace reeve::api
