// What the environment says of images and the tier oci: REEVE_IMAGES_MAX, how large their store may
// become, and REEVE_OCI_RUNTIME, the program that makes sandboxes of that tier.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace reeve::cli {

/// invalid_argument: a size that is none.
Result<std::int64_t> image_bytes_max();
/// The name of the runtime.
std::string oci_runtime();

}  // namespace reeve::cli
