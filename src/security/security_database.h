// STATE/security.db: its tables and their versions. docs/security.md describes them. Stateless; a
// connection belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace reeve::security {

/// "REES"
inline constexpr std::int64_t kSecurityApplicationId = 0x52454553;

/// Makes the file (0600) if there is none, and brings an older one up to date. Refuses a file of
/// somebody else, a newer one, and one with damaged pages.
Result<store::sqlite::Connection> open_security_database(const std::string& path);

/// All or nothing: `change` works inside a transaction.
template <class Change>
Status in_transaction(store::sqlite::Connection& connection, Change change) {
  TRY(connection.execute("BEGIN IMMEDIATE"));
  Status done = change();
  if (done) done = connection.execute("COMMIT");
  if (!done && connection.in_transaction())
    static_cast<void>(connection.execute("ROLLBACK"));  // its failure would hide the first one
  return done;
}

}  // namespace reeve::security
