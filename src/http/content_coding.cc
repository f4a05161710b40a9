#include "http/content_coding.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <zlib.h>
#include <zstd.h>

namespace reeve::http {
namespace {

constexpr std::size_t kShortMin = 1024;
constexpr int kGzipLevel = 3;
constexpr int kZstdLevel = 1;

bool is_same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return x == y || (x >= 'A' && x <= 'Z' && x + 32 == y) || (y >= 'A' && y <= 'Z' && y + 32 == x);
  });
}

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Thousandths of ";q=0.5"; what is malformed is not accepted.
int weight_of(std::string_view parameters) {
  const std::string_view given = without_spaces(parameters);
  if (given.empty()) return 1000;
  if (given.size() < 3 || (given[0] | 32) != 'q' || given[1] != '=') return 0;
  double value = 0;
  const auto [stop, error] = std::from_chars(given.data() + 2, given.data() + given.size(), value);
  if (error != std::errc{} || stop != given.data() + given.size()) return 0;
  return value >= 0 && value <= 1 ? static_cast<int>(value * 1000) : 0;
}

const Header* find(const Response& response, std::string_view name) {
  const auto found = std::ranges::find_if(
      response.headers, [&](const Header& header) { return is_same_name(header.name, name); });
  return found == response.headers.end() ? nullptr : &*found;
}

bool is_text(const Response& response) {
  const Header* const type = find(response, "content-type");
  if (type == nullptr) return false;
  const std::string_view text = type->value;
  return text.starts_with("text/") || text.find("json") != std::string_view::npos ||
         text.find("yaml") != std::string_view::npos || text.find("vnd.reeve") != text.npos;
}

std::optional<std::string> gzipped(std::string_view text) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (::deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return std::nullopt;
  std::string out(::deflateBound(&stream, text.size()), '\0');
  std::string in(text);  // zlib wants to be able to write there
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool is_done = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (!is_done) return std::nullopt;
  return out;
}

std::optional<std::string> zstandard(std::string_view text) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  const std::size_t size =
      ::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), kZstdLevel);
  if (::ZSTD_isError(size) != 0) return std::nullopt;
  out.resize(size);
  return out;
}

}  // namespace

Coding choose_coding(std::string_view accepted) {
  std::array<int, 3> weights{-1, -1, -1};  // by Coding; -1: not named
  int others = 0;                          // "*"
  while (!accepted.empty()) {
    const std::string_view item = accepted.substr(0, accepted.find(','));
    accepted.remove_prefix(std::min(item.size() + 1, accepted.size()));
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view name = without_spaces(item.substr(0, semicolon));
    const int weight = weight_of(item.substr(std::min(semicolon + 1, item.size())));
    if (is_same_name(name, "gzip") || is_same_name(name, "x-gzip")) weights[1] = weight;
    if (is_same_name(name, "zstd")) weights[2] = weight;
    if (name == "*") others = weight;
  }
  const int gzip = weights[1] < 0 ? others : weights[1];
  const int zstd = weights[2] < 0 ? others : weights[2];
  if (gzip == 0 && zstd == 0) return Coding::identity;
  return zstd >= gzip ? Coding::zstd : Coding::gzip;
}

void shorten(Response& response, Coding coding, std::size_t bytes_max) {
  if (coding == Coding::identity || response.body.size() <= kShortMin ||
      response.body.size() > bytes_max || !is_text(response) ||
      find(response, "content-encoding") != nullptr)
    return;
  auto shorter = coding == Coding::gzip ? gzipped(response.body) : zstandard(response.body);
  if (!shorter || shorter->size() >= response.body.size()) return;
  response.body = *std::move(shorter);
  for (Header& header : response.headers)
    if (is_same_name(header.name, "etag") && !header.value.starts_with("W/"))
      header.value.insert(0, "W/");
  response.headers.push_back({"Content-Encoding", coding == Coding::gzip ? "gzip" : "zstd"});
  response.headers.push_back({"Vary", "Accept-Encoding"});
}

}  // namespace reeve::http
