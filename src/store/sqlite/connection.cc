#include "store/sqlite/connection.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/ensure.h"

namespace reeve::store::sqlite {
namespace {

constexpr std::string_view kSaveWhatIsLeft =
    "restore it from a backup (`reeve restore`), or move it away and save what is readable with "
    "`sqlite3 FILE .recover`";

std::string path_of(sqlite3* connection) {
  const char* const path = sqlite3_db_filename(connection, "main");
  return path == nullptr ? "the database" : path;
}

/// What a person can do about the failure.
std::pair<ErrorCode, std::string> advice(int code, int system_error, const std::string& path) {
  if ((code & 0xff) == SQLITE_FULL || system_error == ENOSPC || system_error == EDQUOT) {
    return {ErrorCode::io_failed,
            fmt::format("the disk or quota that holds {} is full: free some space and start again",
                        path)};
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {
          ErrorCode::conflict,
          fmt::format("{} is in use by another program that writes to it: stop that first", path)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {ErrorCode::permission_denied,
              fmt::format("{} cannot be written: it, its directory or its file system is "
                          "read-only; make it writable or choose another state directory",
                          path)};
    case SQLITE_CANTOPEN:
      return {ErrorCode::permission_denied,
              fmt::format("{} cannot be opened or created: its directory must exist and be "
                          "readable and writable for this user",
                          path)};
    case SQLITE_CORRUPT:
      return {ErrorCode::corrupt, fmt::format("{} is damaged: {}", path, kSaveWhatIsLeft)};
    case SQLITE_NOTADB:
      return {ErrorCode::corrupt,
              fmt::format("{} is not a SQLite database, or its beginning is damaged: {}", path,
                          kSaveWhatIsLeft)};
    case SQLITE_ERROR:  // our SQL is right: what it names is missing
      return {ErrorCode::corrupt,
              fmt::format("{} does not hold the tables that it should: {}", path, kSaveWhatIsLeft)};
    case SQLITE_NOMEM:
      return {ErrorCode::exhausted, fmt::format("no memory left to work on {}", path)};
    case SQLITE_TOOBIG:
      return {ErrorCode::invalid_argument,
              fmt::format("a value is too large for {}: the limit is one gigabyte", path)};
    case SQLITE_CONSTRAINT:
      return {ErrorCode::conflict, fmt::format("{} holds this already", path)};
    default:
      return {ErrorCode::io_failed,
              fmt::format("reading or writing {} failed: check the disk and start again", path)};
  }
}

tl::unexpected<Error> failure_of(sqlite3* connection, int code) {
  return tl::unexpected<Error>(error_of(connection, code, path_of(connection)));
}

}  // namespace

Error error_of(sqlite3* connection, int code, const std::string& path) {
  const int system_error = connection == nullptr ? 0 : sqlite3_system_errno(connection);
  const bool io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  auto [kind, message] = advice(code, io ? system_error : 0, path);
  Error error{kind, std::move(message), {}};
  error.causes.push_back(
      fmt::format("SQLite: {} ({})",
                  connection == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(connection), code));
  if (io && system_error != 0) error.causes.emplace_back(std::strerror(system_error));
  return error;
}

tl::unexpected<Error> corrupt(const std::string& path, std::string_view what) {
  return fail(ErrorCode::corrupt,
              fmt::format("{} is damaged: {}; {}", path, what, kSaveWhatIsLeft));
}

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

/// A failed bind is reported by the next step.
void Statement::note(int code) {
  ENSURE(code != SQLITE_RANGE && code != SQLITE_MISUSE);
  if (code != SQLITE_OK) bind_failure_ = code;
}

void Statement::bind(int parameter, std::int64_t value) {
  Slot& slot = slots_[static_cast<std::size_t>(parameter)];
  if (slot.bound == Bound::integer && slot.value == value) return;
  slot = {Bound::integer, value};
  note(sqlite3_bind_int64(statement_.get(), parameter, value));
}

void Statement::bind_real(int parameter, double value) {
  slots_[static_cast<std::size_t>(parameter)].bound = Bound::nothing;
  note(sqlite3_bind_double(statement_.get(), parameter, value));
}

void Statement::bind_null(int parameter) {
  Slot& slot = slots_[static_cast<std::size_t>(parameter)];
  if (slot.bound == Bound::null) return;
  slot.bound = Bound::null;
  note(sqlite3_bind_null(statement_.get(), parameter));
}

void Statement::bind_text(int parameter, std::string_view text) {
  slots_[static_cast<std::size_t>(parameter)].bound = Bound::nothing;
  const char* const data = text.data() == nullptr ? "" : text.data();
  note(sqlite3_bind_text64(statement_.get(), parameter, data, text.size(), SQLITE_STATIC,
                           SQLITE_UTF8));
}

void Statement::bind_blob(int parameter, std::string_view bytes) {
  slots_[static_cast<std::size_t>(parameter)].bound = Bound::nothing;
  const char* const data = bytes.data() == nullptr ? "" : bytes.data();
  note(sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_STATIC));
}

void Statement::bind_text_or_null(int parameter, std::string_view text) {
  if (text.empty()) {
    bind_null(parameter);
  } else {
    bind_text(parameter, text);
  }
}

Result<bool> Statement::step() {
  int code = std::exchange(bind_failure_, SQLITE_OK);
  if (code == SQLITE_OK) code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  auto failure = failure_of(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());
  return failure;
}

Status Statement::run() {
  for (;;) {
    TRY_ASSIGN(const bool row, step());
    if (!row) return {};
  }
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string_view Statement::bytes(int column) const {
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Connection::Closer::operator()(sqlite3* connection) const noexcept {
  sqlite3_close_v2(connection);
}

Result<Connection> Connection::open(const std::string& path, Access access, Duration busy_timeout) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string name = path;
  switch (access) {
    case Access::read_write: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
    case Access::read_only: flags |= SQLITE_OPEN_READONLY; break;
    case Access::immutable:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
      name = "file:";
      for (const char c : path) {  // the three characters that a URI path would end at or decode
        name += c == '?' ? "%3f" : c == '#' ? "%23" : c == '%' ? "%25" : std::string(1, c);
      }
      name += "?immutable=1";
      break;
  }
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
  std::unique_ptr<sqlite3, Closer> handle(raw);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error_of(raw, code, path));
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(busy_timeout).count();
  sqlite3_busy_timeout(raw, static_cast<int>(milliseconds));
  return Connection(std::move(handle), path);
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error_of(handle_.get(), code, path_));
  return Statement(raw);
}

Status Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error_of(handle_.get(), code, path_));
  return {};
}

Result<std::int64_t> Connection::query_integer(std::string_view sql) {
  TRY_ASSIGN(Statement statement, prepare(sql));
  TRY_ASSIGN(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Status Connection::add_module(const std::string& name, const sqlite3_module& module, void* data) {
  const int code = sqlite3_create_module_v2(handle_.get(), name.c_str(), &module, data, nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error_of(handle_.get(), code, path_));
  return {};
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

Result<ReadTransaction> ReadTransaction::begin(Connection& connection) {
  TRY(connection.execute("BEGIN"));
  return ReadTransaction(connection);
}

ReadTransaction::ReadTransaction(ReadTransaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

ReadTransaction::~ReadTransaction() {
  // A read transaction has nothing to lose: whether ending it worked does not matter.
  if (connection_ != nullptr && connection_->in_transaction())
    static_cast<void>(connection_->execute("ROLLBACK"));
}

}  // namespace reeve::store::sqlite
