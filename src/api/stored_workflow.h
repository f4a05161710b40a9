// Submissions of a workflow that has been run before, by its name. Internal to api/. On a thread of
// the readers.
#pragma once

#include "api/service_parts.h"

namespace reeve::api {

/// A submission with `workflow_name`, and perhaps `version`, as one with the text of that workflow.
/// Only what was run in the namespace of the submission is found.
Checked<JsonObject> with_stored_workflow(ServiceParts& parts, engine::History& history,
                                         const Call& call, JsonObject body);

}  // namespace reeve::api
