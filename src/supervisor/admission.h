// Launches that wait for room, in the order given, strictly: the first that does not fit holds back
// those behind it. Those of a batch wait behind the first of it, and have its room after it, one
// after the other. Owns the account of the capacity in use. Pure; one owner.
#pragma once

#include <cstddef>
#include <list>
#include <map>
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
  std::size_t waiting() const { return places_.size(); }
  /// Whether others of the batch wait behind the one that has been admitted.
  bool is_followed(Token batch) const;

  /// Takes the next of a batch whose room is free for it; else the first launch, when it fits
  /// beside what is in use, and counts it as in use.
  std::optional<Launch> admit();
  /// What an admitted launch held is free again, or the next of its batch has it.
  void release(const Resources& resources, Token batch);
  /// Takes a waiting launch out.
  std::optional<Launch> remove(Token token);
  std::optional<Launch> remove_first();

 private:
  using Queue = std::list<Launch>;
  /// Of a batch of which one is in the queue, or has been admitted.
  struct Line {
    Queue behind;
    bool is_admitted = false;
    bool is_free = false;  ///< its room is for the next
    Resources room;
  };
  struct Place {
    Queue* queue;
    Queue::iterator at;
  };
  bool fits(const Resources& request) const;
  Launch take(Queue& queue, Queue::iterator at);
  void leave(const Launch& launch);

  Resources capacity_;
  Resources in_use_;
  Queue queue_;
  std::map<Token, Line> lines_;  ///< by batch
  std::list<Token> free_lines_;  ///< those that are free, in order
  std::unordered_map<Token, Place> places_;
};

}  // namespace reeve::supervisor
