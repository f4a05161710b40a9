// What people ask of runs and tasks that exist. Events among others (core/event.h), whose rule on
// their format holds here too. Values; no thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/codec.h"
#include "base/ids.h"
#include "base/time.h"

namespace reeve::core {

inline constexpr std::uint32_t kWholeRun = 0xffffffff;

struct Cancel {
  RunId run;
  std::uint32_t task = kWholeRun;  ///< index, or kWholeRun
  bool kill = false;               ///< SIGKILL at once, and `finally` does not run
  Duration grace{-1};              ///< negative: each task's own
  std::string by;
  std::string why;
  static constexpr auto fields() {
    return std::tuple{field("run", &Cancel::run),   field("task", &Cancel::task),
                      field("kill", &Cancel::kill), field("grace", &Cancel::grace),
                      field("by", &Cancel::by),     field("why", &Cancel::why)};
  }
};

struct Pause {
  RunId run;
  std::uint32_t task = kWholeRun;
  bool paused = true;  ///< false: resume (also of an interrupted run)
  std::string by;
  static constexpr auto fields() {
    return std::tuple{field("run", &Pause::run), field("task", &Pause::task),
                      field("paused", &Pause::paused), field("by", &Pause::by)};
  }
};

struct Approve {
  TaskId task;
  bool approved = true;
  std::string by;
  static constexpr auto fields() {
    return std::tuple{field("task", &Approve::task), field("approved", &Approve::approved),
                      field("by", &Approve::by)};
  }
};

/// Of a finished (and reloaded) run: tries again what did not succeed, or `from` and all after it.
struct Retry {
  RunId run;
  bool failed_only = true;
  GroupIndex from;
  std::string by;
  static constexpr auto fields() {
    return std::tuple{field("run", &Retry::run), field("failed_only", &Retry::failed_only),
                      field("from", &Retry::from), field("by", &Retry::by)};
  }
};

/// Somebody enters the sandbox of a running attempt.
struct Enter {
  TaskId task;
  std::uint32_t attempt = 0;  ///< number; 0: that which runs
  Uuid ticket;                ///< random; good once, and of no use afterwards
  std::string by;
  std::uint32_t user_id = 0;
  std::vector<std::string> command;
  static constexpr auto fields() {
    return std::tuple{field("task", &Enter::task),       field("attempt", &Enter::attempt),
                      field("ticket", &Enter::ticket),   field("by", &Enter::by),
                      field("user_id", &Enter::user_id), field("command", &Enter::command)};
  }
};

inline constexpr Duration kHoldMax = std::chrono::days{7};

/// Nothing starts on a node any more, until it is let work again. It outlives the engine.
struct DrainNode {
  std::string node;
  bool drained = true;  ///< false: it is let work again
  bool stop = false;    ///< what runs there is stopped, and queued again without a charge
  Duration grace{-1};   ///< of the stops; negative: each task's own
  std::string by;
  std::string why;
  static constexpr auto fields() {
    return std::tuple{field("node", &DrainNode::node), field("drained", &DrainNode::drained),
                      field("stop", &DrainNode::stop), field("grace", &DrainNode::grace),
                      field("by", &DrainNode::by),     field("why", &DrainNode::why)};
  }
};

/// As Retry, and the sandboxes of tasks that fail are kept open for a while.
struct RetryHeld {
  Retry retry;
  Duration hold{0};
  static constexpr auto fields() {
    return std::tuple{field("retry", &RetryHeld::retry), field("hold", &RetryHeld::hold)};
  }
};

}  // namespace reeve::core
