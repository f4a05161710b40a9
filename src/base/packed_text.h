// A text that is one pointer wide in its owner and one allocation of its length elsewhere, against
// the four words of a std::string: for records of which a million are in memory, and whose text is
// seldom read. The empty one allocates nothing. A value; no thread rule.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace reeve {

class PackedText {
 public:
  PackedText() = default;
  /// REQUIRES less than 4 GiB.
  explicit PackedText(std::string_view text);
  PackedText(const PackedText& other) : PackedText(other.view()) {}
  PackedText(PackedText&&) noexcept = default;
  PackedText& operator=(const PackedText& other) { return *this = PackedText(other.view()); }
  PackedText& operator=(PackedText&&) noexcept = default;
  PackedText& operator=(std::string_view text) { return *this = PackedText(text); }
  ~PackedText() = default;

  bool empty() const { return bytes_ == nullptr; }
  /// Valid until this is assigned to, moved from or destroyed.
  std::string_view view() const;
  std::string str() const { return std::string(view()); }

  friend bool operator==(const PackedText& left, const PackedText& right) {
    return left.view() == right.view();
  }

 private:
  std::unique_ptr<char[]> bytes_;  // four of the length, then the text
};

}  // namespace reeve
