#include "cli/image_settings.h"

#include <cstdlib>

#include "base/resources.h"

namespace reeve::cli {

std::string oci_runtime() {
  const char* const name = ::getenv("REEVE_OCI_RUNTIME");
  return name == nullptr || *name == '\0' ? "runc" : name;
}

Result<std::vector<std::string>> image_settings() {
  std::vector<std::string> options{"--oci-runtime", oci_runtime()};
  const char* const size = ::getenv("REEVE_IMAGES_MAX");
  if (size == nullptr) return options;
  const auto bytes = parse_bytes(size);
  if (!bytes || *bytes <= 0)
    return fail(ErrorCode::invalid_argument,
                "REEVE_IMAGES_MAX wants a size such as 20Gi, not \"" + std::string(size) + "\"");
  options.emplace_back("--image-bytes-max");
  options.push_back(std::to_string(*bytes));
  return options;
}

}  // namespace reeve::cli
