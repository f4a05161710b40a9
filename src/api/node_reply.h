// Nodes as the service and the control socket show them. Works on the engine's thread.
#pragma once

#include <boost/json/array.hpp>

#include "core/state.h"

namespace reeve::api {

boost::json::array node_rows(const core::State& state);

}  // namespace reeve::api
