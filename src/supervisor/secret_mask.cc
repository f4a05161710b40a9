#include "supervisor/secret_mask.h"

#include <algorithm>
#include <cstring>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kWordBytes = 4;
constexpr unsigned kHashBits = 14;
constexpr std::size_t kWindowMax = 64;

/// Of the four bytes at `at` (D. Knuth, TAOCP 3, §6.4: multiplicative hashing).
std::uint32_t hash_at(const char* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, kWordBytes);
  return (word * 0x9E3779B1U) >> (32U - kHashBits);
}

}  // namespace

MaskPatterns::MaskPatterns(const std::vector<std::string>& patterns)
    : nodes_(1),
      window_(kWindowMax) {
  for (const std::string& pattern : patterns) {
    if (pattern.size() < kWordBytes) continue;
    add(pattern);
    window_ = std::min(window_, pattern.size());
  }
  link();
  shifts_.assign(std::size_t{1} << kHashBits, static_cast<std::uint8_t>(window_ - kWordBytes + 1));
  for (const std::string& pattern : patterns) {
    if (pattern.size() < kWordBytes) continue;
    for (std::size_t at = 0; at + kWordBytes <= window_; ++at) {
      std::uint8_t& shift = shifts_[hash_at(pattern.data() + at)];
      shift = std::min(shift, static_cast<std::uint8_t>(window_ - kWordBytes - at));
    }
  }
}

MaskPatterns::State MaskPatterns::child_of(State state, unsigned char byte) const {
  State child = nodes_[state].child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].sibling;
  return child;
}

void MaskPatterns::add(std::string_view pattern) {
  State state = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<unsigned char>(c);
    State child = child_of(state, byte);
    if (child == 0) {
      child = static_cast<State>(nodes_.size());
      nodes_.push_back(
          {.sibling = nodes_[state].child, .depth = nodes_[state].depth + 1, .byte = byte});
      nodes_[state].child = child;
    }
    state = child;
  }
  nodes_[state].longest = nodes_[state].depth;
}

/// Breadth first, so that shorter suffixes are complete before they are needed.
void MaskPatterns::link() {
  std::vector<State> order;
  order.reserve(nodes_.size());
  for (State child = nodes_[0].child; child != 0; child = nodes_[child].sibling) {
    roots_[nodes_[child].byte] = child;
    order.push_back(child);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    const State state = order[i];
    for (State child = nodes_[state].child; child != 0; child = nodes_[child].sibling) {
      Node& node = nodes_[child];
      node.fallback = next(nodes_[state].fallback, node.byte);
      if (node.longest == 0) node.longest = nodes_[node.fallback].longest;
      order.push_back(child);
    }
  }
}

MaskPatterns::State MaskPatterns::next(State state, unsigned char byte) const {
  while (state != 0) {
    if (const State child = child_of(state, byte); child != 0) return child;
    state = nodes_[state].fallback;
  }
  return roots_[byte];
}

std::size_t MaskPatterns::candidate(std::string_view text, std::size_t at) const {
  while (at + window_ <= text.size()) {
    const std::size_t shift = shifts_[hash_at(text.data() + at + window_ - kWordBytes)];
    if (shift == 0 && roots_[static_cast<unsigned char>(text[at])] != 0) return at;
    at += std::max<std::size_t>(shift, 1);
  }
  for (; at < text.size(); ++at)
    if (roots_[static_cast<unsigned char>(text[at])] != 0) return at;
  return at;
}

std::string MaskPatterns::mask(std::string_view text) const {
  MaskedStream stream;
  std::string masked(stream.feed(*this, text));
  return masked.append(stream.finish());
}

bool MaskPatterns::is_in(std::string_view text) const {
  State state = 0;
  for (std::size_t at = candidate(text, 0); at < text.size(); ++at) {
    state = next(state, static_cast<unsigned char>(text[at]));
    if (nodes_[state].longest != 0) return true;
    if (state == 0) at = candidate(text, at + 1) - 1;
  }
  return false;
}

void MaskedStream::show_plain(std::string_view bytes) {
  if (bytes.empty()) return;
  shown_.append(bytes);
  is_in_mask_ = false;
}

void MaskedStream::show_mask() {
  if (!is_in_mask_) shown_.append(kMask);
  is_in_mask_ = true;
}

void MaskedStream::cover(std::uint64_t begin, std::uint64_t end) {
  while (!covered_.empty() && covered_.back().second >= begin) {
    begin = std::min(begin, covered_.back().first);
    covered_.pop_back();
  }
  covered_.emplace_back(begin, end);
}

/// Shows what is held up to `end`, which no later byte can change any more.
void MaskedStream::show_until(std::uint64_t end) {
  while (held_from_ < end) {
    std::uint64_t stop = end;
    const bool is_covered = !covered_.empty() && covered_.front().first <= held_from_;
    if (is_covered) {
      stop = std::min(end, covered_.front().second);
      show_mask();
      if (covered_.front().second == stop) covered_.pop_front();
    } else {
      if (!covered_.empty()) stop = std::min(end, covered_.front().first);
      show_plain(std::string_view(held_).substr(held_read_, stop - held_from_));
    }
    held_read_ += stop - held_from_;
    held_from_ = stop;
  }
  if (held_read_ == held_.size() || held_read_ > (64U << 10)) {
    held_.erase(0, held_read_);
    held_read_ = 0;
  }
}

void MaskedStream::step(const MaskPatterns& patterns, unsigned char byte) {
  held_.push_back(static_cast<char>(byte));
  state_ = patterns.next(state_, byte);
  const MaskPatterns::Node& node = patterns.nodes_[state_];
  const std::uint64_t end = held_from_ + (held_.size() - held_read_);
  if (node.longest != 0) cover(std::max(end - node.longest, held_from_), end);
  // No pattern that is not complete yet begins before this.
  show_until(end - node.depth);
  // A mask can be shown at once: what is covered later, beginning within it, only makes it longer.
  if (!covered_.empty() && covered_.front().first <= held_from_)
    show_until(covered_.front().second);
}

std::string_view MaskedStream::feed(const MaskPatterns& patterns, std::string_view bytes) {
  shown_.clear();
  std::size_t at = 0;
  if (state_ == 0 && !bytes.empty()) {
    at = patterns.candidate(bytes, 0);
    if (at == bytes.size()) {  // by far the most: nothing is copied
      is_in_mask_ = false;
      held_from_ += at;
      return bytes;
    }
    show_plain(bytes.substr(0, at));
    held_from_ += at;
  }
  while (at < bytes.size()) {
    step(patterns, static_cast<unsigned char>(bytes[at++]));
    if (state_ != 0) continue;
    const std::size_t next = patterns.candidate(bytes, at);
    show_plain(bytes.substr(at, next - at));
    held_from_ += next - at;
    at = next;
  }
  return shown_;
}

std::string_view MaskedStream::finish() {
  shown_.clear();
  show_until(held_from_ + (held_.size() - held_read_));
  state_ = 0;
  return shown_;
}

}  // namespace reeve::supervisor
