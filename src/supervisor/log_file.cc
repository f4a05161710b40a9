#include "supervisor/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/ensure.h"
#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

constexpr std::string_view kLogMagic = "REEVELOG";
constexpr std::uint32_t kVersion = 1;
constexpr unsigned char kFrameMark = 0xA7;
constexpr std::size_t kLogReadBytes = 256U << 10;

template <class Number>
void put(char* to, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    to[i] = static_cast<char>((static_cast<std::uint64_t>(number) >> (8 * i)) & 0xffU);
}

template <class Number>
Number get(const char* from) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    number |= static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  return static_cast<Number>(number);
}

}  // namespace

bool LogWriter::open() {
  if (file_) return true;
  Fd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!file && errno == ENOENT) {
    if (!make_parent_directories(path_)) return false;
    file.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  }
  if (!file) return false;
  std::array<char, kLogHeaderBytes> header{};
  std::memcpy(header.data(), kLogMagic.data(), kLogMagic.size());
  put(header.data() + 8, kVersion);
  put(header.data() + 12, std::uint32_t{kLogHeaderBytes});
  put(header.data() + 16, token_.value);
  if (::write(file.get(), header.data(), header.size()) != std::ssize(header)) return false;
  file_ = std::move(file);
  size_ = kLogHeaderBytes;
  return true;
}

bool LogWriter::write_frame(Time at, LogStream stream, std::string_view bytes) {
  std::array<char, kFrameHeaderBytes> header{};
  header[0] = static_cast<char>(kFrameMark);
  header[1] = static_cast<char>(stream);
  put(header.data() + 4, static_cast<std::uint32_t>(bytes.size()));
  put(header.data() + 8, static_cast<std::int64_t>(at.time_since_epoch().count()));
  const std::array<iovec, 2> parts{
      iovec{header.data(), header.size()},
      iovec{const_cast<char*>(bytes.data()), bytes.size()},
  };
  const auto total = static_cast<ssize_t>(header.size() + bytes.size());
  ssize_t written = 0;
  do {
    written = ::pwritev(file_.get(), parts.data(), static_cast<int>(parts.size()), size_);
  } while (written < 0 && errno == EINTR);
  if (written == total) {
    size_ += total;
    return true;
  }
  if (written >= 0) errno = ENOSPC;
  const int error = errno;
  // A torn frame in the middle would end every reader's way: take it back.
  if (::ftruncate(file_.get(), size_) != 0) file_.reset();
  errno = error;
  return false;
}

void LogWriter::report_loss(Time at) {
  std::string text = std::to_string(lost_unreported_);
  text.append(" bytes of output were lost: ").append(std::strerror(error_));
  if (write_frame(at, LogStream::notice, text)) lost_unreported_ = 0;
}

void LogWriter::append(Time at, LogStream stream, std::string_view bytes) {
  ENSURE(bytes.size() <= kFrameBytesMax);
  const auto count = static_cast<std::int64_t>(bytes.size());
  if (open()) {
    if (lost_unreported_ > 0) report_loss(at);
    if (lost_unreported_ == 0 && write_frame(at, stream, bytes)) {
      if (stream != LogStream::notice) stored_bytes_ += count;
      return;
    }
  }
  error_ = errno;
  if (stream == LogStream::notice) return;
  lost_bytes_ += count;
  lost_unreported_ += count;
}

Result<LogReader> LogReader::open(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return fail(ErrorCode::not_found, "no log at " + path);
  if (!file) return fail_errno(errno, "cannot open the log " + path);
  LogReader reader(std::move(file));
  TRY_ASSIGN(const bool whole, reader.fill(kLogHeaderBytes));
  if (!whole) return fail(ErrorCode::not_found, "the log " + path + " is still empty");
  if (reader.buffer_.compare(0, kLogMagic.size(), kLogMagic) != 0)
    return fail(ErrorCode::corrupt, path + " is not a log file of reeve");
  if (get<std::uint32_t>(reader.buffer_.data() + 8) != kVersion)
    return fail(ErrorCode::unsupported, path + " was written by another version of reeve");
  reader.token_ = Token{get<std::uint64_t>(reader.buffer_.data() + 16)};
  reader.position_ = get<std::uint32_t>(reader.buffer_.data() + 12);
  return reader;
}

/// Whether `count` bytes at position_ are in buffer_, after reading more where needed.
Result<bool> LogReader::fill(std::size_t count) {
  const auto used = static_cast<std::size_t>(position_ - buffer_start_);
  if (used > buffer_.size()) {
    buffer_.clear();
    buffer_start_ = position_;
  } else if (buffer_.size() - used >= count) {
    return true;
  } else {
    buffer_.erase(0, used);
    buffer_start_ = position_;
  }
  while (buffer_.size() < count) {
    const std::size_t had = buffer_.size();
    buffer_.resize(had + std::max(kLogReadBytes, count - had));
    const ssize_t got = ::pread(file_.get(), buffer_.data() + had, buffer_.size() - had,
                                buffer_start_ + static_cast<std::int64_t>(had));
    const int error = errno;
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return fail_errno(error, "cannot read the log");
    if (got == 0) return false;
  }
  return true;
}

Result<std::optional<LogFrame>> LogReader::next() {
  TRY_ASSIGN(const bool has_header, fill(kFrameHeaderBytes));
  if (!has_header) return std::nullopt;
  const char* header = buffer_.data() + (position_ - buffer_start_);
  const auto stream = static_cast<std::uint8_t>(header[1]);
  const auto length = get<std::uint32_t>(header + 4);
  if (static_cast<unsigned char>(header[0]) != kFrameMark || stream < 1 || stream > 3 ||
      length > kFrameBytesMax) {
    return fail(ErrorCode::corrupt,
                "the log is damaged at byte " + std::to_string(position_) + ": no frame there");
  }
  TRY_ASSIGN(const bool has_bytes, fill(kFrameHeaderBytes + length));
  if (!has_bytes) return std::nullopt;
  header = buffer_.data() + (position_ - buffer_start_);
  LogFrame frame;
  frame.at = Time{Duration{get<std::int64_t>(header + 8)}};
  frame.stream = static_cast<LogStream>(stream);
  frame.bytes = {header + kFrameHeaderBytes, length};
  position_ += static_cast<std::int64_t>(kFrameHeaderBytes + length);
  return frame;
}

void LogReader::seek(std::int64_t position) {
  position_ = position;
  buffer_.clear();
  buffer_start_ = position;
}

}  // namespace reeve::supervisor
