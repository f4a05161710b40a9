#include "images/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/ensure.h"
#include "base/image_reference.h"

namespace reeve::images {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecordBytesMax = 1U << 20;
constexpr std::string_view kDirectories[] = {"",       "/images",       "/layers",   "/blobs",
                                             "/pulls", "/blobs/sha256", "/unpacking"};

std::optional<std::string> read_record(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  if (static_cast<std::size_t>(about.st_size) > kRecordBytesMax) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  if (::read(file.get(), bytes.data(), bytes.size()) != about.st_size) return std::nullopt;
  return bytes;
}

std::optional<Image> decode_record(const std::string& path) {
  const auto bytes = read_record(path);
  if (!bytes) return std::nullopt;
  Image image;
  Reader reader(*bytes);
  if (!decode(reader, image) || !reader.at_end()) return std::nullopt;
  const auto is_sound = [](const Layer& layer) {
    return is_sha256(layer.blob) && is_sha256(layer.content) && layer.bytes >= 0;
  };
  if (image.layers.empty() || image.layers.size() > kLayersMax || !is_sha256(image.digest) ||
      !std::ranges::all_of(image.layers, is_sound))
    return std::nullopt;
  return image;
}

struct Record {
  std::string path;
  fs::file_time_type used;
  Image image;
};

/// Least recently used first.
std::vector<Record> all_records(const std::string& directory) {
  std::vector<Record> records;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    auto image = decode_record(entry.path().string());
    if (!image) {
      fs::remove(entry.path(), error);
      continue;
    }
    records.push_back({entry.path().string(), entry.last_write_time(error), *std::move(image)});
  }
  std::ranges::sort(records, [](const Record& left, const Record& right) {
    return left.used != right.used ? left.used < right.used : left.path < right.path;
  });
  return records;
}

/// Each layer once, however many images have it.
std::int64_t bytes_of_all(const std::vector<Record>& records) {
  std::set<std::string_view> counted;
  std::int64_t bytes = 0;
  for (const Record& record : records) {
    for (const Layer& layer : record.image.layers)
      if (counted.insert(layer.content).second) bytes += layer.bytes;
  }
  return bytes;
}

}  // namespace

std::string_view digits_of(std::string_view digest) {
  ENSURE(is_sha256(digest));
  return digest.substr(kSha256DigitsAt);
}

Status remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(ErrorCode::io_failed, "cannot remove " + path + ": " + error.message());
  return {};
}

std::string Store::record_path(std::string_view digest) const {
  return directory_ + "/images/" + std::string(digits_of(digest));
}
std::string Store::layer_path(std::string_view content) const {
  return layers() + "/" + std::string(digits_of(content));
}
std::string Store::blob_path(std::string_view digest) const {
  return blobs() + "/sha256/" + std::string(digits_of(digest));
}
std::string Store::unpacking_path(std::string_view content) const {
  return directory_ + "/unpacking/" + std::string(digits_of(content));
}
std::string Store::pull_path(std::string_view digest) const {
  return directory_ + "/pulls/" + std::string(digits_of(digest));
}

Status Store::open() const {
  for (const std::string_view below : kDirectories) {
    const std::string path = directory_ + std::string(below);
    // Attempts reach what is in layers/ by its name; the rest is the engine's.
    const mode_t mode = below == "/layers" ? 0711 : 0700;
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
      return fail_errno(errno, "cannot make the store of images " + path);
    if (::chmod(path.c_str(), mode) != 0)
      return fail_errno(errno, "cannot set the rights of " + path);
  }
  return {};
}

bool Store::has_layer(std::string_view content) const {
  struct stat about {};
  return ::lstat(layer_path(content).c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

std::optional<std::int64_t> Store::bytes_of(std::string_view content) const {
  for (const Record& record : all_records(directory_ + "/images")) {
    const auto found = std::ranges::find(record.image.layers, content, &Layer::content);
    if (found != record.image.layers.end()) return found->bytes;
  }
  return std::nullopt;
}

std::optional<Image> Store::find(std::string_view digest) const {
  auto image = decode_record(record_path(digest));
  if (!image) return std::nullopt;
  const bool is_whole = std::ranges::all_of(
      image->layers, [&](const Layer& layer) { return has_layer(layer.content); });
  return is_whole ? image : std::nullopt;
}

Status Store::save(const Image& image, const std::string& digest) const {
  std::string bytes;
  Writer writer(bytes);
  encode(writer, image);
  const std::string path = record_path(digest);
  const std::string temporary = unpacking_path(digest) + ".record";
  const Fd file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::write(file.get(), bytes.data(), bytes.size()) != std::ssize(bytes) ||
      ::fsync(file.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0)
    return fail_errno(errno, "cannot write " + path);
  return {};
}

void Store::touch(std::string_view digest) const {
  // Its only meaning is the order of removal, so it may fail.
  static_cast<void>(::utimensat(AT_FDCWD, record_path(digest).c_str(), nullptr, 0) == 0);
}

Result<Fd> Store::lock() const {
  const std::string path = directory_ + "/lock";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno(errno, "cannot open " + path);
  while (::flock(file.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail_errno(errno, "cannot lock " + path);
  return file;
}

Result<std::int64_t> Store::collect(std::int64_t bytes_max,
                                    const std::vector<std::string>& kept) const {
  std::vector<Record> records = all_records(directory_ + "/images");
  std::error_code error;
  for (std::size_t i = 0; i < records.size() && bytes_of_all(records) > bytes_max;) {
    const bool is_kept = std::ranges::find(kept, records[i].image.digest) != kept.end();
    if (is_kept) {
      ++i;
      continue;
    }
    fs::remove(records[i].path, error);
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::set<std::string> wanted;
  for (const Record& record : records) {
    for (const Layer& layer : record.image.layers) {
      wanted.emplace(digits_of(layer.content));
      wanted.emplace(digits_of(layer.blob));
    }
  }
  for (const std::string& place : {layers(), blobs() + "/sha256"}) {
    for (const auto& entry : fs::directory_iterator(place, error)) {
      if (wanted.contains(entry.path().filename().string())) continue;
      TRY(remove_tree(entry.path().string()));
    }
  }
  return bytes_of_all(records);
}

}  // namespace reeve::images
