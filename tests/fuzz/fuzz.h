// What all fuzz targets share: the entry that libFuzzer calls, and reading its bytes piece by
// piece. A target ends the process (ENSURE, or a sanitizer) when something is wrong, and says
// nothing else. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Always 0; declared by libFuzzer, which has no header for it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace reeve::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : left_(reinterpret_cast<const char*>(data), size) {}

  bool is_empty() const { return left_.empty(); }
  /// 0 when nothing is left.
  std::uint8_t byte() {
    const std::string_view one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
  }
  /// At most so many.
  std::string_view take(std::size_t bytes) {
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(taken.size());
    return taken;
  }
  /// Up to a NUL, which is taken too.
  std::string_view part() {
    const std::string_view taken = take(left_.find('\0'));
    static_cast<void>(take(1));
    return taken;
  }
  std::string_view rest() { return take(left_.size()); }

 private:
  std::string_view left_;
};

}  // namespace reeve::fuzz
