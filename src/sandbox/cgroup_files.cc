#include "sandbox/cgroup_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

#include <dirent.h>

#include "base/text.h"

namespace reeve::sandbox {
namespace {

/// cgroup.procs is the longest: this holds half a million processes.
constexpr std::size_t kFileBytesMax = std::size_t{4} << 20;
constexpr std::size_t kShownBytesMax = 40;
constexpr int kKeptNumberMax = 2048;

/// Opens, lets `work` use the descriptor, closes; errno or 0.
template <class Work>
int with_file(const std::string& path, int flags, const Work& work) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return errno;
  const int error = work(file);
  ::close(file);
  return error;
}

int read_all(int file, std::string& out) {
  constexpr std::size_t kPiece = 8192;
  while (out.size() <= kFileBytesMax) {
    const std::size_t had = out.size();
    out.resize(had + kPiece);
    const ssize_t got = ::pread(file, out.data() + had, kPiece, static_cast<off_t>(had));
    const int error = errno;
    out.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) return 0;
    if (got < 0 && error != EINTR) return error;
  }
  return EFBIG;
}

tl::unexpected<Error> corrupt(const std::string& path, const std::string& what) {
  return fail(ErrorCode::corrupt,
              path + " " + what + "; is a control group file system mounted there?");
}

}  // namespace

Result<CgroupText> read_cgroup_file(std::string path) {
  CgroupText file{std::move(path), ""};
  const int error =
      with_file(file.path, O_RDONLY, [&](int number) { return read_all(number, file.text); });
  if (error != 0) return fail_errno(error, "cannot read " + file.path);
  return file;
}

Result<CgroupText> KeptCgroupFiles::read(std::string path) {
  const auto at = std::ranges::find(files_, path, &Kept::path);
  if (at != files_.end()) {
    CgroupText file{path, ""};
    struct stat about {};
    const bool is_there = ::fstat(at->file.get(), &about) == 0 && about.st_nlink > 0;
    if (is_there && read_all(at->file.get(), file.text) == 0) return file;
    files_.erase(at);
  }
  Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!opened) return fail_errno(errno, "cannot read " + path);
  CgroupText file{std::move(path), ""};
  if (const int error = read_all(opened.get(), file.text); error != 0)
    return fail_errno(error, "cannot read " + file.path);
  // Of very many groups the last ones do without, before descriptors run out.
  if (opened.get() < kKeptNumberMax) files_.push_back({file.path, std::move(opened)});
  return file;
}

int try_to_write(const std::string& path, std::string_view text) {
  // O_TRUNC means nothing to the kernel's files; it makes ordinary ones, as tests use, come out
  // the same.
  return with_file(path, O_WRONLY | O_TRUNC, [&](int file) {
    ssize_t written = -1;
    do written = ::write(file, text.data(), text.size());
    while (written < 0 && errno == EINTR);
    if (written < 0) return errno;
    return written == static_cast<ssize_t>(text.size()) ? 0 : EIO;
  });
}

Status write_cgroup_file(const std::string& path, std::string_view text) {
  const int error = try_to_write(path, text);
  if (error != 0) return fail_errno(error, "cannot write \"" + std::string(text) + "\" to " + path);
  return {};
}

bool cgroup_file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::vector<std::string> groups_below(const std::string& directory) {
  std::vector<std::string> names;
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> open(::opendir(directory.c_str()), close);
  if (!open) return names;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status {};
    const bool is_directory =
        entry->d_type == DT_DIR ||
        (entry->d_type == DT_UNKNOWN &&
         ::fstatat(::dirfd(open.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode));
    if (is_directory) names.push_back(name);
  }
  return names;
}

std::string path_below(const std::string& directory, std::string_view name) {
  std::string path = directory;
  return path.append("/").append(name);
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n";
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(kBlanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

bool has_word(std::string_view text, std::string_view word) {
  const std::vector<std::string_view> words = words_of(text);
  return std::ranges::find(words, word) != words.end();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::vector<std::string_view> lines_of(std::string_view text) { return split(text, '\n'); }

Result<std::int64_t> parse_number(std::string_view word, const std::string& path) {
  std::int64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number < 0) {
    const std::string shown = sanitize_for_terminal(word.substr(0, kShownBytesMax));
    return corrupt(path, "holds \"" + shown + "\" where a number belongs");
  }
  return number;
}

Result<std::int64_t> only_number(const CgroupText& file) {
  std::string_view text = file.text;
  if (text.ends_with('\n')) text.remove_suffix(1);
  return parse_number(text, file.path);
}

Result<std::optional<std::int64_t>> find_number(const CgroupText& file, std::string_view key) {
  for (const std::string_view line : lines_of(file.text)) {
    if (!line.starts_with(key) || line.size() == key.size() || line[key.size()] != ' ') continue;
    TRY_ASSIGN(const std::int64_t number, parse_number(line.substr(key.size() + 1), file.path));
    return std::optional(number);
  }
  return std::optional<std::int64_t>();
}

Result<std::int64_t> number_of(const CgroupText& file, std::string_view key) {
  TRY_ASSIGN(const std::optional<std::int64_t> number, find_number(file, key));
  if (!number) return corrupt(file.path, "has no line \"" + std::string(key) + "\"");
  return *number;
}

Result<std::int64_t> add(std::int64_t a, std::int64_t b, const std::string& path) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return corrupt(path, "holds numbers that are too large");
  return sum;
}

Result<std::int64_t> multiply(std::int64_t a, std::int64_t b, const std::string& path) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    return corrupt(path, "holds numbers that are too large");
  return product;
}

}  // namespace reeve::sandbox
