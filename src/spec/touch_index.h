// What earlier tasks touched, by pattern: who wrote it last and who read it since. One owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spec/glob.h"
#include "spec/touches.h"

namespace reeve::spec {

class TouchIndex {
 public:
  static constexpr std::uint32_t kNobody = 0xffffffff;
  struct Entry {
    Glob glob;
    std::string text;
    std::uint32_t writer = kNobody;
    std::vector<std::uint32_t> readers;  ///< since then
  };

  TouchIndex() { clear(); }
  void clear();
  void read(const Touch& touch, std::uint32_t reader);
  void write(const Touch& touch, std::uint32_t writer);
  /// The entries that have a path in common with `glob`, each once. The number of patterns and
  /// names that were looked at is added to `comparisons`; ends when it exceeds `comparisons_max`.
  std::vector<std::uint32_t> meeting(const Glob& glob, std::size_t& comparisons,
                                     std::size_t comparisons_max) const;
  const Entry& entry(std::uint32_t index) const { return entries_[index]; }

 private:
  struct Node {
    std::map<std::u32string, std::uint32_t> children;
    std::vector<std::uint32_t> entries;
  };

  Entry& entry_of(const Touch& touch);

  std::vector<Entry> entries_;
  std::map<Glob, std::uint32_t> known_;
  /// By the names in front of the first `*` or `?`; 0: relative patterns, 1: absolute ones.
  std::vector<Node> nodes_;
};

}  // namespace reeve::spec
