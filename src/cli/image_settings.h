// What the environment says of images and the tier oci: REEVE_IMAGES_MAX, how large their store may
// become, and REEVE_OCI_RUNTIME, the program that makes sandboxes of that tier.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace reeve::cli {

/// As options of a supervisor. invalid_argument: a size that is none.
Result<std::vector<std::string>> image_settings();
/// The name of the runtime.
std::string oci_runtime();

}  // namespace reeve::cli
