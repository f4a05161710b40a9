// The config.json of an OCI bundle (runtime-spec 1.0): the same sandbox as the native tier's, said
// to a runtime. The root has been composed at kRuntimeRoot by the plan with `for_runtime`. Pure.
#pragma once

#include <string>
#include <vector>

#include "sandbox/step.h"

namespace reeve::sandbox {

/// The root of the container's user namespace, outside: another nobody than its tasks.
inline constexpr std::uint32_t kRuntimeOutsideId = 0x7000'0001;

struct BundleSpec {
  const RootSpec* root = nullptr;  ///< not null
  std::uint32_t outside_id = 0;    ///< who the attempt is outside
  std::string groups_path;         ///< of the control group that the runtime makes
};
std::string bundle_config(const BundleSpec& spec);

/// What is executed: the runtime `program` runs the bundle in kFilesDirectory.
std::vector<std::string> runtime_command(const std::string& program);

}  // namespace reeve::sandbox
