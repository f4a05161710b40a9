#include "spec/touch_index.h"

namespace reeve::spec {

void TouchIndex::clear() {
  entries_.clear();
  known_.clear();
  nodes_.assign(2, {});
}

TouchIndex::Entry& TouchIndex::entry_of(const Touch& touch) {
  const auto index = static_cast<std::uint32_t>(entries_.size());
  const auto [known, is_new] = known_.emplace(touch.glob, index);
  if (!is_new) return entries_[known->second];
  std::uint32_t node = touch.glob.is_absolute() ? 1 : 0;
  for (std::size_t i = 0; i < touch.glob.literal_count(); ++i) {
    const auto next = static_cast<std::uint32_t>(nodes_.size());
    const auto [child, is_new_child] = nodes_[node].children.emplace(touch.glob.names()[i], next);
    node = child->second;
    if (is_new_child) nodes_.emplace_back();
  }
  nodes_[node].entries.push_back(index);
  entries_.push_back({.glob = touch.glob, .text = touch.text, .writer = kNobody, .readers = {}});
  return entries_.back();
}

void TouchIndex::read(const Touch& touch, std::uint32_t reader) {
  Entry& entry = entry_of(touch);
  if (entry.writer != reader) entry.readers.push_back(reader);
}

void TouchIndex::write(const Touch& touch, std::uint32_t writer) {
  Entry& entry = entry_of(touch);
  entry.writer = writer;
  entry.readers.clear();
}

std::vector<std::uint32_t> TouchIndex::meeting(const Glob& glob, std::size_t& comparisons,
                                               std::size_t comparisons_max) const {
  std::vector<std::uint32_t> found;
  const auto look_at = [&](const Node& node) {
    for (const std::uint32_t index : node.entries) {
      if (++comparisons > comparisons_max) return;
      if (Glob::intersect(entries_[index].glob, glob)) found.push_back(index);
    }
  };
  const std::uint32_t root = glob.is_absolute() ? 1 : 0;
  std::vector<std::uint32_t> open{1 - root};
  std::uint32_t node = root;
  for (std::size_t i = 0;; ++i) {
    if (i == glob.literal_count()) {
      open.push_back(node);
      break;
    }
    look_at(nodes_[node]);
    const auto child = nodes_[node].children.find(glob.names()[i]);
    if (child == nodes_[node].children.end()) break;
    node = child->second;
  }
  while (!open.empty() && comparisons <= comparisons_max) {
    const Node& next = nodes_[open.back()];
    open.pop_back();
    ++comparisons;
    look_at(next);
    for (const auto& [name, child] : next.children) open.push_back(child);
  }
  return found;
}

}  // namespace reeve::spec
