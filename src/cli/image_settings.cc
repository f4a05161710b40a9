#include "cli/image_settings.h"

#include <cstdlib>

#include "base/resources.h"

namespace reeve::cli {

std::string oci_runtime() {
  const char* const name = ::getenv("REEVE_OCI_RUNTIME");
  return name == nullptr || *name == '\0' ? "runc" : name;
}

Result<std::int64_t> image_bytes_max() {
  constexpr std::int64_t kUnlessSaid = std::int64_t{20} << 30;
  const char* const size = ::getenv("REEVE_IMAGES_MAX");
  if (size == nullptr) return kUnlessSaid;
  const auto bytes = parse_bytes(size);
  if (!bytes || *bytes <= 0)
    return fail(ErrorCode::invalid_argument,
                "REEVE_IMAGES_MAX wants a size such as 20Gi, not \"" + std::string(size) + "\"");
  return *bytes;
}

}  // namespace reeve::cli
