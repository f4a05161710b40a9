#include "cli/gzip_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include <fmt/format.h>
#include <zlib.h>

#include "base/fd.h"
#include "base/resources.h"

namespace reeve::cli {
namespace {

using GzipFile = std::unique_ptr<gzFile_s, decltype(&::gzclose_r)>;

}  // namespace

Result<std::string> read_maybe_gzipped(const std::string& path, std::size_t bytes_max) {
  Fd file(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot read " + path);
  struct stat about {};
  if (::fstat(file.get(), &about) == 0 && S_ISDIR(about.st_mode))
    return fail(ErrorCode::invalid_argument, path + " is a directory; name a file in it");
  const GzipFile reader(::gzdopen(file.get(), "rb"), &::gzclose_r);
  if (!reader) return fail(ErrorCode::exhausted, "no memory to read " + path);
  static_cast<void>(file.release());  // the reader closes it
  constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
  std::string text;
  while (true) {
    const std::size_t before = text.size();
    text.resize(before + kChunkBytes);
    const int got = ::gzread(reader.get(), text.data() + before, kChunkBytes);
    text.resize(before + static_cast<std::size_t>(got < 0 ? 0 : got));
    int error = Z_OK;
    const char* const why = ::gzerror(reader.get(), &error);
    if (got < 0 || error != Z_OK)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("cannot unpack {}: {}; fetch it again", path, why));
    if (text.size() > bytes_max)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} unpacks to more than {}", path,
                              format_bytes(static_cast<std::int64_t>(bytes_max))));
    if (got == 0) return text;
  }
}

}  // namespace reeve::cli
