// Reaching the engine that another process runs on a state directory. One thread.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json/object.hpp>

#include "api/control_client.h"
#include "cli/state_directory.h"

namespace reeve::cli {

/// Null: no engine holds the directory. unavailable: one does, and does not answer. Waits shortly
/// for one that is just starting or ending.
Result<std::optional<api::ControlClient>> reach_engine(const StateLayout& layout);

/// Has that engine do something, and gives its answer. Null: there is none that could. One that
/// ends between its answer to reach_engine() and the end of this is looked for again, or what took
/// its place: only for what may be asked for twice.
Result<std::optional<boost::json::object>> ask_engine(const StateLayout& layout,
                                                      std::string_view method,
                                                      const boost::json::object& params);

}  // namespace reeve::cli
