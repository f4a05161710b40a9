// The settings of a service as its surroundings give them: reeve.toml, what was set
// through the API, the environment, --set.
// Reads files and the environment; no thread rule.
#pragma once

#include "cli/session.h"
#include "config/settings.h"

namespace reeve::cli {

/// --config, or reeve.toml in the state directory if it is there. A wrong value is in the
/// complaints; a file that is named and cannot be read is a failure.
Checked<config::Resolved> service_settings(const Session& session, const StateLayout& layout);
/// All complaints as one failure with the exit status of what is invalid; Ok if there is none.
Checked<void> refuse_complaints(const config::Resolved& resolved);

}  // namespace reeve::cli
