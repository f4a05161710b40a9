#include "sim/fault.h"

#include "sim/message.h"

namespace reeve::sim {

std::string_view name(Fault fault) {
  static constexpr std::array<std::string_view, kFaultCount> kNames{"crash_between_rounds",
                                                                    "crash_before_commit",
                                                                    "crash_before_act",
                                                                    "commit_refused",
                                                                    "commit_unsure",
                                                                    "message_lost",
                                                                    "message_twice",
                                                                    "message_late",
                                                                    "message_overtakes",
                                                                    "link_cut",
                                                                    "executor_crash",
                                                                    "executor_frozen",
                                                                    "node_lost",
                                                                    "clock_back",
                                                                    "clock_forward",
                                                                    "capacity_changed",
                                                                    "inbox_full",
                                                                    "artifacts_lost",
                                                                    "machine_saturated"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::string_view name(Message message) {
  static constexpr std::array<std::string_view, kMessageCount> kNames{
      "set_capacity", "start", "stop",     "probe", "forget", "started",
      "progress",     "ended", "liveness", "down",  "up"};
  return kNames[static_cast<std::size_t>(message)];
}

}  // namespace reeve::sim
