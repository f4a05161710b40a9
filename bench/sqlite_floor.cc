// The floor under every durable queue on SQLite: five prepared row operations a task, WAL,
// synchronous=FULL, a thousand tasks a transaction, and nothing else. Prints the seconds.
//
//   sqlite_floor FILE TASKS
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <sqlite3.h>

#include "base/ensure.h"

namespace {

constexpr int kBatch = 1000;
constexpr sqlite3_int64 kMoment = 1'764'000'000'000'000;  // microseconds: in November 2025

constexpr const char* kTables =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "CREATE TABLE tasks (id INTEGER PRIMARY KEY, state INTEGER, since INTEGER) STRICT;"
    "CREATE TABLE attempts (id INTEGER PRIMARY KEY, task INTEGER, ended INTEGER) STRICT;"
    "CREATE TABLE journal (step INTEGER PRIMARY KEY, events BLOB) STRICT";
constexpr std::array kOperations = {
    "INSERT INTO tasks VALUES (?1, 1, ?2)",
    "UPDATE tasks SET state = 8, since = ?2 WHERE id = ?1",
    "INSERT INTO attempts VALUES (?1, ?1, ?2)",
    "UPDATE attempts SET ended = ?2 WHERE id = ?1",
    "INSERT INTO journal VALUES (?1, zeroblob(64 + ?2 * 0))",
};
using Statements = std::array<sqlite3_stmt*, kOperations.size()>;

void execute(sqlite3* connection, const char* sql) {
  ENSURE(sqlite3_exec(connection, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

void one_task(const Statements& statements, int task) {
  for (sqlite3_stmt* const statement : statements) {
    sqlite3_bind_int64(statement, 1, task);
    sqlite3_bind_int64(statement, 2, kMoment + task);
    ENSURE(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_reset(statement);
  }
}

double measure(const char* file, int tasks) {
  sqlite3* connection = nullptr;
  ENSURE(sqlite3_open(file, &connection) == SQLITE_OK);
  execute(connection, kTables);
  Statements statements{};
  for (std::size_t i = 0; i < statements.size(); ++i) {
    ENSURE(sqlite3_prepare_v2(connection, kOperations[i], -1, &statements[i], nullptr) ==
           SQLITE_OK);
  }
  const auto began = std::chrono::steady_clock::now();
  for (int first = 0; first < tasks; first += kBatch) {
    execute(connection, "BEGIN IMMEDIATE");
    for (int i = first; i < std::min(first + kBatch, tasks); ++i) one_task(statements, i);
    execute(connection, "COMMIT");
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  for (sqlite3_stmt* const statement : statements) sqlite3_finalize(statement);
  sqlite3_close(connection);
  return took.count();
}

}  // namespace

int main(int argc, char** argv) {
  int tasks = 0;
  if (argc == 3) std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), tasks);
  if (tasks < 1) {
    std::fputs("usage: sqlite_floor FILE TASKS\n", stderr);
    return 2;
  }
  std::printf("%.6f\n", measure(argv[1], tasks));
}
