#include "images/layer_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/text.h"

namespace reeve::images {
namespace {

constexpr std::string_view kMark = ".wh.";
constexpr std::string_view kReservedMark = ".wh..wh.";
constexpr std::string_view kOpaqueMark = ".wh..wh..opq";
constexpr const char* kOpaqueAttribute = "user.overlay.opaque";
constexpr std::size_t kPathBytesMax = 4096;
constexpr std::size_t kNameBytesMax = 255;

tl::unexpected<Error> refuse(std::string_view path, std::string_view why) {
  return fail(ErrorCode::corrupt,
              "the layer is refused: '" + sanitize_for_terminal(path) + "' " + std::string(why));
}

tl::unexpected<Error> fail_at(std::string_view path, int error) {
  auto failure =
      fail_errno(error, "cannot unpack '" + sanitize_for_terminal(path) + "' of the layer");
  // Of the disk, not of what was asked for.
  failure.value().code = ErrorCode::io_failed;
  return failure;
}

std::string_view last_part(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

bool is_hidden_mark(const struct stat& about) {
  return S_ISCHR(about.st_mode) && about.st_rdev == 0;
}

Status set_opaque(int directory, std::string_view path) {
  if (::fsetxattr(directory, kOpaqueAttribute, "y", 1, 0) == 0) return {};
  if (errno == EOPNOTSUPP)
    return fail(ErrorCode::unsupported,
                "the file system of the state directory has no extended attributes (user.*), which "
                "this image needs; use --state on another one, such as ext4 or xfs");
  return fail_at(path, errno);
}

/// A directory can always be entered and changed by its owner, who has to remove it some day.
mode_t directory_mode(mode_t mode) { return (mode & 01777) | 0700; }
mode_t file_mode(mode_t mode) { return mode & 0777; }

int open_part(int parent, const std::string& name) {
  return ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void set_time(int file, std::int64_t modified) {
  const timespec times[2] = {{modified, 0}, {modified, 0}};
  // Of no consequence: a time that the file system cannot hold is not worth refusing an image.
  static_cast<void>(::futimens(file, times) == 0);
}

}  // namespace

bool LayerTree::is_mark(std::string_view path) { return last_part(path).starts_with(kMark); }

/// Splits the path; "" and "." mean nothing, ".." is refused.
static Result<std::vector<std::string>> parts_of(std::string_view path) {
  if (path.size() > kPathBytesMax) return refuse(path.substr(0, 64), "is too long a path");
  std::vector<std::string> parts;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return refuse(path, "leads out of it");
    if (part.size() > kNameBytesMax) return refuse(path.substr(0, 64), "has too long a name");
    if (part.find('\0') != std::string_view::npos) return refuse(path, "holds a NUL");
    parts.emplace_back(part);
  }
  return parts;
}

Result<LayerTree::Place> LayerTree::place_of(std::string_view path, Missing parents) {
  TRY_ASSIGN(std::vector<std::string> parts, parts_of(path));
  if (parts.empty()) return Place{root_.get(), ""};
  Place place;
  place.name = std::move(parts.back());
  parts.pop_back();
  if (parts.empty()) {
    place.parent = root_.get();
    return place;
  }
  std::string above;
  for (const std::string& part : parts) above.append(part).push_back('/');
  if (parent_ && above == parent_path_) {
    place.parent = parent_.get();
    return place;
  }
  Fd at;
  for (const std::string& part : parts) {
    const int from = at ? at.get() : root_.get();
    Fd next(open_part(from, part));
    if (!next && errno == ENOENT && parents == Missing::made) {
      if (::mkdirat(from, part.c_str(), 0755) != 0) return fail_at(path, errno);
      next.reset(open_part(from, part));
    }
    if (!next && (errno == ELOOP || errno == ENOTDIR))
      return refuse(path,
                    "goes through '" + sanitize_for_terminal(part) + "', which is no directory");
    if (!next && errno == ENOENT) return refuse(path, "is not in it");
    if (!next) return fail_at(path, errno);
    at = std::move(next);
  }
  parent_ = std::move(at);
  parent_path_ = std::move(above);
  place.parent = parent_.get();
  return place;
}

/// Makes room: what the layer has there already is replaced, unless it is a directory.
Status LayerTree::clear(const Place& place, bool& was_hidden) {
  was_hidden = false;
  struct stat about {};
  if (place.name.empty()) return refuse(".", "is to become something else than a directory");
  if (::fstatat(place.parent, place.name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) return {};
  if (S_ISDIR(about.st_mode)) return refuse(place.name, "is a directory and something else");
  was_hidden = is_hidden_mark(about);
  if (::unlinkat(place.parent, place.name.c_str(), 0) != 0) return fail_at(place.name, errno);
  return {};
}

Status LayerTree::make_directory(std::string_view path, const EntryTraits& traits) {
  TRY_ASSIGN(const Place place, place_of(path, Missing::made));
  bool was_hidden = false;
  Fd made;
  if (place.name.empty()) {
    made.reset(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  } else {
    made.reset(open_part(place.parent, place.name));
    if (!made) {
      if (errno != ENOENT) TRY(clear(place, was_hidden));
      if (::mkdirat(place.parent, place.name.c_str(), 0700) != 0) return fail_at(path, errno);
      made.reset(open_part(place.parent, place.name));
    }
  }
  if (!made) return fail_at(path, errno);
  if (was_hidden) TRY(set_opaque(made.get(), path));
  // Where the root of all is closed, nothing of the image could be reached.
  const mode_t mode = directory_mode(traits.mode) | (place.name.empty() ? 0055 : 0);
  if (::fchmod(made.get(), mode) != 0) return fail_at(path, errno);
  set_time(made.get(), traits.modified);
  return {};
}

Result<Fd> LayerTree::make_file(std::string_view path, const EntryTraits& traits) {
  TRY_ASSIGN(const Place place, place_of(path, Missing::made));
  bool was_hidden = false;
  TRY(clear(place, was_hidden));
  Fd file(::openat(place.parent, place.name.c_str(),
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   file_mode(traits.mode) | 0200));
  if (!file) return fail_at(path, errno);
  return file;
}

Status LayerTree::finish(const Fd& file, std::int64_t size, const EntryTraits& traits) {
  // What the archive leaves out at the end is a hole.
  if (::ftruncate(file.get(), size) != 0 || ::fchmod(file.get(), file_mode(traits.mode)) != 0)
    return fail_at("a file", errno);
  set_time(file.get(), traits.modified);
  return {};
}

Status LayerTree::make_symbolic_link(std::string_view path, const std::string& target) {
  TRY_ASSIGN(const Place place, place_of(path, Missing::made));
  if (target.empty() || target.size() >= kPathBytesMax) return refuse(path, "is a link to nothing");
  bool was_hidden = false;
  TRY(clear(place, was_hidden));
  // Wherever it points: it is followed only below the root that the image becomes.
  if (::symlinkat(target.c_str(), place.parent, place.name.c_str()) != 0)
    return fail_at(path, errno);
  return {};
}

Status LayerTree::make_hard_link(std::string_view path, std::string_view target) {
  TRY_ASSIGN(const Place from, place_of(target, Missing::refused));
  const Fd source_parent(::fcntl(from.parent, F_DUPFD_CLOEXEC, 0));
  struct stat about {};
  if (from.name.empty() ||
      ::fstatat(source_parent.get(), from.name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0)
    return refuse(path, "is a hard link to '" + sanitize_for_terminal(target) +
                            "', which is not in the layer");
  if (!S_ISREG(about.st_mode) && !S_ISLNK(about.st_mode))
    return refuse(path, "is a hard link to what is no file");
  TRY_ASSIGN(const Place place, place_of(path, Missing::made));
  struct stat there {};
  // A link to itself would remove it first.
  if (!place.name.empty() &&
      ::fstatat(place.parent, place.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      there.st_ino == about.st_ino)
    return {};
  bool was_hidden = false;
  TRY(clear(place, was_hidden));
  if (::linkat(source_parent.get(), from.name.c_str(), place.parent, place.name.c_str(), 0) != 0)
    return fail_at(path, errno);
  return {};
}

Status LayerTree::make_mark(std::string_view path) {
  const std::string_view mark = last_part(path);
  TRY_ASSIGN(Place place, place_of(path, Missing::made));
  if (mark == kOpaqueMark) return set_opaque(place.parent, path);
  // Of other systems, which keep their own things under such names.
  if (mark.starts_with(kReservedMark)) return {};
  place.name = mark.substr(kMark.size());
  if (place.name.empty() || place.name == "." || place.name == "..")
    return refuse(path, "hides nothing that has a name");
  struct stat about {};
  if (::fstatat(place.parent, place.name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0) {
    // What the same layer holds stays, and hides by itself what lies below; a directory only if it
    // is told to.
    if (!S_ISDIR(about.st_mode)) return {};
    const Fd directory(open_part(place.parent, place.name));
    return directory ? set_opaque(directory.get(), path) : fail_at(path, errno);
  }
  if (::mknodat(place.parent, place.name.c_str(), S_IFCHR, 0) != 0) return fail_at(path, errno);
  return {};
}

}  // namespace reeve::images
