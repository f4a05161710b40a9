// Described values (base/codec.h) as JSON, to show journal events and messages to people and
// programs. One way only: nothing is read back from this form. Pure; no thread rule.
//   struct: object of its fields    enum: its name(), else its number    Id: number
//   Time: RFC 3339 text, or null when unset    Duration: seconds    Uuid, Digest: hexadecimal text
//   optional: value or null    vector: array    pair: array of two    TaskId: {"run", "index"}
//   variant: the object of its alternative, with "type" in front if that has a static kType
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/codec.h"

namespace reeve {

template <class T>
boost::json::value to_json(const T& value);

namespace detail {

/// An enumeration with a name() beside it.
template <class T>
concept Named = std::is_enum_v<T> && requires(T value) {
  { name(value) } -> std::convertible_to<std::string_view>;
};
template <class T>
concept Typed = requires {
  { T::kType } -> std::convertible_to<std::string_view>;
};

boost::json::value time_to_json(Time value);
boost::json::value duration_to_json(Duration value);
boost::json::value bytes_to_json(std::span<const std::uint8_t> bytes);
boost::json::value text_to_json(std::string_view text);
boost::json::value number_to_json(double value);

template <class T>
boost::json::value enum_to_json(T value) {
  if constexpr (Named<T>) {
    return text_to_json(name(value));
  } else {
    return static_cast<std::int64_t>(value);
  }
}

template <class T>
boost::json::value struct_to_json(const T& value) {
  static_assert(Described<T>, "describe the type with fields()");
  boost::json::object out;
  if constexpr (Typed<T>) out["type"] = text_to_json(T::kType);
  std::apply([&](const auto&... f) { ((out[f.name] = to_json(value.*f.member)), ...); },
             T::fields());
  return out;
}

/// One overload per shape; overload resolution takes the most special one.
template <class T>
boost::json::value shape_to_json(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return enum_to_json(value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    if constexpr (std::is_floating_point_v<T>)
      return number_to_json(value);
    else
      return boost::json::value(value);
  } else {
    return struct_to_json(value);
  }
}
inline boost::json::value shape_to_json(const std::string& value) { return text_to_json(value); }
inline boost::json::value shape_to_json(Time value) { return time_to_json(value); }
inline boost::json::value shape_to_json(Duration value) { return duration_to_json(value); }
inline boost::json::value shape_to_json(const Uuid& value) { return bytes_to_json(value.bytes); }
inline boost::json::value shape_to_json(const Digest& value) { return bytes_to_json(value.bytes); }
inline boost::json::value shape_to_json(std::monostate) { return nullptr; }
boost::json::value shape_to_json(TaskId value);

template <class Tag, class Rep>
boost::json::value shape_to_json(Id<Tag, Rep> value) {
  return boost::json::value(value.value);
}
template <class T>
boost::json::value shape_to_json(const std::vector<T>& value) {
  boost::json::array out;
  out.reserve(value.size());
  for (const auto& item : value) out.push_back(to_json(item));
  return out;
}
template <class T>
boost::json::value shape_to_json(const std::optional<T>& value) {
  if (!value) return nullptr;
  return to_json(*value);
}
template <class A, class B>
boost::json::value shape_to_json(const std::pair<A, B>& value) {
  return boost::json::array{to_json(value.first), to_json(value.second)};
}
template <class... T>
boost::json::value shape_to_json(const std::variant<T...>& value) {
  return std::visit([](const auto& alternative) { return to_json(alternative); }, value);
}

}  // namespace detail

template <class T>
boost::json::value to_json(const T& value) {
  return detail::shape_to_json(value);
}

}  // namespace reeve
