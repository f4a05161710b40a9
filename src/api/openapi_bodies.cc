#include "api/openapi_bodies.h"

#include <boost/json/parse.hpp>

namespace reeve::api {

JsonObject body_components() {
  JsonObject out;
  for (const std::string_view part : {sent_schemas(), shown_bodies()}) {
    const Json value = boost::json::parse(boost::json::string_view(part.data(), part.size()));
    for (const auto& [name, schema] : value.as_object()) out[name] = schema;
  }
  return out;
}

}  // namespace reeve::api
