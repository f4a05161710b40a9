#include "http/reply_reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace reeve::http {
namespace {

constexpr std::size_t kHeadBytesMax = std::size_t{64} << 10;  ///< also of a line between chunks

auto malformed(std::string_view what) {
  return fail(ErrorCode::unavailable, fmt::format("the reply is not HTTP: {}", what));
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::size_t> whole_number(std::string_view text, int base) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

Result<bool> ReplyReader::add(std::string_view bytes) {
  in_.append(bytes);
  while (phase_ != Phase::done) {
    TRY_ASSIGN(const bool goes_on, step());
    if (!goes_on) break;
  }
  in_.erase(0, at_);
  at_ = 0;
  if (phase_ == Phase::head && in_.size() > kHeadBytesMax) return malformed("its head is too long");
  if (phase_ == Phase::done && !in_.empty()) return malformed("bytes follow it");
  // Of a body everything has been taken: this is a line that does not end.
  if (in_.size() > kHeadBytesMax) return malformed("a line between its chunks is too long");
  return phase_ == Phase::done;
}

Status ReplyReader::end() {
  keeps_alive_ = false;
  if (phase_ == Phase::rest) phase_ = Phase::done;
  if (phase_ == Phase::done) return {};
  return fail(ErrorCode::unavailable, "the connection ended before the reply did");
}

/// False: more bytes are needed.
Result<bool> ReplyReader::step() {
  switch (phase_) {
    case Phase::head: return read_head();
    case Phase::chunk_size: return read_chunk_size();
    case Phase::body:
    case Phase::chunk:
    case Phase::rest: {
      const std::size_t there = in_.size() - at_;
      const std::size_t bytes = phase_ == Phase::rest ? there : std::min(missing_, there);
      TRY(take_body(bytes));
      if (phase_ == Phase::rest) return false;
      missing_ -= bytes;
      if (missing_ > 0) return false;
      phase_ = phase_ == Phase::body ? Phase::done : Phase::chunk_end;
      return true;
    }
    case Phase::chunk_end: {
      const auto line = take_line();
      if (!line) return false;
      if (!line->empty()) return malformed("a chunk is longer than it says");
      phase_ = Phase::chunk_size;
      return true;
    }
    case Phase::trailer: {
      const auto line = take_line();
      if (!line) return false;
      if (line->empty()) phase_ = Phase::done;
      return true;
    }
    case Phase::done: break;
  }
  return false;
}

std::optional<std::string_view> ReplyReader::take_line() {
  const std::size_t end = in_.find("\r\n", at_);
  if (end == std::string::npos) return std::nullopt;
  const std::string_view line = std::string_view(in_).substr(at_, end - at_);
  at_ = end + 2;
  return line;
}

Status ReplyReader::take_body(std::size_t bytes) {
  if (response_.body.size() + bytes > body_bytes_max_)
    return fail(ErrorCode::exhausted,
                fmt::format("the reply is longer than {} bytes: ask for less", body_bytes_max_));
  response_.body.append(in_, at_, bytes);
  at_ += bytes;
  return {};
}

Result<bool> ReplyReader::read_head() {
  const std::size_t end = in_.find("\r\n\r\n", at_);
  if (end == std::string::npos) return false;
  if (end - at_ > kHeadBytesMax) return malformed("its head is too long");
  const std::string_view first = *take_line();
  const auto status = first.size() >= 12 ? whole_number(first.substr(9, 3), 10) : std::nullopt;
  if (!first.starts_with("HTTP/1.") || !status || *status < 100)
    return malformed("its first line is none of HTTP/1.1");
  response_ = {.status = static_cast<int>(*status), .headers = {}, .body = {}};
  keeps_alive_ = first.starts_with("HTTP/1.1");
  length_.reset();
  is_chunked_ = false;
  while (at_ < end + 2) TRY(read_header(*take_line()));
  take_line();
  // Such as 100: the reply itself comes behind it.
  if (response_.status < 200) return true;
  TRY(choose_body());
  return true;
}

Status ReplyReader::read_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.front() == ' ' || line.front() == '\t')
    return malformed("a header without a name");
  Header header{lower_case(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))};
  if (header.name == "content-length") {
    const auto length = whole_number(header.value, 10);
    if (!length || (length_ && *length_ != *length)) return malformed("its Content-Length");
    length_ = length;
  } else if (header.name == "transfer-encoding") {
    if (lower_case(header.value) != "chunked" || is_chunked_)
      return malformed("its Transfer-Encoding");
    is_chunked_ = true;
  } else if (header.name == "connection" && lower_case(header.value) == "close") {
    keeps_alive_ = false;
  }
  response_.headers.push_back(std::move(header));
  return {};
}

Status ReplyReader::choose_body() {
  if (is_chunked_ && length_) return malformed("two lengths");
  const bool is_empty = !has_body_ || response_.status == 204 || response_.status == 304;
  if (is_empty || length_ == 0U) {
    phase_ = Phase::done;
  } else if (is_chunked_) {
    phase_ = Phase::chunk_size;
  } else if (length_) {
    phase_ = Phase::body;
    missing_ = *length_;
  } else {
    phase_ = Phase::rest;
    keeps_alive_ = false;
  }
  return {};
}

Result<bool> ReplyReader::read_chunk_size() {
  const auto line = take_line();
  if (!line) return false;
  const auto size = whole_number(trimmed(line->substr(0, line->find(';'))), 16);
  if (!size) return malformed("the size of a chunk");
  missing_ = *size;
  phase_ = *size == 0 ? Phase::trailer : Phase::chunk;
  return true;
}

}  // namespace reeve::http
