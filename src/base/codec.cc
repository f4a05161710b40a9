#include "base/codec.h"

namespace reeve {

void Writer::varint(std::uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<char>((value & 0x7F) | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<char>(value));
}

bool Reader::fail() {
  failed_ = true;
  data_ = {};
  return false;
}

bool Reader::varint(std::uint64_t& value) {
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < data_.size() && i < kVarintBytesMax; ++i) {
    const auto byte = static_cast<std::uint8_t>(data_[i]);
    // The tenth byte has room for one bit only; more would fall off the end unnoticed.
    if (i + 1 == kVarintBytesMax && byte > 1) return fail();
    result |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
    if ((byte & 0x80) != 0) continue;
    // One number has one spelling, so that equal records have equal digests: a last byte of zero
    // means that a shorter form was possible.
    if (byte == 0 && i > 0) return fail();
    data_.remove_prefix(i + 1);
    value = result;
    return !failed_;
  }
  return fail();
}

bool Reader::bytes(std::size_t count, std::string_view& out) {
  if (failed_ || count > data_.size()) return fail();
  out = data_.substr(0, count);
  data_.remove_prefix(count);
  return true;
}

}  // namespace reeve
