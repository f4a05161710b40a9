#include "store/sqlite/snapshot.h"

#include <memory>

#include <fmt/format.h>
#include <sqlite3.h>

#include "store/sqlite/connection.h"

namespace reeve::store::sqlite {
namespace {

struct HandleCloser {
  void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
};
using Handle = std::unique_ptr<sqlite3, HandleCloser>;
constexpr int kBusyMilliseconds = 10'000;

Result<Handle> open_handle(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle handle(raw);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error_of(raw, code, path));
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  return handle;
}

}  // namespace

Status copy_database(const std::string& from, const std::string& to) {
  TRY_ASSIGN(const Handle source, open_handle(from, SQLITE_OPEN_READONLY));
  TRY_ASSIGN(Handle target, open_handle(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  // The copy is private until it is complete: it needs no journal of its own.
  sqlite3_exec(target.get(), "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", nullptr,
               nullptr, nullptr);
  sqlite3_backup* const backup = sqlite3_backup_init(target.get(), "main", source.get(), "main");
  if (backup == nullptr)
    return tl::unexpected<Error>(error_of(target.get(), sqlite3_errcode(target.get()), to));
  // All at once: in steps it would begin anew whenever another process has written.
  const int step = sqlite3_backup_step(backup, -1);
  const int code = sqlite3_backup_finish(backup);
  if (step != SQLITE_DONE)
    return tl::unexpected<Error>(error_of(target.get(), code == SQLITE_OK ? step : code, from));
  target.reset();
  return check_database(to, from);
}

Status check_database(const std::string& path, const std::string& known_as) {
  TRY_ASSIGN(Connection copy, Connection::open(path, Access::immutable, Duration{0}));
  auto said = [&]() -> Result<std::string> {
    TRY_ASSIGN(Statement check, copy.prepare("PRAGMA quick_check(1)"));
    TRY_ASSIGN(const bool row, check.step());
    return row ? std::string(check.bytes(0)) : std::string("no answer");
  }();
  if (!said) return corrupt(known_as, said.error().text());
  if (*said != "ok") return corrupt(known_as, *said);
  return {};
}

}  // namespace reeve::store::sqlite
