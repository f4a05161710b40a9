// Writes the file of a backup: under a temporary name until it is complete and durable. Removes it
// if it is not finished. Never replaces a file that is there. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "cli/backup_format.h"

namespace reeve::cli {

class BackupWriter {
 public:
  /// conflict: the file is there already.
  static Result<std::unique_ptr<BackupWriter>> create(const std::string& path);
  ~BackupWriter();
  BackupWriter(const BackupWriter&) = delete;
  BackupWriter& operator=(const BackupWriter&) = delete;

  Status add_directory(const std::string& path, std::uint32_t mode);
  Status add_text(const std::string& path, std::uint32_t mode, std::string_view content);
  /// What the file has now, and no more; `source` is for messages.
  Status add_file(const std::string& path, int file, const std::string& source);
  /// Durable under its name afterwards.
  Status finish();

  const std::string& temporary() const { return temporary_; }
  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  BackupWriter(std::string path, std::string temporary, Fd file)
      : path_(std::move(path)),
        temporary_(std::move(temporary)),
        file_(std::move(file)) {}
  Status put(std::string_view bytes);
  void note(std::string_view path, const Digest& digest);

  std::string path_;
  std::string temporary_;
  Fd file_;
  DigestBuilder whole_;
  std::string digests_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  bool finished_ = false;
};

}  // namespace reeve::cli
