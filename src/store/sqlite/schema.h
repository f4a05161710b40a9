// The tables and how older files become today's: numbered migrations, each in its own transaction
// (docs/storage-format.md). Refuses files of a newer Reeve and files of other programs. No state;
// works on the thread that owns the connection.
#pragma once

#include <cstdint>
#include <span>

#include "store/sqlite/connection.h"

namespace reeve::store::sqlite {

/// "REEV": what `PRAGMA application_id` of our files says.
inline constexpr std::int64_t kApplicationId = 0x52454556;

struct Migration {
  std::int64_t to = 0;  ///< the version that the file has afterwards; one more than before
  const char* sql = nullptr;
};
/// All that were ever released, oldest first. The first makes an empty file ours.
std::span<const Migration> migrations();

/// Brings the file up to the last of `steps`. A crash leaves it at the version before or after.
/// `application_id`: what the first step makes the file say; other databases have one of their own.
Status migrate(Connection& connection, std::span<const Migration> steps,
               std::int64_t application_id = kApplicationId);

/// Ok if the file is empty, or ours and not from a newer Reeve. Changes nothing.
Status check_ours(Connection& connection);

/// For readers, who change nothing: ok only if the file is ours and of the newest version.
Status check_version(Connection& connection);

}  // namespace reeve::store::sqlite
