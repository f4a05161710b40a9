// Launches that wait for room, in the order given, strictly: the first that does not fit holds back
// those behind it. Owns the account of the capacity in use. Pure; one owner.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/launch.h"

namespace reeve::supervisor {

class Admission {
 public:
  void set_capacity(const Resources& capacity) { capacity_ = capacity; }
  void add(Launch launch);
  bool is_waiting(Token token) const { return places_.contains(token); }
  std::size_t waiting() const { return queue_.size(); }

  /// Takes the first launch when it fits beside what is in use, and counts it as in use.
  std::optional<Launch> admit();
  /// What an admitted launch held is free again.
  void release(const Resources& resources);
  /// Takes a waiting launch out.
  std::optional<Launch> remove(Token token);
  std::optional<Launch> remove_first();

 private:
  bool fits(const Resources& request) const;

  Resources capacity_;
  Resources in_use_;
  std::list<Launch> queue_;
  std::unordered_map<Token, std::list<Launch>::iterator> places_;
};

}  // namespace reeve::supervisor
