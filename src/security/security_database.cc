#include "security/security_database.h"

#include <unistd.h>

#include <array>

#include "security/private_file.h"
#include "store/sqlite/schema.h"

namespace reeve::security {
namespace {

using store::sqlite::Access;
using store::sqlite::Connection;
using store::sqlite::Migration;

// Times are microseconds since 1970, null when unset. Ids of tokens and sets of actions are 64 bits
// of which SQLite sees the sign. No column holds a token, a password or a secret's value.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE roles (
  name TEXT PRIMARY KEY,
  actions TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  label TEXT NOT NULL,
  role TEXT NOT NULL,
  namespaces TEXT NOT NULL,
  only_actions TEXT,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;

CREATE TABLE users (
  name TEXT PRIMARY KEY,
  password TEXT NOT NULL,
  role TEXT NOT NULL,
  namespaces TEXT NOT NULL,
  only_actions TEXT,
  created_at INTEGER NOT NULL,
  disabled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  user TEXT NOT NULL,
  role TEXT NOT NULL,
  namespaces TEXT NOT NULL,
  only_actions TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  set_at INTEGER NOT NULL,
  set_by TEXT NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret_versions (
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 0x52454553;
)sql";

// Whose a token is that somebody got who signed on; null: it is nobody's but its own.
constexpr const char* kVersion2 = "ALTER TABLE tokens ADD COLUMN subject TEXT;";

constexpr auto kSteps = std::to_array<Migration>({{1, kVersion1}, {2, kVersion2}});
constexpr Duration kBusyTimeout = std::chrono::seconds{5};

}  // namespace

Result<Connection> open_security_database(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) {
    const Status made = create_private_file(path, "");
    if (!made && made.error().code != ErrorCode::conflict) return tl::unexpected(made.error());
  }
  TRY(check_private_file(path));
  TRY_ASSIGN(Connection connection, Connection::open(path, Access::read_write, kBusyTimeout));
  TRY(
      connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                         "PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON"));
  TRY(store::sqlite::migrate(connection, kSteps, kSecurityApplicationId));
  return connection;
}

}  // namespace reeve::security
