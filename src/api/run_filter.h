// Which runs a request wants listed, and may see. Internal to api/.
#pragma once

#include "api/service_parts.h"

namespace reeve::api {

/// From the parameters of the request, and the namespaces of who asks.
Checked<engine::RunFilter> run_filter(ServiceParts& parts, const Call& call);
/// A page of runs. It may hold fewer than the limit and yet not be the last one: a page looks at so
/// many runs at most, so that looking for what is rare among millions keeps nobody waiting.
struct RunPage {
  std::vector<engine::RunView> views;
  std::optional<RunId> next;  ///< go on before this one; none: this is the end
};
Result<RunPage> run_page(engine::History& history, engine::RunFilter filter);
/// Opaque to clients: the number of the last run that was shown.
std::string cursor_text(RunId run);

}  // namespace reeve::api
