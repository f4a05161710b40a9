#include "base/packed_text.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include "base/ensure.h"

namespace reeve {

using Length = std::uint32_t;

PackedText::PackedText(std::string_view text) {
  if (text.empty()) return;
  ENSURE(text.size() <= std::numeric_limits<Length>::max());
  const auto length = static_cast<Length>(text.size());
  bytes_ = std::make_unique_for_overwrite<char[]>(sizeof length + text.size());
  std::memcpy(bytes_.get(), &length, sizeof length);
  std::memcpy(bytes_.get() + sizeof length, text.data(), text.size());
}

std::string_view PackedText::view() const {
  if (!bytes_) return {};
  Length length = 0;
  std::memcpy(&length, bytes_.get(), sizeof length);
  return {bytes_.get() + sizeof length, length};
}

}  // namespace reeve
