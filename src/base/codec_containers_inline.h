// How lists, optionals, pairs and variants are written and read. base/codec.h includes this;
// include that instead.
#pragma once

#include "base/codec.h"

namespace reeve::detail {

template <class T>
struct Codec<std::vector<T>> {
  static void encode(Writer& out, const std::vector<T>& value) {
    out.varint(value.size());
    for (const auto& item : value) reeve::encode(out, item);
  }
  static bool decode(Reader& in, std::vector<T>& value) {
    std::uint64_t count = 0;
    if (!in.varint(count)) return false;
    // An item takes at least a byte. Memory is taken as items arrive, not as a count promises them:
    // sizeof(T) times a hostile count could be more than there is.
    if (count > kCodecListMax || count > in.left()) return in.fail();
    value.clear();
    value.reserve(count < kReserveMax ? count : kReserveMax);
    for (std::uint64_t i = 0; i < count; ++i) {
      T item{};
      if (!reeve::decode(in, item)) return false;
      value.push_back(std::move(item));
    }
    return true;
  }
  static constexpr std::uint64_t kReserveMax = 4096;
};

/// Of a length that never changes.
template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  static void encode(Writer& out, const std::array<T, N>& value) {
    for (const T& item : value) reeve::encode(out, item);
  }
  static bool decode(Reader& in, std::array<T, N>& value) {
    for (T& item : value)
      if (!reeve::decode(in, item)) return false;
    return true;
  }
};

template <class T>
struct Codec<std::optional<T>> {
  static void encode(Writer& out, const std::optional<T>& value) {
    out.varint(value ? 1 : 0);
    if (value) reeve::encode(out, *value);
  }
  static bool decode(Reader& in, std::optional<T>& value) {
    bool present = false;
    value.reset();
    if (!reeve::decode(in, present)) return false;
    return !present || reeve::decode(in, value.emplace());
  }
};

template <class A, class B>
struct Codec<std::pair<A, B>> {
  static void encode(Writer& out, const std::pair<A, B>& value) {
    reeve::encode(out, value.first);
    reeve::encode(out, value.second);
  }
  static bool decode(Reader& in, std::pair<A, B>& value) {
    return reeve::decode(in, value.first) && reeve::decode(in, value.second);
  }
};

/// Nothing to say: an empty alternative of a variant.
template <>
struct Codec<std::monostate> {
  static void encode(Writer&, std::monostate) {}
  static bool decode(Reader&, std::monostate&) { return true; }
};

template <class... T>
struct Codec<std::variant<T...>> {
  using Variant = std::variant<T...>;
  static void encode(Writer& out, const Variant& value) {
    out.varint(value.index());
    std::visit([&](const auto& alternative) { reeve::encode(out, alternative); }, value);
  }
  static bool decode(Reader& in, Variant& value) {
    std::uint64_t index = 0;
    if (!in.varint(index)) return false;
    if (index >= sizeof...(T)) return in.fail();
    return decode_alternative(in, index, value, std::index_sequence_for<T...>{});
  }

 private:
  template <std::size_t... I>
  static bool decode_alternative(Reader& in, std::uint64_t index, Variant& value,
                                 std::index_sequence<I...>) {
    return ((index == I && reeve::decode(in, value.template emplace<I>())) || ...);
  }
};

}  // namespace reeve::detail
