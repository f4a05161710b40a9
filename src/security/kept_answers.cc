#include "security/kept_answers.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "security/private_file.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"

namespace reeve::security {
namespace {

using store::sqlite::Access;
using store::sqlite::Connection;
using store::sqlite::Migration;
using store::sqlite::Statement;

/// "REEA"
constexpr std::int64_t kAnswersApplicationId = 0x52454541;
constexpr Duration kAnswersBusyTimeout = std::chrono::seconds{5};

// Times are microseconds since 1970.
constexpr const char* kAnswersVersion1 = R"sql(
CREATE TABLE answers (
  key BLOB PRIMARY KEY,
  at INTEGER NOT NULL,
  request BLOB NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX answers_at ON answers (at);

PRAGMA application_id = 0x52454541;
)sql";
constexpr auto kAnswersSteps = std::to_array<Migration>({{1, kAnswersVersion1}});

std::int64_t microseconds(Time time) { return time.time_since_epoch().count(); }

std::string headers_text(const KeptAnswer& answer) {
  boost::json::array out;
  for (const auto& [name, value] : answer.headers)
    out.push_back(boost::json::array{boost::json::string(name), boost::json::string(value)});
  return boost::json::serialize(out);
}

/// False: nobody here wrote that.
bool read_headers(std::string_view text, KeptAnswer& answer) {
  boost::system::error_code error;
  const boost::json::value all = boost::json::parse(text, error);
  if (error || !all.is_array()) return false;
  for (const boost::json::value& each : all.get_array()) {
    const auto* const pair = each.if_array();
    if (pair == nullptr || pair->size() != 2 || !pair->at(0).is_string() ||
        !pair->at(1).is_string())
      return false;
    answer.headers.emplace_back(pair->at(0).get_string(), pair->at(1).get_string());
  }
  return true;
}

}  // namespace

/// Under the mutex, all of it.
struct KeptAnswers::State {
  State(Connection opened, KeptAnswersOptions chosen)
      : database(std::move(opened)),
        options(chosen) {}
  Status forget_old(Time now);
  Status load();

  std::mutex mutex;
  Connection database;
  const KeptAnswersOptions options;
  std::map<Digest, Time> known;  ///< the keys in the file, so that what is new costs no reading
  std::size_t added = 0;         ///< since the last look at what is old
};

Status KeptAnswers::State::load() {
  TRY_ASSIGN(Statement rows, database.prepare("SELECT key, at FROM answers"));
  known.clear();
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return {};
    Digest key;
    if (!store::sqlite::read_digest(rows.bytes(0), key))
      return store::sqlite::corrupt(database.path(), "a key of an answer");
    known.emplace(key, Time{Duration{rows.integer(1)}});
  }
}

Status KeptAnswers::State::forget_old(Time now) {
  TRY_ASSIGN(Statement old, database.prepare("DELETE FROM answers WHERE at < ?1"));
  old.bind(1, microseconds(now - options.life));
  TRY(old.run());
  TRY_ASSIGN(Statement many, database.prepare("DELETE FROM answers WHERE key IN (SELECT key FROM "
                                              "answers ORDER BY at DESC LIMIT -1 OFFSET ?1)"));
  many.bind(1, static_cast<std::int64_t>(options.answers_max));
  TRY(many.run());
  added = 0;
  return load();
}

KeptAnswers::KeptAnswers(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeptAnswers::~KeptAnswers() = default;

Result<std::unique_ptr<KeptAnswers>> KeptAnswers::open(const std::string& path, Time now,
                                                       KeptAnswersOptions options) {
  if (::access(path.c_str(), F_OK) != 0) {
    const Status made = create_private_file(path, "");
    if (!made && made.error().code != ErrorCode::conflict) return tl::unexpected(made.error());
  }
  TRY(check_private_file(path));
  TRY_ASSIGN(Connection database, Connection::open(path, Access::read_write, kAnswersBusyTimeout));
  TRY(database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  TRY(store::sqlite::migrate(database, kAnswersSteps, kAnswersApplicationId));
  auto state = std::make_unique<State>(std::move(database), options);
  TRY(state->forget_old(now));
  return std::unique_ptr<KeptAnswers>(new KeptAnswers(std::move(state)));
}

Status KeptAnswers::keep(const Digest& key, const KeptAnswer& answer, Time now) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(Statement put, state_->database.prepare(
                                "INSERT OR REPLACE INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  const std::string headers = headers_text(answer);
  put.bind_blob(1, store::sqlite::bytes_of(key));
  put.bind(2, microseconds(now));
  put.bind_blob(3, store::sqlite::bytes_of(answer.request));
  put.bind(4, answer.status);
  put.bind_text(5, headers);
  put.bind_blob(6, answer.body);
  TRY(put.run());
  state_->known.insert_or_assign(key, now);
  // Not at each: the oldest are looked for on an index, the surplus is counted.
  if (++state_->added < std::max<std::size_t>(state_->options.answers_max / 100, 1)) return {};
  return state_->forget_old(now);
}

Result<std::optional<KeptAnswer>> KeptAnswers::find(const Digest& key, Time now) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->known.find(key);
  if (found == state_->known.end() || found->second < now - state_->options.life)
    return std::optional<KeptAnswer>();
  TRY_ASSIGN(Statement row, state_->database.prepare(
                                "SELECT request, status, headers, body FROM answers WHERE key=?1"));
  row.bind_blob(1, store::sqlite::bytes_of(key));
  TRY_ASSIGN(const bool is_there, row.step());
  if (!is_there) return std::optional<KeptAnswer>();
  KeptAnswer answer{.request = {},
                    .status = static_cast<int>(row.integer(1)),
                    .headers = {},
                    .body = std::string(row.bytes(3))};
  if (!store::sqlite::read_digest(row.bytes(0), answer.request) ||
      !read_headers(row.bytes(2), answer))
    return store::sqlite::corrupt(state_->database.path(), "an answer");
  return std::optional(std::move(answer));
}

}  // namespace reeve::security
