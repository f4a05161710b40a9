#include "config/flag_store.h"

#include <map>
#include <mutex>
#include <utility>

#include "config/versioned_texts.h"

namespace reeve::config {
namespace {

Result<FlagVersion> flag_of(const TextVersion& text) {
  FlagVersion found{.version = text.version, .at = text.at, .by = text.by, .removed = text.removed};
  TRY_ASSIGN(found.flag, parse_flag(text.text));
  return found;
}

}  // namespace

/// Under the mutex, all of it.
struct FlagStore::State {
  explicit State(VersionedTexts opened) : texts(std::move(opened)) {}

  using Flags = std::map<std::string, FlagVersion, std::less<>>;
  std::mutex mutex;
  VersionedTexts texts;
  std::uint64_t parsed_generation = 0;
  Flags parsed;  ///< those that are not removed

  /// What texts.newest() says, parsed.
  Status refresh();
  const FlagVersion* find(std::string_view name) const {
    const auto found = parsed.find(name);
    return found == parsed.end() ? nullptr : &found->second;
  }
};

Status FlagStore::State::refresh() {
  TRY_ASSIGN(const VersionedTexts::Newest* const newest, texts.newest());
  if (parsed_generation == texts.generation()) return {};
  Flags found;
  for (const auto& [name, text] : *newest) {
    if (text.removed) continue;
    TRY_ASSIGN(FlagVersion flag, flag_of(text));
    found.emplace(name, std::move(flag));
  }
  parsed = std::move(found);
  parsed_generation = texts.generation();
  return {};
}

FlagStore::FlagStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
FlagStore::~FlagStore() = default;

Result<std::unique_ptr<FlagStore>> FlagStore::open(const std::string& path) {
  TRY_ASSIGN(VersionedTexts texts,
             VersionedTexts::open(path, VersionedTexts::Table::flags, "flag"));
  auto state = std::make_unique<State>(std::move(texts));
  TRY(state->refresh());
  return std::unique_ptr<FlagStore>(new FlagStore(std::move(state)));
}

Result<std::vector<FlagVersion>> FlagStore::list() {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  std::vector<FlagVersion> all;
  for (const auto& [name, version] : state_->parsed) all.push_back(version);
  return all;
}

Result<std::optional<FlagVersion>> FlagStore::find(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const FlagVersion* const found = state_->find(name);
  return found == nullptr ? std::optional<FlagVersion>() : std::optional(*found);
}

Result<FlagAnswer> FlagStore::ask(std::string_view name, const FlagSubject& subject) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const FlagVersion* const found = state_->find(name);
  if (found == nullptr) return FlagAnswer{false, "there is no such flag"};
  return evaluate(found->flag, subject);
}

Result<FlagVersion> FlagStore::set(const Flag& flag, std::uint64_t expected, std::string_view by,
                                   Time now) {
  TRY(validate(flag));
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const TextVersion written,
             state_->texts.write(
                 {.name = flag.name, .text = flag_json(flag), .at = now, .by = std::string(by)},
                 expected));
  return flag_of(written);
}

Status FlagStore::remove(std::string_view name, std::uint64_t expected, std::string_view by,
                         Time now) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const FlagVersion* const found = state_->find(name);
  if (found == nullptr) return state_->texts.is_missing(name);
  TRY(state_->texts.write({.name = std::string(name),
                           .text = flag_json(found->flag),
                           .at = now,
                           .by = std::string(by),
                           .removed = true},
                          expected));
  return {};
}

Result<std::vector<FlagVersion>> FlagStore::history(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const auto texts, state_->texts.history(name));
  std::vector<FlagVersion> all;
  for (const TextVersion& text : texts) {
    TRY_ASSIGN(FlagVersion flag, flag_of(text));
    all.push_back(std::move(flag));
  }
  return all;
}

}  // namespace reeve::config
