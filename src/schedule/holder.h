// What attempts have of nodes, and what is promised to tasks. Values; no thread rule.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "schedule/demand.h"
#include "schedule/staging.h"
#include "schedule/waiting.h"

namespace reeve::schedule {

inline constexpr HolderId kNoHolder{0xffffffff};
/// An attempt and what it has of one node. A gang is a chain of them.
struct Holder {
  Token token;
  NodeId node;
  ClassId owner;
  Time since = kUnset;
  Time end = kNever;    ///< expected; kNever: nobody knows
  Time limit = kNever;  ///< its time limit, if it has one
  std::uint8_t variant = 0;
  bool staged = false;
  bool stopping = false;  ///< was asked to make room
  bool spared = false;    ///< was stopped often enough: is not asked again
  HolderId previous = kNoHolder, next = kNoHolder;  ///< on the same node
  HolderId gang = kNoHolder;                        ///< the next of its gang
};

/// A node kept for a class from a moment on. A gang has one for each of its nodes.
struct Reservation {
  ClassId owner;
  NodeId node;
  Time at = kNever;           ///< kNever: as soon as there is room, and nothing else before
  std::vector<Amount> spare;  ///< what others may have beyond `at`. EASY only
  // Conservative only:
  TaskId task;          ///< of the class
  Time until = kNever;  ///< its expected end
  std::uint8_t variant = 0;
  friend bool operator==(const Reservation&, const Reservation&) = default;
};

}  // namespace reeve::schedule
