// Makes the files of one layer below a directory, whatever its archive says: paths are walked part
// by part without following a link, what would leave the directory is refused, and nothing but
// directories, regular files, links and overlayfs's own marks is made. All belongs to whoever runs
// this; set-uid, set-gid, owners and extended attributes are not taken over. One owner; not
// thread-safe.
//
//   .wh.NAME          a character device 0/0 called NAME: overlayfs hides what lies below
//   .wh..wh..opq      user.overlay.opaque on its directory: nothing of it below is seen
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::images {

struct EntryTraits {
  mode_t mode = 0;            ///< with its type
  std::int64_t modified = 0;  ///< seconds
};

class LayerTree {
 public:
  explicit LayerTree(Fd root) : root_(std::move(root)) {}

  Status make_directory(std::string_view path, const EntryTraits& traits);
  /// Open for writing; the caller fills it and calls finish().
  Result<Fd> make_file(std::string_view path, const EntryTraits& traits);
  Status finish(const Fd& file, std::int64_t size, const EntryTraits& traits);
  Status make_symbolic_link(std::string_view path, const std::string& target);
  /// To what the layer holds already.
  Status make_hard_link(std::string_view path, std::string_view target);
  /// What begins with ".wh.".
  Status make_mark(std::string_view path);

  /// Whether the last part of the path is a mark.
  static bool is_mark(std::string_view path);

 private:
  struct Place {
    int parent = -1;   ///< borrowed until the next call
    std::string name;  ///< "" for the root itself
  };
  enum class Missing : std::uint8_t { made, refused };
  Result<Place> place_of(std::string_view path, Missing parents);
  Status clear(const Place& place, bool& was_hidden);

  Fd root_;
  std::string parent_path_;  // of parent_; archives name the files of a directory in a row
  Fd parent_;
};

}  // namespace reeve::images
