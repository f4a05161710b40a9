#include "security/secret_store.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <sodium.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/text.h"
#include "security/policy.h"
#include "security/security_database.h"

namespace reeve::security {
namespace {

using store::sqlite::Connection;
using store::sqlite::Statement;

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::string_view kCredentialName = "reeve-secrets-key";
constexpr std::string_view kNextKeySuffix = ".next";

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// What is authenticated with a value, each part with its length in front.
std::string place_of(std::string_view name_space, std::string_view name, std::int64_t version) {
  return fmt::format("reeve secret 1\n{}:{}\n{}:{}\n{}", name_space.size(), name_space, name.size(),
                     name, version);
}

std::string seal(std::string_view value, const std::string& place, const Key& key) {
  std::string sealed(kNonceBytes + value.size() + kTagBytes, '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(sealed.data());
  randombytes_buf(bytes, kNonceBytes);
  ENSURE(crypto_aead_xchacha20poly1305_ietf_encrypt(
             bytes + kNonceBytes, nullptr, unsigned_bytes(value), value.size(),
             unsigned_bytes(place), place.size(), nullptr, bytes, key.data()) == 0);
  return sealed;
}

std::optional<std::string> unseal(std::string_view sealed, const std::string& place,
                                  const Key& key) {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  std::string value(sealed.size() - kNonceBytes - kTagBytes, '\0');
  const std::string_view box = sealed.substr(kNonceBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(value.data()), nullptr, nullptr, unsigned_bytes(box),
          box.size(), unsigned_bytes(place), place.size(), unsigned_bytes(sealed), key.data()) != 0)
    return std::nullopt;
  return value;
}

/// Says whether a key is the one that the values are sealed under, and tells nothing else of it.
std::string fingerprint_of(const Key& key) {
  std::string out(16, '\0');
  constexpr std::string_view kPurpose = "reeve secrets key 1\n";
  ENSURE(crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(),
                            unsigned_bytes(kPurpose), kPurpose.size(), key.data(),
                            key.size()) == 0);
  return out;
}

Result<std::string> stored_fingerprint(Connection& database) {
  TRY_ASSIGN(Statement select, database.prepare("SELECT value FROM keys WHERE name = 'sealing'"));
  TRY_ASSIGN(const bool row, select.step());
  if (!row) return std::string();
  std::string found(select.bytes(0));
  TRY(select.run());
  return found;
}

Status store_fingerprint(Connection& database, const Key& key) {
  TRY_ASSIGN(Statement change, database.prepare("INSERT INTO keys VALUES ('sealing', ?1)"
                                                " ON CONFLICT DO UPDATE SET value = ?1"));
  const std::string fingerprint = fingerprint_of(key);
  change.bind_blob(1, fingerprint);
  return change.run();
}

Status replace_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail_errno(errno, fmt::format("cannot put {} in the place of {}", from, to));
  return sync_directory_of(to);
}

/// A rotation writes the next key beside the old one, seals everything anew in one transaction, and
/// then puts the file in its place. What a crash left of it is finished or undone here.
Status settle_rotation(Connection& database, SealingKey& key) {
  if (key.source != KeySource::file) return {};
  const std::string next = key.path + std::string(kNextKeySuffix);
  auto found = read_key(next);
  if (!found) {
    if (found.error().code == ErrorCode::not_found) return {};
    return tl::unexpected(found.error());
  }
  TRY_ASSIGN(const std::string stored, stored_fingerprint(database));
  if (stored == fingerprint_of(*found)) {
    TRY(replace_file(next, key.path));
    key.key = *found;
    return {};
  }
  if (::unlink(next.c_str()) != 0) return fail_errno(errno, fmt::format("cannot remove {}", next));
  return {};
}

bool is_secret_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= kSecretNameMax && letter(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

Status check_names(std::string_view name_space, std::string_view name) {
  if (!is_namespace(name_space))
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is no namespace: lower-case letters, digits and inner hyphens",
                            sanitize_for_terminal(name_space.substr(0, 64))));
  if (!is_secret_name(name))
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is no name of a secret: letters, digits, _ and -, a letter or _ "
                            "first, at most {}",
                            sanitize_for_terminal(name.substr(0, 64)), kSecretNameMax));
  return {};
}

tl::unexpected<Error> no_secret(std::string_view name_space, std::string_view name) {
  return fail(ErrorCode::not_found,
              fmt::format("there is no secret {} in the namespace '{}': set it with `reeve secret "
                          "set {} --namespace {}`",
                          name, name_space, name, name_space));
}

struct Row {
  SecretRecord record;
  std::string sealed;
};
using Rows = std::map<std::pair<std::string, std::string>, Row>;

Result<Rows> load_rows(Connection& database) {
  Rows rows;
  TRY_ASSIGN(Statement select,
             database.prepare("SELECT namespace, name, version, sealed, set_at, set_by"
                              " FROM secrets"));
  for (;;) {
    TRY_ASSIGN(const bool found, select.step());
    if (!found) return rows;
    Row row;
    row.record = {.name_space = std::string(select.bytes(0)),
                  .name = std::string(select.bytes(1)),
                  .version = static_cast<std::uint32_t>(select.integer(2)),
                  .set_at = Time(Duration(select.integer(4))),
                  .set_by = std::string(select.bytes(5))};
    row.sealed = select.bytes(3);
    row.record.size = row.sealed.size() - std::min(row.sealed.size(), kNonceBytes + kTagBytes);
    auto key = std::pair(row.record.name_space, row.record.name);
    rows.emplace(std::move(key), std::move(row));
  }
}

}  // namespace

SealingPlaces sealing_places(const std::string& key_file) {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  return {variable("CREDENTIALS_DIRECTORY"), variable("REEVE_SECRETS_KEY"), key_file};
}

Result<SealingKey> find_sealing_key(const SealingPlaces& places) {
  SealingKey found;
  if (!places.credentials_directory.empty()) {
    found.path = places.credentials_directory + "/" + std::string(kCredentialName);
    // Made by systemd, for this unit alone: not always owned by its user.
    if (::access(found.path.c_str(), F_OK) == 0) {
      found.source = KeySource::credential;
      TRY_ASSIGN(found.key, read_credential_key(found.path));
      return found;
    }
  }
  if (!places.environment.empty()) {
    found.source = KeySource::environment;
    found.path.clear();
    TRY_ASSIGN(found.key, parse_key(places.environment, "REEVE_SECRETS_KEY"));
    return found;
  }
  found.source = KeySource::file;
  found.path = places.file;
  TRY_ASSIGN(found.key, read_or_make_key(places.file));
  return found;
}

/// Under the mutex, all of it.
struct SecretStore::State {
  std::mutex mutex;
  Connection database;
  SealingKey key;
  Rows rows;

  State(Connection opened, SealingKey with) : database(std::move(opened)), key(std::move(with)) {}
  ~State() { sodium_memzero(key.key.data(), key.key.size()); }
  Status seal_anew(const Key& next, Rows& renewed);
  Status load();
  Status refresh();
  std::int64_t seen_version = 0;  ///< of the database, as other connections change it
};

/// Rows and key as they are now, whoever changed them: `reeve secret` beside a service.
Status SecretStore::State::load() {
  TRY_ASSIGN(seen_version, database.query_integer("PRAGMA data_version"));
  TRY(settle_rotation(database, key));
  TRY_ASSIGN(const std::string stored, stored_fingerprint(database));
  if (stored.empty()) {
    TRY(store_fingerprint(database, key.key));
  } else if (stored != fingerprint_of(key.key) && key.source == KeySource::file) {
    TRY_ASSIGN(key.key, read_key(key.path));
  }
  if (!stored.empty() && stored != fingerprint_of(key.key))
    return fail(ErrorCode::permission_denied,
                fmt::format("the secrets in {} are sealed under another key than the one in {}: "
                            "give that key back",
                            database.path(), key.path.empty() ? "REEVE_SECRETS_KEY" : key.path));
  TRY_ASSIGN(rows, load_rows(database));
  return {};
}

Status SecretStore::State::refresh() {
  TRY_ASSIGN(const std::int64_t version, database.query_integer("PRAGMA data_version"));
  if (version == seen_version) return {};
  return load();
}

SecretStore::SecretStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SecretStore::~SecretStore() = default;

Result<std::unique_ptr<SecretStore>> SecretStore::open(const std::string& path, SealingKey key) {
  ENSURE(sodium_init() >= 0);
  TRY_ASSIGN(Connection database, open_security_database(path));
  auto state = std::make_unique<State>(std::move(database), std::move(key));
  TRY(state->load());
  return std::unique_ptr<SecretStore>(new SecretStore(std::move(state)));
}

Result<SecretRecord> SecretStore::set(std::string_view name_space, std::string_view name,
                                      std::string_view value, std::string_view by, Time now) {
  TRY(check_names(name_space, name));
  if (value.empty() || value.size() > kSecretBytesMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("a secret has 1 to {} bytes; this one has {}", kSecretBytesMax, value.size()));
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  Row row;
  row.record = {.name_space = std::string(name_space),
                .name = std::string(name),
                .set_at = now,
                .set_by = std::string(by),
                .size = value.size()};
  TRY(in_transaction(state_->database, [&]() -> Status {
    // Versions go on where a removed secret ended: an old sealed value fits no later one.
    TRY_ASSIGN(Statement count,
               state_->database.prepare("INSERT INTO secret_versions VALUES (?1, ?2, 1)"
                                        " ON CONFLICT DO UPDATE SET last = last + 1"
                                        " RETURNING last"));
    count.bind_text(1, name_space);
    count.bind_text(2, name);
    TRY_ASSIGN(const bool counted, count.step());
    ENSURE(counted);
    row.record.version = static_cast<std::uint32_t>(count.integer(0));
    TRY(count.run());
    row.sealed = seal(value, place_of(name_space, name, row.record.version), state_->key.key);
    TRY_ASSIGN(Statement change, state_->database.prepare(
                                     "INSERT OR REPLACE INTO secrets VALUES (?1,?2,?3,?4,?5,?6)"));
    change.bind_text(1, name_space);
    change.bind_text(2, name);
    change.bind(3, row.record.version);
    change.bind_blob(4, row.sealed);
    change.bind(5, now.time_since_epoch().count());
    change.bind_text(6, by);
    return change.run();
  }));
  SecretRecord record = row.record;
  state_->rows.insert_or_assign(std::pair(record.name_space, record.name), std::move(row));
  return record;
}

Result<std::string> SecretStore::read(std::string_view name_space, std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const auto found = state_->rows.find(std::pair(std::string(name_space), std::string(name)));
  if (found == state_->rows.end()) return no_secret(name_space, name);
  const Row& row = found->second;
  std::optional<std::string> value =
      unseal(row.sealed, place_of(name_space, name, row.record.version), state_->key.key);
  if (!value)
    return fail(ErrorCode::corrupt,
                fmt::format("the secret {} of the namespace '{}' is damaged, or was sealed for "
                            "another place: set it anew",
                            name, name_space));
  return std::move(*value);
}

Status SecretStore::remove(std::string_view name_space, std::string_view name) {
  TRY(check_names(name_space, name));
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const auto found = state_->rows.find(std::pair(std::string(name_space), std::string(name)));
  if (found == state_->rows.end()) return no_secret(name_space, name);
  TRY_ASSIGN(Statement change,
             state_->database.prepare("DELETE FROM secrets WHERE namespace = ?1 AND name = ?2"));
  change.bind_text(1, name_space);
  change.bind_text(2, name);
  TRY(change.run());
  state_->rows.erase(found);
  return {};
}

Result<std::vector<SecretRecord>> SecretStore::list(std::string_view name_space) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  std::vector<SecretRecord> all;
  for (const auto& [key, row] : state_->rows) {
    if (name_space.empty() || row.record.name_space == name_space) all.push_back(row.record);
  }
  return all;
}

Status SecretStore::State::seal_anew(const Key& next, Rows& renewed) {
  TRY_ASSIGN(Statement change,
             database.prepare("UPDATE secrets SET sealed = ?3 WHERE namespace = ?1 AND name = ?2"));
  for (auto& [where, row] : renewed) {
    const SecretRecord& record = row.record;
    const std::string place = place_of(record.name_space, record.name, record.version);
    std::optional<std::string> value = unseal(row.sealed, place, key.key);
    if (!value)
      return fail(ErrorCode::corrupt,
                  fmt::format("the secret {} of the namespace '{}' is damaged: set it anew or "
                              "remove it, then rotate again; nothing was changed",
                              record.name, record.name_space));
    row.sealed = seal(*value, place, next);
    sodium_memzero(value->data(), value->size());
    change.bind_text(1, record.name_space);
    change.bind_text(2, record.name);
    change.bind_blob(3, row.sealed);
    TRY(change.run());
  }
  return store_fingerprint(database, next);
}

Status SecretStore::rotate_key(const Key* next) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  SealingKey& key = state_->key;
  if (next == nullptr && key.source != KeySource::file)
    return fail(ErrorCode::invalid_argument,
                "the key comes from the environment or from systemd: give the next one, and put it "
                "in that place afterwards");
  Key chosen = next == nullptr ? random_key() : *next;
  const std::string file = key.path + std::string(kNextKeySuffix);
  if (key.source == KeySource::file) TRY(create_private_file(file, format_key(chosen) + "\n"));
  Rows renewed = state_->rows;
  const Status done =
      in_transaction(state_->database, [&] { return state_->seal_anew(chosen, renewed); });
  if (!done) {
    if (key.source == KeySource::file) ::unlink(file.c_str());
    return done;
  }
  state_->rows = std::move(renewed);
  key.key = chosen;
  sodium_memzero(chosen.data(), chosen.size());
  if (key.source == KeySource::file) TRY(replace_file(file, key.path));
  // What was sealed under the old key is not left in the file's free pages or its log.
  return state_->database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<std::string> StoredSecrets::read(const engine::SecretName& secret) {
  auto found = store_.read(secret.name_space, secret.name);
  if (found || found.error().code != ErrorCode::not_found || otherwise_ == nullptr) return found;
  return otherwise_->read(secret);
}

}  // namespace reeve::security
