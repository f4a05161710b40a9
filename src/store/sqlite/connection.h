// One connection to a SQLite file, its prepared statements, and the one place where SQLite's result
// codes become our errors. Knows nothing of Reeve's tables (schema.h, rows.h do). A connection and
// its statements belong to one thread at a time: SQLite's own locks are switched off.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_module;

namespace reeve::store::sqlite {

/// A prepared statement. Parameters are numbered from 1 and columns from 0, as SQLite does. An
/// integer or null that is bound already is not bound again, so rows that differ little are cheap.
class Statement {
 public:
  static constexpr int kParametersMax = 32;

  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  void bind(int parameter, std::int64_t value);
  void bind_null(int parameter);
  void bind_real(int parameter, double value);
  /// The bytes must stay until the statement has run.
  void bind_text(int parameter, std::string_view text);
  void bind_blob(int parameter, std::string_view bytes);
  void bind_text_or_null(int parameter, std::string_view text);  ///< "" is null

  /// True: there is a row. False: done, and ready to be bound and run again.
  Result<bool> step();
  /// Runs to the end; rows are passed over.
  Status run();
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  bool is_null(int column) const;
  std::string_view bytes(int column) const;  ///< text or blob, valid until the next step

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  enum class Bound : std::uint8_t { nothing, null, integer };
  struct Slot {
    Bound bound = Bound::nothing;
    std::int64_t value = 0;
  };
  void note(int code);

  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  std::array<Slot, kParametersMax + 1> slots_{};
  int bind_failure_ = 0;
};

enum class Access : std::uint8_t {
  read_write,  ///< creates the file if there is none
  read_only,
  immutable,  ///< read only, and nobody else can write: no lock or shared memory file is needed
};

class Connection {
 public:
  static Result<Connection> open(const std::string& path, Access access, Duration busy_timeout);

  Result<Statement> prepare(std::string_view sql);
  /// Any number of statements without parameters.
  Status execute(const std::string& sql);
  /// The first column of the first row, 0 if there is none.
  Result<std::int64_t> query_integer(std::string_view sql);
  /// A table of `module` called `name`; both and `data` must stay as long as the connection.
  Status add_module(const std::string& name, const sqlite3_module& module, void* data);
  /// Whether a transaction is open.
  bool in_transaction() const;
  const std::string& path() const { return path_; }

 private:
  struct Closer {
    void operator()(sqlite3* connection) const noexcept;
  };
  Connection(std::unique_ptr<sqlite3, Closer> handle, std::string path)
      : handle_(std::move(handle)),
        path_(std::move(path)) {}

  std::unique_ptr<sqlite3, Closer> handle_;
  std::string path_;
};

/// A read transaction: all that is read during its life belongs to one commit.
class ReadTransaction {
 public:
  static Result<ReadTransaction> begin(Connection& connection);
  ~ReadTransaction();
  ReadTransaction(ReadTransaction&& other) noexcept;
  ReadTransaction& operator=(ReadTransaction&&) = delete;

 private:
  explicit ReadTransaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

/// `code` is what SQLite returned on `connection`; null: there is no connection yet.
Error error_of(sqlite3* connection, int code, const std::string& path);
/// A row or value of `path` that this program cannot have written.
tl::unexpected<Error> corrupt(const std::string& path, std::string_view what);

}  // namespace reeve::store::sqlite
