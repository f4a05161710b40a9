// The directory that keeps artifacts, by digest: <root>/<2 hex>/<62 hex>/<base name>, so that who
// reads one sees the name under which it was made. Owns the names below <root> and nothing else; it
// never links to a file that a task could still change, and never removes a stored file.
//
// Thread rule: keep() from any thread.
#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace reeve::artifacts {

class StoreLayout {
 public:
  /// `root` is made when the first file is kept.
  StoreLayout(std::string root, std::int64_t file_bytes_max);

  /// Copies the open regular file into the store and returns its path there. When this returns,
  /// the file, its name and its directories are durable. `name` has no slash.
  Result<std::string> keep(const Fd& source, std::string_view name);

 private:
  struct Copied;
  Status prepare();
  Result<Copied> copy_in(const Fd& source, const std::string& temporary);
  Result<std::string> place(const std::string& temporary, const Copied& copied,
                            std::string_view name);
  Result<Fd> open_shelf(const std::string& prefix);

  const std::string root_;
  const std::int64_t file_bytes_max_;
  std::atomic<std::uint64_t> next_temporary_{0};

  std::mutex mutex_;  // guards all below
  bool prepared_ = false;
  std::bitset<256> durable_shelves_;  // <2 hex> directories whose entry in root is synced
};

}  // namespace reeve::artifacts
