// Reaching the engine that another process runs on a state directory. One thread.
#pragma once

#include "api/control_client.h"
#include "cli/state_directory.h"

namespace reeve::cli {

/// Null: no engine holds the directory. unavailable: one does, and does not answer. Waits shortly
/// for one that is just starting or ending.
Result<std::optional<api::ControlClient>> reach_engine(const StateLayout& layout);

}  // namespace reeve::cli
