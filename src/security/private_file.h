// Files that hold keys and tokens: regular files of this user that nobody else can read. Symbolic
// links, other owners and wider modes are refused, with what to do. Stateless; no thread rule.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve::security {

inline constexpr std::size_t kPrivateFileMax = 64 * 1024;

/// 0600 and new; the file and its directory entry are durable when this returns. conflict: exists.
Status create_private_file(const std::string& path, std::string_view content);
/// not_found; permission_denied: not ours, readable by others, a link, or not a regular file.
Result<std::string> read_private_file(const std::string& path);
/// The same checks, without reading.
Status check_private_file(const std::string& path);
/// From where the open file stands to its end, at most so much. `path` is for the message.
Result<std::string> read_up_to(int file, std::size_t most, const std::string& path);
/// Makes the entries of the directory that holds `path` durable.
Status sync_directory_of(const std::string& path);

/// A key of 32 bytes, as 64 hexadecimal digits and a line feed in a private file. Made at random
/// if the file is not there.
using Key = std::array<std::uint8_t, 32>;
Result<Key> read_or_make_key(const std::string& path);
Result<Key> read_key(const std::string& path);
/// As read_key, of a file that systemd has passed on: another may own it, and the group may read.
Result<Key> read_credential_key(const std::string& path);
/// 64 hexadecimal digits, white space around them allowed. `origin` is for the message.
Result<Key> parse_key(std::string_view text, std::string_view origin);
std::string format_key(const Key& key);
Key random_key();

}  // namespace reeve::security
