// Named texts of which every version is kept, in one table of STATE/flags.db: flags, and the
// settings and quotas that the API sets. Nothing is ever changed or removed: the newest row of a
// name says what holds.
//
// Thread rule: one thread at a time, which their owners' locks see to. Other processes may write.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/text_version.h"
#include "store/sqlite/connection.h"

namespace reeve::config {

class VersionedTexts {
 public:
  enum class Table : std::uint8_t { flags, settings, quotas };
  /// `noun`: what errors call one of them. Makes or migrates the file.
  static Result<VersionedTexts> open(const std::string& path, Table table, std::string noun);

  /// The newest of each, removed ones too, by name; read again if another process has written.
  using Newest = std::map<std::string, TextVersion, std::less<>>;
  Result<const Newest*> newest();
  /// Counts up whenever newest() is another; 0 before it was asked for.
  std::uint64_t generation() const { return generation_; }
  /// `expected`: the version that the caller saw, 0 for none, or kAnyVersion; conflict if another
  /// is there now, not_found if one that is not there is to be removed. Durable when it returns.
  Result<TextVersion> write(TextVersion next, std::uint64_t expected);
  /// Newest first; not_found if there never was one.
  Result<std::vector<TextVersion>> history(std::string_view name);
  tl::unexpected<Error> is_missing(std::string_view name) const;

 private:
  VersionedTexts(store::sqlite::Connection database, Table table, std::string noun);
  Status insert(const TextVersion& row);

  store::sqlite::Connection database_;
  Table table_;
  std::string noun_;
  std::int64_t seen_version_ = -1;
  std::uint64_t generation_ = 0;
  Newest newest_;
};

}  // namespace reeve::config
