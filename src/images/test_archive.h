// Archives for tests, byte by byte as a hostile writer would make them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::images {

/// One entry of a ustar archive. Nothing is checked.
struct TarEntry {
  std::string path;
  char kind = '0';  ///< '0' file, '1' hard link, '2' link, '3' device, '5' directory, 'x' pax
  std::string content{};
  std::string link{};
  unsigned mode = 0644;
  std::int64_t claimed = -1;  ///< not -1: the size that the header says
};
std::string tar_of(const std::vector<TarEntry>& entries);
std::string gzip_of(std::string_view bytes);
/// A pax header for the next entry: "<length> key=value\n".
TarEntry pax(std::string_view key, std::string_view value);

}  // namespace reeve::images
