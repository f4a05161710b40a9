// Reads the file of a backup from its beginning to its end and believes none of it: every byte is
// either checked against a digest or the only one that can be there. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/backup_format.h"

namespace reeve::cli {

/// Who is given the content. An error ends the reading and is passed on.
class BackupSink {
 public:
  virtual ~BackupSink() = default;
  /// Directories come before what is in them; nothing comes twice.
  virtual Status begin(const BackupEntry& entry) = 0;
  virtual Status data(std::string_view piece) = 0;
  virtual Status end() = 0;
};

struct BackupFacts {
  std::int64_t version = 0;
  std::string made_at;
  std::string made_by;  ///< version of Reeve
  std::uint64_t files = 0;
};

/// The whole file, from where `file` stands; `path` is for messages. corrupt: a byte is not as it
/// was written; unsupported: of a newer format; invalid_argument: asks for what no backup does.
/// `sink` has been given content that is not proved until this returns.
Result<BackupFacts> read_backup(int file, const std::string& path, BackupSink& sink);

}  // namespace reeve::cli
