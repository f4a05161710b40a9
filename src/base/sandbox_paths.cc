#include "base/sandbox_paths.h"

#include <algorithm>
#include <filesystem>

namespace reeve {

bool is_path_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.size() > 1 && path.starts_with('/');
  return path.starts_with(directory) && path.size() > directory.size() &&
         path[directory.size()] == '/';
}

bool is_own_of_sandbox(std::string_view path) {
  constexpr std::string_view kOwn[] = {"/proc", "/dev", "/sys", "/run/reeve"};
  return path == "/" || path == "/tmp" || std::ranges::any_of(kOwn, [&](std::string_view own) {
           return path == own || is_path_below(path, own);
         });
}

std::string plain_path(const std::string& path, const std::string& directory) {
  const std::string full = path.starts_with('/') ? path : directory + "/" + path;
  std::string text = std::filesystem::path(full).lexically_normal().string();
  if (text.starts_with("//")) text.erase(0, 1);
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace reeve
