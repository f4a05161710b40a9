// The JSON documents of an image, as registries give them (OCI image-spec 1.0, and the Docker forms
// of the same): index, manifest, configuration. They are hostile. Pure values; no thread rule.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "images/image.h"

namespace reeve::images {

inline constexpr std::size_t kDocumentBytesMax = std::size_t{4} << 20;

/// What stands behind a name: the manifest itself, or a choice for several machines.
struct Manifest {
  std::string config;              ///< digest
  std::vector<std::string> blobs;  ///< of the layers, lowest first
  friend bool operator==(const Manifest&, const Manifest&) = default;
};
struct Chosen {
  std::string manifest;  ///< digest of the one for this machine
  friend bool operator==(const Chosen&, const Chosen&) = default;
};
/// corrupt, or unsupported: there is none for this machine (linux/amd64).
Result<std::variant<Manifest, Chosen>> read_manifest(std::string_view text);

/// The digest of the manifest of an OCI layout that holds one image.
Result<std::string> read_layout_index(std::string_view text);

/// Fills `image` but for its digest. `manifest` gives the blobs of the layers that `text` counts.
Status read_configuration(std::string_view text, const Manifest& manifest, Image& image);

/// "sha256:<digits>" of bytes.
std::string sha256_of(std::string_view bytes);
/// Of all that is left to read.
Result<std::string> sha256_of_file(int file);

}  // namespace reeve::images
