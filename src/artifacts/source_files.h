// Finds and opens the files that a task declared. A relative path stays below the task's work
// directory whatever it says (openat2, RESOLVE_BENEATH). What an enclosed task could not read by
// itself is not opened: it stays below a place that the task was given, on that file system, and
// each directory on the way and the file have to let it. No path goes through a symbolic link, that
// of the work directory included: a task may have left it. Only regular files are opened: a link,
// device, fifo or socket is refused before it is opened, so nothing blocks and nothing outside is
// read by accident. Free functions; thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "artifacts/source_scope.h"
#include "base/fd.h"
#include "base/result.h"

namespace reeve::artifacts {

inline constexpr std::size_t kMatchesMax = 10'000;  ///< of one path with a glob

/// Calls `visit` with each file, in order of names, until one fails; returns how many there were.
/// `path` is absolute or relative to the directory of the scope; its last component may hold * and
/// ?, which match no leading dot and pass over folders. 0: there is no such file.
using SourceVisit = std::function<Status(const Fd& file, const std::string& name)>;
Result<std::size_t> visit_sources(const SourceScope& scope, const std::string& path,
                                  const SourceVisit& visit);

/// Whether `name` fits `pattern`: * is any run of characters, ? any one.
bool matches_glob(std::string_view pattern, std::string_view name);

}  // namespace reeve::artifacts
