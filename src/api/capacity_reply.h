// What the engine's pool has, as the reply to the control method `capacity`, and back. Pure.
#pragma once

#include <boost/json/object.hpp>

#include "base/resources.h"

namespace reeve::api {

/// {"cpu_millicores": ..., "memory_bytes": ..., "disk_bytes": ..., "gpu_milli": ..., "countables":
/// {"name": amount}}
boost::json::object capacity_object(const Resources& capacity);
/// invalid_argument: it is not such a reply.
Result<Resources> capacity_of(const boost::json::object& reply);

}  // namespace reeve::api
