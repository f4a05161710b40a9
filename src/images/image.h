// An image as it lies unpacked in the store. Plain described values; no thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/codec.h"

namespace reeve::images {

/// Of one layer. Digests are "sha256:<64 digits>".
struct Layer {
  std::string blob;        ///< as transferred, compressed
  std::string content;     ///< of the uncompressed archive: the image's diff id
  std::int64_t bytes = 0;  ///< in the store, both forms
  friend bool operator==(const Layer&, const Layer&) = default;
  static constexpr auto fields() {
    return std::tuple{field("blob", &Layer::blob), field("content", &Layer::content),
                      field("bytes", &Layer::bytes)};
  }
};

struct Image {
  std::string digest;         ///< of what the registry gave for its name: index or manifest
  std::vector<Layer> layers;  ///< lowest first
  std::vector<std::string> environment;  ///< "NAME=value"
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::string work_directory;
  friend bool operator==(const Image&, const Image&) = default;
  static constexpr auto fields() {
    return std::tuple{
        field("digest", &Image::digest),           field("layers", &Image::layers),
        field("environment", &Image::environment), field("entrypoint", &Image::entrypoint),
        field("command", &Image::command),         field("work_directory", &Image::work_directory)};
  }
};

}  // namespace reeve::images
