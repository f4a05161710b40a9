// How single values are written and read. base/codec.h includes this; include that instead.
// One Codec per shape of type, so that the two directions stand side by side.
#pragma once

#include <bit>

#include "base/codec.h"

namespace reeve {
namespace detail {

/// The general case: a described struct is its fields, one after the other.
template <class T>
struct Codec {
  static_assert(Described<T>, "describe the type with fields()");
  static void encode(Writer& out, const T& value) {
    std::apply([&](const auto&... f) { (reeve::encode(out, value.*f.member), ...); }, T::fields());
  }
  static bool decode(Reader& in, T& value) {
    return std::apply([&](const auto&... f) { return (reeve::decode(in, value.*f.member) && ...); },
                      T::fields());
  }
};

template <class T>
  requires std::is_integral_v<T>
struct Codec<T> {
  static void encode(Writer& out, T value) {
    if constexpr (std::is_signed_v<T>) {
      out.varint(zigzag(value));
    } else {
      out.varint(value);
    }
  }
  static bool decode(Reader& in, T& value) {
    std::uint64_t raw = 0;
    if (!in.varint(raw)) return false;
    if constexpr (std::is_signed_v<T>) {
      const std::int64_t wide = unzigzag(raw);
      value = static_cast<T>(wide);
      return static_cast<std::int64_t>(value) == wide || in.fail();
    } else {
      value = static_cast<T>(raw);
      return static_cast<std::uint64_t>(value) == raw || in.fail();
    }
  }
};

/// Values that this build does not know are let through: a newer build may have appended them, and
/// the name() functions answer "unknown" for them.
template <class T>
  requires std::is_enum_v<T>
struct Codec<T> {
  using Underlying = std::underlying_type_t<T>;
  static void encode(Writer& out, T value) {
    out.varint(static_cast<std::uint64_t>(static_cast<Underlying>(value)));
  }
  static bool decode(Reader& in, T& value) {
    std::uint64_t wide = 0;
    if (!in.varint(wide)) return false;
    const auto raw = static_cast<Underlying>(wide);
    value = static_cast<T>(raw);
    return static_cast<std::uint64_t>(raw) == wide || in.fail();
  }
};

/// The eight bytes of IEEE 754, little endian: exact, also for NaN and -0.
template <>
struct Codec<double> {
  static void encode(Writer& out, double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    std::array<char, 8> raw{};
    for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<char>(bits >> (8 * i));
    out.bytes({raw.data(), raw.size()});
  }
  static bool decode(Reader& in, double& value) {
    std::string_view view;
    if (!in.bytes(8, view)) return false;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < view.size(); ++i)
      bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(view[i])) << (8 * i);
    value = std::bit_cast<double>(bits);
    return true;
  }
};

template <>
struct Codec<std::string> {
  static void encode(Writer& out, const std::string& value) {
    out.varint(value.size());
    out.bytes(value);
  }
  static bool decode(Reader& in, std::string& value) {
    std::uint64_t size = 0;
    std::string_view view;
    if (!in.varint(size) || !in.bytes(size, view)) return false;
    value.assign(view);
    return true;
  }
};

template <>
struct Codec<Duration> {
  static void encode(Writer& out, Duration value) { out.varint(zigzag(value.count())); }
  static bool decode(Reader& in, Duration& value) {
    std::uint64_t raw = 0;
    if (!in.varint(raw)) return false;
    value = Duration{unzigzag(raw)};
    return true;
  }
};

template <>
struct Codec<Time> {
  static void encode(Writer& out, Time value) { reeve::encode(out, value.time_since_epoch()); }
  static bool decode(Reader& in, Time& value) {
    Duration since_epoch{0};
    if (!reeve::decode(in, since_epoch)) return false;
    value = Time{since_epoch};
    return true;
  }
};

/// A fixed number of bytes needs no length.
template <class T>
  requires(std::is_same_v<T, Uuid> || std::is_same_v<T, Digest>)
struct Codec<T> {
  static void encode(Writer& out, const T& value) {
    out.bytes({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
  }
  static bool decode(Reader& in, T& value) {
    std::string_view view;
    if (!in.bytes(value.bytes.size(), view)) return false;
    for (std::size_t i = 0; i < view.size(); ++i)
      value.bytes[i] = static_cast<std::uint8_t>(view[i]);
    return true;
  }
};

template <class Tag, class Rep>
struct Codec<Id<Tag, Rep>> {
  static void encode(Writer& out, Id<Tag, Rep> value) { reeve::encode(out, value.value); }
  static bool decode(Reader& in, Id<Tag, Rep>& value) { return reeve::decode(in, value.value); }
};

template <>
struct Codec<TaskId> {
  static void encode(Writer& out, TaskId value) {
    reeve::encode(out, value.run);
    reeve::encode(out, value.index);
  }
  static bool decode(Reader& in, TaskId& value) {
    return reeve::decode(in, value.run) && reeve::decode(in, value.index);
  }
};

}  // namespace detail

template <class T>
void encode(Writer& out, const T& value) {
  detail::Codec<T>::encode(out, value);
}
template <class T>
bool decode(Reader& in, T& value) {
  return detail::Codec<T>::decode(in, value);
}

}  // namespace reeve
