#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"

namespace reeve::api {

void get_livez(ServiceParts& /*parts*/, CallPtr call) { call->reply(200, {{"status", "ok"}}); }

/// Ready means that the engine works its rounds: it is asked, and nothing is written.
void get_readyz(ServiceParts& parts, CallPtr call) {
  if (parts.draining) {
    return call->refuse(
        {503, "unavailable", "Unavailable", "this service is about to end: ask another one"});
  }
  parts.look(call, [call](const core::State& state) {
    const bool is_up = std::ranges::any_of(state.pools, &core::Pool::up);
    call->reply(200, {{"status", "ok"}, {"executors", is_up ? "up" : "down"}});
  });
}

void get_version(ServiceParts& parts, CallPtr call) {
  call->reply(200, {{"reeve", parts.options.version}, {"api", "v1"}, {"output", kOutputVersion}});
}

void get_openapi(ServiceParts& parts, CallPtr call) {
  call->reply(
      {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = parts.openapi});
}

void get_workflow_schema(ServiceParts& parts, CallPtr call) {
  call->reply({.status = 200,
               .headers = {{"Content-Type", "application/schema+json"}},
               .body = parts.workflow_schema});
}

}  // namespace reeve::api
