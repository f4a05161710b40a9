#include "cli/backup_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <set>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/digest.h"
#include "base/text.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kPieceMax = std::size_t{256} << 10;
constexpr std::size_t kHeadMax = 64 * 1024;
constexpr std::size_t kSealBytes = 65;

class BackupWalk {
 public:
  BackupWalk(int file, const std::string& path, BackupSink& sink)
      : file_(file),
        path_(path),
        sink_(sink),
        buffer_(std::make_unique<char[]>(kPieceMax)) {}

  Result<BackupFacts> run();

 private:
  tl::unexpected<Error> damaged(std::string_view what) const {
    return fail(ErrorCode::corrupt, fmt::format("{} is damaged at byte {}: {}; take another backup",
                                                path_, offset_, what));
  }
  /// Exactly so many, at most kPieceMax; valid until the next call.
  Result<std::string_view> take(std::size_t bytes);
  /// The next entry, its path whole.
  Result<BackupEntry> next();
  Status zeros(std::size_t bytes);
  Result<std::string> small(const BackupEntry& entry, std::size_t most);
  Status read_head(const BackupEntry& entry);
  Status check_place(const BackupEntry& entry);
  Status pass_on(const BackupEntry& entry);
  Status check_digests(const BackupEntry& entry);
  Status check_end();
  void note(std::string_view name, const Digest& digest) {
    digests_ += fmt::format("{}  {}\n", format_digest(digest), name);
  }

  int file_;
  const std::string& path_;
  BackupSink& sink_;
  std::unique_ptr<char[]> buffer_;
  std::uint64_t offset_ = 0;
  DigestBuilder whole_;
  std::string digests_;
  std::set<std::string> directories_;
  std::set<std::string> files_;
  BackupFacts facts_;
};

Result<std::string_view> BackupWalk::take(std::size_t bytes) {
  std::size_t got = 0;
  while (got < bytes) {
    const ssize_t now = ::read(file_, buffer_.get() + got, bytes - got);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return fail_errno(errno, "cannot read " + path_);
    if (now == 0) return damaged("it is cut off");
    got += static_cast<std::size_t>(now);
  }
  const std::string_view piece(buffer_.get(), bytes);
  offset_ += bytes;
  return piece;
}

Status BackupWalk::zeros(std::size_t bytes) {
  TRY_ASSIGN(const std::string_view piece, take(bytes));
  whole_.add(piece);
  if (piece.find_first_not_of('\0') != std::string_view::npos)
    return damaged("there is something where nothing may be");
  return {};
}

Result<BackupEntry> BackupWalk::next() {
  std::optional<std::string> long_path;
  while (true) {
    TRY_ASSIGN(const std::string_view bytes, take(kBackupBlockBytes));
    const auto block = decode_backup_block(bytes);
    if (!block) return damaged(block.error().message);
    if (block->type != 'L') {
      if (long_path && !long_path->starts_with(block->name)) return damaged("its names differ");
      BackupEntry entry{.path = long_path.value_or(block->name),
                        .is_directory = block->type == '5',
                        .mode = block->mode,
                        .bytes = block->bytes};
      const std::string all = encode_backup_entry(entry);
      if (std::string_view(all).substr(all.size() - kBackupBlockBytes) != bytes ||
          (all.size() == kBackupBlockBytes) == long_path.has_value())
        return damaged("an entry is not as `reeve backup` writes it");
      if (entry.path != kBackupSealName) whole_.add(bytes);
      return entry;
    }
    const std::uint64_t size = block->bytes;
    if (long_path || size < 2 || size > kBackupPathMax + 1) return damaged("a name is too long");
    const std::string header(bytes);
    whole_.add(header);
    TRY_ASSIGN(const std::string_view name, take(static_cast<std::size_t>(size)));
    whole_.add(name);
    if (name.find('\0') != name.size() - 1) return damaged("a name is not as it was written");
    long_path = std::string(name.substr(0, name.size() - 1));
    TRY(zeros(backup_padding(size)));
  }
}

Result<std::string> BackupWalk::small(const BackupEntry& entry, std::size_t most) {
  if (entry.is_directory || entry.bytes > most)
    return damaged(entry.path + " is no file of a backup");
  std::string content;
  while (content.size() < entry.bytes) {
    const auto piece = std::min<std::uint64_t>(entry.bytes - content.size(), kPieceMax);
    TRY_ASSIGN(const std::string_view bytes, take(static_cast<std::size_t>(piece)));
    content += bytes;
  }
  return content;
}

Status BackupWalk::read_head(const BackupEntry& entry) {
  TRY_ASSIGN(const std::string text, small(entry, kHeadMax));
  whole_.add(text);
  TRY(zeros(backup_padding(text.size())));
  note(entry.path, digest_of(text));
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  const auto* const object = error ? nullptr : value.if_object();
  const auto* const version = object == nullptr ? nullptr : object->if_contains("version");
  if (version == nullptr || !version->is_int64())
    return damaged("its head does not say what it is");
  facts_.version = version->get_int64();
  if (facts_.version < 1) return damaged("its head does not say what it is");
  if (facts_.version > kBackupVersion)
    return fail(ErrorCode::unsupported,
                fmt::format("{} has format {}, and this Reeve knows formats up to {}: restore it "
                            "with the version that wrote it, or a newer one",
                            path_, facts_.version, kBackupVersion));
  const auto text_of_head = [&](std::string_view key) {
    const auto* const found = object->if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
  };
  facts_.made_at = text_of_head("made_at");
  facts_.made_by = text_of_head("made_by");
  return {};
}

Status BackupWalk::check_place(const BackupEntry& entry) {
  if (auto sound = check_backup_path(entry.path); !sound)
    return fail(sound.error().code, fmt::format("{} is refused: {}", path_, sound.error().message));
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} is refused: '{}' {}", path_,
                                                         sanitize_for_terminal(entry.path), why));
  };
  if (entry.mode > 0777) return refused("has permissions that no backup gives");
  const std::size_t slash = entry.path.rfind('/');
  if (slash != std::string::npos && !directories_.contains(entry.path.substr(0, slash)))
    return refused("comes before its directory");
  if (directories_.contains(entry.path) || files_.contains(entry.path))
    return refused("comes twice");
  if (entry.is_directory && entry.bytes != 0) return refused("is a directory with a content");
  (entry.is_directory ? directories_ : files_).insert(entry.path);
  return {};
}

Status BackupWalk::pass_on(const BackupEntry& entry) {
  TRY(check_place(entry));
  TRY(sink_.begin(entry));
  DigestBuilder digest;
  for (std::uint64_t left = entry.bytes; left > 0;) {
    TRY_ASSIGN(const std::string_view piece,
               take(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceMax))));
    whole_.add(piece);
    digest.add(piece);
    TRY(sink_.data(piece));
    left -= piece.size();
  }
  TRY(sink_.end());
  if (entry.is_directory) return {};
  TRY(zeros(backup_padding(entry.bytes)));
  note(entry.path, digest.finish());
  ++facts_.files;
  return {};
}

Status BackupWalk::check_digests(const BackupEntry& entry) {
  if (entry.bytes != digests_.size()) return damaged("its list of digests has another length");
  TRY_ASSIGN(const std::string listed, small(entry, digests_.size()));
  whole_.add(listed);
  if (listed != digests_) {
    const auto differs =
        static_cast<std::size_t>(std::ranges::mismatch(listed, digests_).in2 - digests_.begin());
    const std::size_t start = differs == 0 ? 0 : digests_.rfind('\n', differs - 1) + 1;
    const std::size_t name = start + 66;
    return damaged(fmt::format("'{}' does not have the digest that is listed",
                               name < digests_.size() ? sanitize_for_terminal(digests_.substr(
                                                            name, digests_.find('\n', name) - name))
                                                      : std::string("?")));
  }
  return zeros(backup_padding(listed.size()));
}

Status BackupWalk::check_end() {
  const std::string expected = format_digest(whole_.finish()) + "\n";
  TRY_ASSIGN(const std::string_view seal, take(kSealBytes));
  if (seal != expected) return damaged("the digest of the whole is another one");
  whole_ = DigestBuilder();
  TRY(zeros(backup_padding(kSealBytes) + 2 * kBackupBlockBytes));
  char more = 0;
  const ssize_t got = ::read(file_, &more, 1);
  if (got < 0) return fail_errno(errno, "cannot read " + path_);
  if (got > 0) return damaged("something follows its end");
  return {};
}

Result<BackupFacts> BackupWalk::run() {
  TRY_ASSIGN(const BackupEntry head, next());
  if (head.path != kBackupHeadName || head.mode != 0600)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is no backup that `reeve backup` has made", path_));
  TRY(read_head(head));
  while (true) {
    TRY_ASSIGN(const BackupEntry entry, next());
    if (entry.path != kBackupDigestsName) {
      TRY(pass_on(entry));
      continue;
    }
    if (entry.mode != 0600) return damaged("an entry is not as `reeve backup` writes it");
    TRY(check_digests(entry));
    TRY_ASSIGN(const BackupEntry seal, next());
    if (seal != BackupEntry{.path = std::string(kBackupSealName), .bytes = kSealBytes})
      return damaged("the digest of the whole is missing");
    TRY(check_end());
    return facts_;
  }
}

}  // namespace

Result<BackupFacts> read_backup(int file, const std::string& path, BackupSink& sink) {
  return BackupWalk(file, path, sink).run();
}

}  // namespace reeve::cli
