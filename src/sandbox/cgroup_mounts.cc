#include "sandbox/cgroup_mounts.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "sandbox/cgroup_files.h"

namespace reeve::sandbox {
namespace {

/// A line of proc/self/cgroup: the controllers ("" for version 2) and our path in the hierarchy.
struct Membership {
  std::vector<std::string_view> controllers;
  std::string_view path;
};

std::optional<Membership> read_membership(std::string_view line) {
  const std::size_t first = line.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = line.find(':', first + 1);
  if (second == std::string_view::npos || second + 1 >= line.size()) return std::nullopt;
  if (line[second + 1] != '/') return std::nullopt;
  return Membership{split(line.substr(first + 1, second - first - 1), ','),
                    line.substr(second + 1)};
}

/// mountinfo writes blanks, tabs, line feeds and backslashes as \ooo.
std::string unescape(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      const int value =
          ((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0');
      out.push_back(static_cast<char>(value));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

struct MountLine {
  std::string shown_root;  ///< which part of the hierarchy the mount shows
  std::string mount_point;
  std::string_view kind;
  std::string_view options;
};

std::optional<MountLine> read_mount(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  const auto dash = std::ranges::find(words, "-");
  if (dash - words.begin() < 6 || words.end() - dash < 4) return std::nullopt;
  return MountLine{unescape(words[3]), unescape(words[4]), dash[1], dash[3]};
}

/// "" when the mount does not show our own group.
std::string own_directory(const MountLine& mount, std::string_view path) {
  const std::string_view shown = mount.shown_root == "/" ? "" : std::string_view(mount.shown_root);
  if (!path.starts_with(shown)) return "";
  path.remove_prefix(shown.size());
  if (!path.empty() && path.front() != '/') return "";
  for (const std::string_view part : split(path, '/'))
    if (part == "..") return "";
  return mount.mount_point + (path == "/" ? "" : std::string(path));
}

bool is_of(const Membership& membership, const MountLine& mount) {
  if (mount.kind == "cgroup2") return membership.controllers.empty();
  const std::vector<std::string_view> options = split(mount.options, ',');
  return !membership.controllers.empty() &&
         std::ranges::find(options, membership.controllers.front()) != options.end();
}

}  // namespace

bool CgroupMount::has(std::string_view controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

Result<std::vector<CgroupMount>> cgroup_mounts(const std::string& root) {
  TRY_ASSIGN(const CgroupText where, read_cgroup_file(root + "/proc/self/cgroup"));
  TRY_ASSIGN(const CgroupText mounts, read_cgroup_file(root + "/proc/self/mountinfo"));
  const auto malformed = [](const std::string& path, std::string_view line) {
    return fail(ErrorCode::corrupt, path + " holds a line that it should not hold: \"" +
                                        sanitize_for_terminal(line.substr(0, 80)) + "\"");
  };
  std::vector<Membership> memberships;
  for (const std::string_view line : lines_of(where.text)) {
    const std::optional<Membership> membership = read_membership(line);
    if (!membership) return malformed(where.path, line);
    memberships.push_back(*membership);
  }
  std::vector<CgroupMount> found;
  for (const std::string_view line : lines_of(mounts.text)) {
    const std::optional<MountLine> mount = read_mount(line);
    if (!mount) return malformed(mounts.path, line);
    if (mount->kind != "cgroup" && mount->kind != "cgroup2") continue;
    for (const Membership& membership : memberships) {
      if (!is_of(membership, *mount)) continue;
      const std::string own = own_directory(*mount, membership.path);
      found.push_back({mount->kind == "cgroup2" ? 2 : 1,
                       {membership.controllers.begin(), membership.controllers.end()},
                       root + mount->mount_point,
                       own.empty() ? "" : root + own});
    }
  }
  return found;
}

}  // namespace reeve::sandbox
