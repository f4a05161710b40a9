// Schemas of what is sent to the API, and of what it shows beside the field table. Internal to
// api/.
#pragma once

#include "api/json_values.h"

namespace reeve::api {

/// By the name of the component.
JsonObject body_components();

}  // namespace reeve::api
