// The file of a backup (docs/storage-format.md): a tar archive of which every byte is fixed by its
// content. First reeve-backup.json, then what is kept, then DIGESTS (as b2sum prints them) and
// ARCHIVE (the digest of all before it). Pure; no thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve::cli {

inline constexpr std::size_t kBackupBlockBytes = 512;
inline constexpr std::int64_t kBackupVersion = 1;
inline constexpr std::string_view kBackupHeadName = "reeve-backup.json";
inline constexpr std::string_view kBackupDigestsName = "DIGESTS";
inline constexpr std::string_view kBackupSealName = "ARCHIVE";
inline constexpr std::size_t kBackupPathMax = 1024;  ///< bytes

struct BackupEntry {
  std::string path;  ///< relative to the state directory
  bool is_directory = false;
  std::uint32_t mode = 0600;  ///< permissions only
  std::uint64_t bytes = 0;

  friend bool operator==(const BackupEntry&, const BackupEntry&) = default;
};

/// Everything in front of the content: one block, or three and more for a long path.
std::string encode_backup_entry(const BackupEntry& entry);
/// One block; `type` '0' file, '5' directory, 'L' the path of the next one as content.
std::string encode_backup_block(std::string_view name, char type, std::uint32_t mode,
                                std::uint64_t bytes);
struct BackupBlock {
  std::string name;
  char type = '0';
  std::uint32_t mode = 0;
  std::uint64_t bytes = 0;
};
/// corrupt: not what encode_backup_block gives.
Result<BackupBlock> decode_backup_block(std::string_view block);
/// Zero bytes behind a content of so many.
std::size_t backup_padding(std::uint64_t bytes);
/// invalid_argument: leads out of the state directory, or to nothing that belongs into one.
Status check_backup_path(std::string_view path);

}  // namespace reeve::cli
