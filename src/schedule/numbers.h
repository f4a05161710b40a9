// Small numbers for values that come from strangers (names of locks, what tasks ask for): dense, so
// that what belongs to one stands in a vector, and given again once nothing uses the value any
// more. Whoever keeps numbers says now and then which (keep()); there may be a new name in each
// run, and a service runs for years. Nothing may depend on which number a value has. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace reeve::schedule {

/// `Number` is an Id. Those below `first` are nobody's.
template <class Value, class Number>
class Numbers {
 public:
  explicit Numbers(std::uint32_t first = 0) : end_(first) {}

  struct Given {
    Number number;
    bool is_new = false;
  };
  /// Finds or gives one. A new one is either end() as it was before or one that was forgotten.
  template <class Key>
  Given give(const Key& key) {
    const auto found = by_value_.find(key);
    if (found != by_value_.end()) return {found->second, false};
    Number number{end_};
    if (unused_.empty()) {
      ++end_;
    } else {
      number = unused_.back();
      unused_.pop_back();
    }
    by_value_.emplace(Value(key), number);
    return {number, true};
  }
  /// Forgets those that are not used; `is_used` is by number and as long as end().
  template <class Forget>
  void keep(const std::vector<bool>& is_used, Forget forget) {
    std::erase_if(by_value_, [&](const auto& one) {
      if (is_used[one.second.value]) return false;
      forget(one.second);
      unused_.push_back(one.second);
      return true;
    });
  }
  template <class Key>
  std::optional<Number> find(const Key& key) const {
    const auto found = by_value_.find(key);
    return found == by_value_.end() ? std::nullopt : std::optional(found->second);
  }
  bool has(const Value& value, Number number) const { return find(value) == number; }
  std::size_t size() const { return by_value_.size(); }
  /// All numbers are below it.
  std::uint32_t end() const { return end_; }

 private:
  std::map<Value, Number, std::less<>> by_value_;
  std::vector<Number> unused_;
  std::uint32_t end_;
};

/// Puts what belongs to a number that was just given in its place.
template <class Thing>
void put_at(std::vector<Thing>& things, std::uint32_t number, Thing thing) {
  if (number == things.size())
    things.push_back(std::move(thing));
  else
    things[number] = std::move(thing);
}

}  // namespace reeve::schedule
