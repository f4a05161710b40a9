// Values as they stand in JSON that people and programs are shown. Pure; no thread rule.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/time.h"

namespace reeve::api {

using Json = boost::json::value;
using JsonObject = boost::json::object;

/// Numbers as people write them.
std::string to_json_text(const Json& value, bool pretty);

/// RFC 3339, or null for kUnset and kNever; seconds, or null when it has not ended.
Json time_json(Time time);
Json seconds_json(Duration duration);
Json duration_json(Time begin, Time end);
/// Text from anywhere: what is not UTF-8 is escaped.
Json text_json(const std::string& text);
/// null for "".
Json optional_text(const std::string& text);
/// JSON that is stored as text: an object by contract, {} where it is not.
Json stored_object(std::string_view text);
/// Text of a field: "" for null and for what is not there.
std::string text_of(const JsonObject& item, std::string_view field);

/// "40ms", "0.4s", "12s", "2m05s": for numbers that are looked at while they grow.
std::string short_duration(Duration duration);

}  // namespace reeve::api
