// The name of an image in a registry, as workflows write it: "busybox", "ghcr.io/org/app:1.2",
// "localhost:5000/app@sha256:<64 digits>". Pure values; no thread rule.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve {

struct ImageReference {
  std::string name;    ///< "docker.io/library/busybox": registry, path
  std::string tag;     ///< "latest" unless given; "" beside a digest without tag
  std::string digest;  ///< "sha256:<64 digits>", or ""
  friend bool operator==(const ImageReference&, const ImageReference&) = default;

  /// "localhost:5000"
  std::string_view registry() const;
  /// Whether the registry is on this machine: such a one may speak plain HTTP.
  bool is_loopback() const;
};

/// invalid_argument: the message says what is wrong. Names without a registry are of docker.io, and
/// one word is of its `library`, as everywhere.
Result<ImageReference> parse_image_reference(std::string_view text);

/// "sha256:" and 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);
inline constexpr std::size_t kSha256DigitsAt = 7;

}  // namespace reeve
