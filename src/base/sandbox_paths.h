// Paths as a sandbox sees them: pure text, nothing is looked up. Shared by the supervisor, which
// composes it, and by whoever has to know afterwards what an attempt could reach. No thread rule.
#pragma once

#include <string>
#include <string_view>

namespace reeve {

/// Not the directory itself.
bool is_path_below(std::string_view path, std::string_view directory);
/// Whether each sandbox has an own one, so that what the machine has there is in none. Such a path
/// cannot be given. REQUIRES a plain path.
bool is_own_of_sandbox(std::string_view path);
/// Absolute, with its dots resolved, but not its links. A relative one begins at `directory`.
std::string plain_path(const std::string& path, const std::string& directory);

}  // namespace reeve
