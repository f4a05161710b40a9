// Small file operations of the supervisor. Each says whether it worked and leaves errno set.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::supervisor {

/// Makes the directory and those above it; fine when they are there.
bool make_directories(const std::string& path);
/// As make_directories for the directory that holds `path`.
bool make_parent_directories(const std::string& path);

/// The whole file, but at most `bytes_max` of it; "" when it cannot be read.
std::string read_file_prefix(const std::string& path, std::size_t bytes_max);
/// not_found when there is none; exhausted when it is larger than `bytes_max`.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

/// Opens what a task has made, to read it: no link is followed, a FIFO does not make it wait, and
/// with a directory it does not lead out of that.
Fd open_hostile(int directory, const char* path);

inline constexpr std::size_t kTaskFileBytesMax = 16U << 20;

/// What a task has written, at most `bytes_max` of it; "" if there is nothing, or no regular file.
std::string read_regular(int directory, const char* path, std::size_t bytes_max);

/// Writes all of `bytes` to a descriptor, however often that takes.
bool write_all(int file, std::string_view bytes);

}  // namespace reeve::supervisor
