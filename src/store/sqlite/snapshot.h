// A copy of a database as it is at one moment, while others go on to write it. Stateless; any
// thread.
#pragma once

#include <string>

#include "base/result.h"

namespace reeve::store::sqlite {

/// Copies `from` into the new file `to`, in one read transaction (SQLite's backup API), and checks
/// the structure of the copy. corrupt: pages of `from` are damaged. `to` is not synced.
Status copy_database(const std::string& from, const std::string& to);
/// Whether the file, which nobody writes, is a sound database.
Status check_database(const std::string& path, const std::string& known_as);

}  // namespace reeve::store::sqlite
