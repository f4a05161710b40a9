// A file that is being fetched, before it is what it is called: written beside its place under a
// name of its own, and given its name once it is whole. Nothing that is there already is
// overwritten unless that was asked for, and no symbolic link in that place is followed. When it is
// dropped unfinished, nothing is left. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::cli {

enum class IfThere : std::uint8_t { refuse, replace };

class FetchedFile {
 public:
  /// conflict: there is something of that name, and it is not to be replaced, or is a directory.
  static Result<FetchedFile> create(const std::string& path, IfThere if_there);
  FetchedFile(FetchedFile&&) noexcept = default;
  FetchedFile& operator=(FetchedFile&&) = delete;
  ~FetchedFile();

  Status write(std::string_view bytes);
  /// Makes it durable, and gives it its name.
  Status finish();

 private:
  FetchedFile(std::string path, IfThere if_there) : path_(std::move(path)), if_there_(if_there) {}

  std::string path_;
  IfThere if_there_;
  std::string name_;       ///< in the directory
  std::string temporary_;  ///< in the directory; "": it is gone, or has its name
  Fd directory_;
  Fd file_;
};

/// Whether a name that others chose may be given to a file here: it is no path, hides nothing and
/// has no control characters.
bool is_harmless_name(std::string_view name);

}  // namespace reeve::cli
