// Which runs a request wants listed, and may see. Internal to api/.
#pragma once

#include "api/service_parts.h"

namespace reeve::api {

/// From the parameters of the request, and the namespaces of who asks.
Checked<engine::RunFilter> run_filter(ServiceParts& parts, const Call& call);
/// Opaque to clients: the number of the last run that was shown.
std::string cursor_text(RunId run);

}  // namespace reeve::api
