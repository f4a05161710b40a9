// Schemas of what is sent to the API, and of what it shows beside the field table. Internal to
// api/.
#pragma once

#include <string_view>

#include "api/json_values.h"

namespace reeve::api {

/// By the name of the component.
JsonObject body_components();
/// Those of what is sent, as the text of an object.
std::string_view sent_schemas();
/// The part of them that is shown, as JSON text.
std::string_view shown_bodies();

}  // namespace reeve::api
