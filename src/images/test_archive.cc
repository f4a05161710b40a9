#include "images/test_archive.h"

#include <array>
#include <cstring>

#include <fmt/format.h>
#include <zlib.h>

#include "base/ensure.h"

namespace reeve::images {
namespace {

constexpr std::size_t kBlock = 512;

void put(std::string& block, std::size_t at, std::size_t size, std::string_view text) {
  block.replace(at, std::min(size, text.size()), text.substr(0, size));
}

std::string header_of(const TarEntry& entry) {
  std::string block(kBlock, '\0');
  const std::int64_t size =
      entry.claimed >= 0 ? entry.claimed : static_cast<std::int64_t>(entry.content.size());
  put(block, 0, 100, entry.path);
  put(block, 100, 8, fmt::format("{:07o}", entry.mode));
  put(block, 108, 8, "0000000");
  put(block, 116, 8, "0000000");
  put(block, 124, 12, fmt::format("{:011o}", size));
  put(block, 136, 12, "00000000000");
  put(block, 148, 8, "        ");
  put(block, 156, 1, std::string(1, entry.kind));
  put(block, 157, 100, entry.link);
  put(block, 257, 8, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(block, 148, 8, fmt::format("{:06o}", sum) + std::string(1, '\0') + " ");
  return block;
}

}  // namespace

std::string tar_of(const std::vector<TarEntry>& entries) {
  std::string bytes;
  for (const TarEntry& entry : entries) {
    bytes += header_of(entry);
    bytes += entry.content;
    bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock, '\0');
  }
  bytes.append(2 * kBlock, '\0');
  return bytes;
}

std::string gzip_of(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  ENSURE(deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ENSURE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TarEntry pax(std::string_view key, std::string_view value) {
  const std::string rest = fmt::format(" {}={}\n", key, value);
  std::size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return {.path = "PaxHeader", .kind = 'x', .content = std::to_string(length) + rest};
}

}  // namespace reeve::images
