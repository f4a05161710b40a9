#include "cli/backup_format.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kNameBytes = 100;
constexpr std::string_view kLongName = "././@LongLink";
/// What may lie at the top of a state directory that is restored.
constexpr auto kTopNames = std::to_array<std::string_view>(
    {"answers.db", "security.db", "flags.db", "reeve.db", "reeve.toml", "cluster.yaml",
     "admin.token", "secrets.key", "audit", "artifacts", "logs"});

/// Octal digits and a NUL; what is too large for them in base 256, as GNU tar has it.
void put_number(char* field, std::size_t width, std::uint64_t number) {
  if (width < 12 || number < std::uint64_t{1} << 33) {
    const std::string digits = fmt::format("{:0{}o}", number, width - 1);
    std::memcpy(field, digits.data(), width - 1);
    return;
  }
  for (std::size_t i = 0; i < 8; ++i)
    field[width - 1 - i] = static_cast<char>(number >> (8 * i) & 0xff);
  field[0] = static_cast<char>(0x80);
}

std::uint64_t number_at(std::string_view field) {
  std::uint64_t number = 0;
  if (!field.empty() && field.front() == static_cast<char>(0x80)) {
    for (const char c : field.substr(field.size() - 8))
      number = number << 8 | static_cast<std::uint8_t>(c);
    return number;
  }
  for (const char c : field) {
    if (c < '0' || c > '7') break;
    number = number << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

}  // namespace

std::string encode_backup_block(std::string_view name, char type, std::uint32_t mode,
                                std::uint64_t bytes) {
  std::string block(kBackupBlockBytes, '\0');
  std::memcpy(block.data(), name.data(), std::min(name.size(), kNameBytes));
  put_number(&block[100], 8, mode);
  put_number(&block[108], 8, 0);
  put_number(&block[116], 8, 0);
  put_number(&block[124], 12, bytes);
  put_number(&block[136], 12, 0);
  std::memset(&block[148], ' ', 8);
  block[156] = type;
  std::memcpy(&block[257], "ustar  ", 7);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<std::uint8_t>(c);
  put_number(&block[148], 7, sum);
  block[154] = '\0';
  return block;
}

std::string encode_backup_entry(const BackupEntry& entry) {
  std::string out;
  if (entry.path.size() > kNameBytes) {
    out = encode_backup_block(kLongName, 'L', 0, entry.path.size() + 1) + entry.path;
    out.append(1 + backup_padding(entry.path.size() + 1), '\0');
  }
  return out +
         encode_backup_block(entry.path, entry.is_directory ? '5' : '0', entry.mode, entry.bytes);
}

Result<BackupBlock> decode_backup_block(std::string_view block) {
  const std::string_view name = block.substr(0, kNameBytes);
  BackupBlock found{.name = std::string(name.substr(0, name.find('\0'))),
                    .type = block[156],
                    .mode = static_cast<std::uint32_t>(number_at(block.substr(100, 8))),
                    .bytes = number_at(block.substr(124, 12))};
  if (block.substr(257, 5) == "ustar" && !std::string_view("05L").contains(found.type))
    return fail(ErrorCode::corrupt,
                fmt::format("'{}' is a link, a device or the like, which no backup has",
                            sanitize_for_terminal(found.name)));
  if (encode_backup_block(found.name, found.type, found.mode, found.bytes) != block)
    return fail(ErrorCode::corrupt, "there is no entry as `reeve backup` writes them");
  return found;
}

std::size_t backup_padding(std::uint64_t bytes) {
  return (kBackupBlockBytes - bytes % kBackupBlockBytes) % kBackupBlockBytes;
}

Status check_backup_path(std::string_view path) {
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("it holds '{}', which {}", sanitize_for_terminal(path), why));
  };
  if (path.empty() || path.size() > kBackupPathMax) return refused("has no name that is possible");
  std::string_view rest = path;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.contains('\0'))
      return refused("leads out of the state directory");
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  const std::string_view top = path.substr(0, path.find('/'));
  if (std::ranges::find(kTopNames, top) == kTopNames.end())
    return refused("is no part of a state directory");
  return {};
}

}  // namespace reeve::cli
