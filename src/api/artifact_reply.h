// What is shown of the files that tasks handed on: the items of kind "artifacts". Reads the disk
// for sizes; no thread rule.
#pragma once

#include <cstdint>
#include <vector>

#include "api/json_values.h"
#include "base/launch.h"
#include "core/state.h"
#include "engine/ports/kept_artifacts.h"

namespace reeve::api {

/// Of one task, in the order in which they were stored.
std::vector<JsonObject> artifact_items(const core::Run& run, std::uint32_t index,
                                       engine::KeptArtifacts& kept);

/// The file that a name means. `file`: which one, where a pattern matched several; "": the only
/// one. not_found, or conflict: there are several (the message lists some).
Result<engine::KeptArtifact> open_artifact(const core::Run& run, std::uint32_t index,
                                           const std::string& name, const std::string& file,
                                           engine::KeptArtifacts& kept);

}  // namespace reeve::api
