// Where images lie on the disk: one directory for all attempts of a state directory.
//
//   images/<hex>     record of an image, by the digest that its registry knows; its time is its
//   last
//                    use
//   layers/<hex>     an unpacked layer, by the digest of its uncompressed archive
//   blobs/sha256/    what was transferred
//   pulls/<hex>/     a transfer; what one that was interrupted left goes with the next
//   unpacking/<hex>  a layer that is being unpacked: it becomes one in layers/ when it is whole
//   lock             held by whoever unpacks or removes
//
// Records and layers appear by rename, whole. Reads are free; only the process that holds the lock
// changes layers and records. No thread rule: it keeps nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "images/image.h"

namespace reeve::images {

/// More would not fit into the options of a mount.
inline constexpr std::size_t kLayersMax = 60;
inline constexpr std::size_t kDigitsInDigest = 64;

class Store {
 public:
  explicit Store(std::string directory) : directory_(std::move(directory)) {}

  /// Makes what is missing.
  Status open() const;
  /// The image, if it is there with all its layers.
  std::optional<Image> find(std::string_view digest) const;
  bool has_layer(std::string_view content) const;
  /// As the records say.
  std::optional<std::int64_t> bytes_of(std::string_view content) const;
  /// Under its own digest and the others, which a registry knows it by too.
  Status save(const Image& image, const std::string& digest) const;
  /// Says that it is used now.
  void touch(std::string_view digest) const;
  /// Waits for it.
  Result<Fd> lock() const;
  /// Removes the images used least recently, until what is left has at most `bytes_max`; none of
  /// `kept`. Then what no image needs. REQUIRES the lock. Gives the bytes that are left.
  Result<std::int64_t> collect(std::int64_t bytes_max, const std::vector<std::string>& kept) const;

  const std::string& directory() const { return directory_; }
  std::string layers() const { return directory_ + "/layers"; }
  std::string blobs() const { return directory_ + "/blobs"; }
  std::string layer_path(std::string_view content) const;
  std::string blob_path(std::string_view digest) const;
  std::string unpacking_path(std::string_view content) const;
  std::string pull_path(std::string_view digest) const;

 private:
  std::string record_path(std::string_view digest) const;

  std::string directory_;
};

/// The digits of "sha256:<digits>", which name files.
std::string_view digits_of(std::string_view digest);
/// The directory with all in it; fine when there is none. Follows no link.
Status remove_tree(const std::string& path);

}  // namespace reeve::images
