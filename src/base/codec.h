// Compact binary form of described structs: journal records, supervisor messages. A struct is
// described once, by a static fields() that lists its members; writing, reading and JSON
// (base/codec_json.h) follow from it. Integers are LEB128 varints (zig-zag when signed), strings
// and lists are length-prefixed, a variant is its index and its value. Reading checks every bound:
// hostile bytes give false, never undefined behaviour. Format changes are appends of fields.
// Described types must not contain themselves: reading recurses as deep as the type. Values; no
// thread rule.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "base/time.h"

namespace reeve {

template <class Struct, class Member>
struct Field {
  std::string_view name;
  Member Struct::*member;
};
template <class Struct, class Member>
constexpr Field<Struct, Member> field(std::string_view name, Member Struct::*member) {
  return {name, member};
}

/// A struct with `static constexpr auto fields()` giving a tuple of Field.
template <class T>
concept Described = requires { T::fields(); };

/// Appends to a string that the caller owns.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void varint(std::uint64_t value);
  void bytes(std::string_view data) { out_.append(data); }
  std::size_t size() const { return out_.size(); }

 private:
  std::string& out_;
};

/// Reads from bytes that the caller keeps alive. After the first failure all reads fail.
class Reader {
 public:
  explicit Reader(std::string_view data) : data_(data) {}
  bool varint(std::uint64_t& value);
  bool bytes(std::size_t count, std::string_view& out);
  bool fail();  ///< makes all later reads fail; gives false
  bool at_end() const { return data_.empty() && !failed_; }
  std::size_t left() const { return data_.size(); }

 private:
  std::string_view data_;
  bool failed_ = false;
};

inline constexpr std::size_t kVarintBytesMax = 10;      ///< 64 bits, seven to a byte
inline constexpr std::size_t kCodecListMax = 1U << 24;  ///< items in a list that is read

namespace detail {
template <class T>
struct Codec;  // codec_inline.h and codec_containers_inline.h, which define encode and decode
constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}
}  // namespace detail

template <class T>
void encode(Writer& out, const T& value);
template <class T>
[[nodiscard]] bool decode(Reader& in, T& value);

}  // namespace reeve

#include "base/codec_containers_inline.h"
#include "base/codec_inline.h"
