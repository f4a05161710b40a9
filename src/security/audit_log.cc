#include "security/audit_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"
#include "base/fd.h"
#include "security/audit_files.h"
#include "security/audit_scan.h"
#include "security/private_file.h"

namespace reeve::security {
namespace {

constexpr std::size_t kGroupMax = 4096;  ///< records that become durable together
constexpr std::size_t kSegmentBytesLeast = 512;

Status write_at(int file, std::string_view bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, fmt::format("cannot write {}", path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

tl::unexpected<Error> not_sound(const std::string& path, std::string_view what) {
  return fail(ErrorCode::corrupt,
              fmt::format("the audit log is not as it was written: {}: {}; see `reeve audit "
                          "verify`, restore it, or move its directory away to begin a new one",
                          path, what));
}

struct Waiting {
  AuditRecord record;
  AuditLog::Done done;
};

}  // namespace

/// Of the writing thread alone, unless said otherwise.
struct AuditLog::State {
  // Never changed once open.
  Fd lock_file;
  std::string directory;
  AuditOptions options;
  SigningKey key{};
  PublicKey public_key{};
  Uuid log;
  std::uint64_t healed = 0;

  Fd segment;
  std::string segment_path;
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  Digest chain;
  std::uint64_t sequence = 0;
  Fd head_file;
  int next_slot = 0;

  // Under the mutex.
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::vector<Waiting> waiting;
  Checkpoint head;
  Status failed;
  bool ends = false;
  std::thread writer;

  std::string path_of(std::string_view name) const { return directory + "/" + std::string(name); }

  ~State() { sodium_memzero(key.data(), key.size()); }
  Status take_lock();
  Status load_key();
  Status load_head(bool is_new);
  Status load_segments();
  Result<bool> load_segment(std::uint32_t which, bool may_be_torn);
  Status open_segment(std::uint64_t sound, std::uint64_t found);
  Status next_segment(std::string& out);
  Status write_group(std::vector<Waiting>& group);
  Status write_head(const Checkpoint& checkpoint);
  void run();
};

/// Two that write would each go on from a chain that the other has left behind.
Status AuditLog::State::take_lock() {
  const std::string path = path_of("lock");
  lock_file = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock_file) return fail_errno(errno, fmt::format("cannot open {}", path));
  if (::flock(lock_file.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return fail_errno(errno, fmt::format("cannot lock {}", path));
  return fail(ErrorCode::conflict,
              fmt::format("another process writes the audit log in {}", directory));
}

Status AuditLog::State::load_key() {
  TRY_ASSIGN(Key seed, read_or_make_key(path_of(kSigningKeyName)));
  ENSURE(crypto_sign_seed_keypair(public_key.data(), key.data(), seed.data()) == 0);
  sodium_memzero(seed.data(), seed.size());
  log = log_of(public_key);
  const std::string path = path_of(kPublicKeyName);
  const auto found = read_audit_file(path);
  if (!found && found.error().code == ErrorCode::not_found) {
    TRY(create_private_file(path, format_key(public_key) + "\n"));
    if (::chmod(path.c_str(), 0644) != 0)
      return fail_errno(errno, fmt::format("cannot make {} readable", path));
    return {};
  }
  TRY(found);
  TRY_ASSIGN(const Key stated, parse_key(*found, path));
  if (stated != public_key) return not_sound(path, "it is not the other half of signing.key");
  return {};
}

Status AuditLog::State::load_head(bool is_new) {
  const std::string path = path_of(kHeadName);
  const auto bytes = read_audit_file(path);
  if (!bytes && (bytes.error().code != ErrorCode::not_found || !is_new)) {
    if (bytes.error().code == ErrorCode::not_found) return not_sound(path, "it is missing");
    return tl::unexpected(bytes.error());
  }
  if (!bytes) {
    head.chain = first_link(log);
    head.at = Time{};
    sign(head, log, key);
    TRY(create_private_file(path, encode_head(head, head)));
  } else {
    HeadSlots slots;
    if (const auto fault = read_head(*bytes, log, public_key, slots))
      return not_sound(path, *fault);
    head = slots.newest;
    next_slot = 1 - slots.newest_slot;
  }
  head_file = Fd(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!head_file) return fail_errno(errno, fmt::format("cannot open {}", path));
  return {};
}

/// The end of the last segment, less what nobody was answered for.
Status AuditLog::State::load_segments() {
  TRY_ASSIGN(const std::vector<std::uint32_t> numbers, audit_segments(directory));
  if (numbers.empty()) {
    if (head.sequence != 0) return not_sound(directory, "all its segments are missing");
    chain = head.chain;
    return {};
  }
  TRY_ASSIGN(const bool found, load_segment(numbers.back(), true));
  if (found) return {};
  // The last one holds nothing that anybody was answered for: it was being made.
  const std::string torn = path_of(segment_name(numbers.back()));
  if (numbers.size() == 1 && head.sequence != 0) return not_sound(torn, "its header is damaged");
  chain = head.chain;
  sequence = head.sequence;
  if (numbers.size() > 1) TRY(load_segment(numbers[numbers.size() - 2], false));
  if (chain != head.chain) return not_sound(torn, "its header is damaged");
  if (::unlink(torn.c_str()) != 0) return fail_errno(errno, fmt::format("cannot remove {}", torn));
  return sync_directory_of(torn);
}

/// False: not even its header was written.
Result<bool> AuditLog::State::load_segment(std::uint32_t which, bool may_be_torn) {
  const std::string path = path_of(segment_name(which));
  TRY_ASSIGN(const std::string bytes, read_audit_file(path));
  AuditScan scan{.head = head};
  if (const auto fault = check_header(bytes, which, log, public_key, scan, true)) {
    if (!may_be_torn || signed_groups_in(bytes, log, public_key, 2) > 1)
      return not_sound(path, *fault);
    healed += bytes.size();
    return false;
  }
  // A new segment whose first group is not complete goes on from the head.
  if (scan.chain == head.chain && scan.sequence == head.sequence) scan.head_seen = true;
  const SegmentEnd end = scan_segment(bytes, scan, {});
  if (!scan.head_seen)
    return not_sound(path, fmt::format("record {} is not there, or was changed: {}", head.sequence,
                                       end.fault.empty() ? "the file was cut" : end.fault));
  if (!end.fault.empty() &&
      signed_groups_in(std::string_view(bytes).substr(end.sound), log, public_key, 2) > 1)
    return not_sound(path, fmt::format("at byte {}: {}", end.offset, end.fault));
  number = which;
  chain = end.chain;
  sequence = end.sequence;
  segment_path = path;
  TRY(open_segment(end.sound, bytes.size()));
  return true;
}

Status AuditLog::State::open_segment(std::uint64_t sound, std::uint64_t found) {
  segment = Fd(::open(segment_path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!segment) return fail_errno(errno, fmt::format("cannot open {}", segment_path));
  size = sound;
  if (sound == found) return {};
  healed += found - sound;
  if (::ftruncate(segment.get(), static_cast<off_t>(sound)) != 0 || ::fsync(segment.get()) != 0)
    return fail_errno(errno, fmt::format("cannot cut the torn end off {}", segment_path));
  return {};
}

/// Its header goes in front of the group that is written first, so that none is ever empty.
Status AuditLog::State::next_segment(std::string& out) {
  SegmentHeader header{
      .log = log, .number = number + 1, .first_sequence = sequence + 1, .previous = chain};
  sign(header, key);
  const std::string path = path_of(segment_name(header.number));
  Fd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made) return fail_errno(errno, fmt::format("cannot make {}", path));
  TRY(sync_directory_of(path));
  if (head_file && ::fdatasync(head_file.get()) != 0)
    return fail_errno(errno, "cannot sync the head of the audit log");
  segment = std::move(made);
  segment_path = path;
  number = header.number;
  size = 0;
  out = encode_header(header);
  return {};
}

Status AuditLog::State::write_group(std::vector<Waiting>& group) {
  std::string out;
  if (!segment || size >= options.segment_bytes_max) TRY(next_segment(out));
  Checkpoint checkpoint{.at = Time{}};
  for (Waiting& each : group) {
    checkpoint.at = std::max(checkpoint.at, each.record.at);
    append_record(out, std::move(each.record), chain);
  }
  sequence += group.size();
  checkpoint.sequence = sequence;
  checkpoint.chain = chain;
  sign(checkpoint, log, key);
  append_entry(out, EntryKind::checkpoint, encode_checkpoint(checkpoint), chain);
  TRY(write_at(segment.get(), out, size, segment_path));
  if (::fdatasync(segment.get()) != 0)
    return fail_errno(errno, fmt::format("cannot sync {}", segment_path));
  size += out.size();
  checkpoint.chain = chain;
  sign(checkpoint, log, key);
  return write_head(checkpoint);
}

/// Not synced: the next group's file is, and the record itself is safe already. What a power cut
/// can undo is this pointer, never a record.
Status AuditLog::State::write_head(const Checkpoint& checkpoint) {
  TRY(write_at(head_file.get(), encode_checkpoint(checkpoint), next_slot == 0 ? 0 : kHeadSlotOffset,
               path_of(kHeadName)));
  next_slot = 1 - next_slot;
  const std::lock_guard lock(mutex);
  head = checkpoint;
  return {};
}

void AuditLog::State::run() {
  for (;;) {
    std::vector<Waiting> group;
    Status status;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return ends || !waiting.empty(); });
      if (waiting.empty()) break;
      if (waiting.size() <= kGroupMax) {
        group.swap(waiting);
      } else {
        const auto middle = waiting.begin() + static_cast<std::ptrdiff_t>(kGroupMax);
        group.assign(std::move_iterator(waiting.begin()), std::move_iterator(middle));
        waiting.erase(waiting.begin(), middle);
      }
      status = failed;
    }
    if (status) status = write_group(group);
    if (!status) {
      const std::lock_guard lock(mutex);
      failed = status;
    }
    for (const Waiting& each : group) each.done(status);
  }
  if (head_file) ::fdatasync(head_file.get());
}

AuditLog::AuditLog(std::unique_ptr<State> state) : state_(std::move(state)) {}

AuditLog::~AuditLog() {
  if (!state_ || !state_->writer.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->ends = true;
  }
  state_->wake.notify_one();
  state_->writer.join();
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::string& directory,
                                                 AuditOptions options) {
  ENSURE(sodium_init() >= 0);
  ENSURE(options.segment_bytes_max >= kSegmentBytesLeast &&
         options.segment_bytes_max <= kSegmentBytesMax / 2);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, fmt::format("cannot make {}", directory));
  auto state = std::make_unique<State>();
  state->directory = directory;
  state->options = options;
  // Without a key of its own, nothing that lies there can be this log's.
  const bool is_new = ::access(state->path_of(kPublicKeyName).c_str(), F_OK) != 0;
  TRY(state->take_lock());
  TRY(state->load_key());
  TRY(state->load_head(is_new));
  TRY(state->load_segments());
  State* const running = state.get();
  state->writer = std::thread([running] { running->run(); });
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(state)));
}

void AuditLog::append(AuditRecord record, Done done) {
  Status refused;
  {
    const std::lock_guard lock(state_->mutex);
    refused = state_->failed;
    if (refused && state_->waiting.size() >= state_->options.waiting_max)
      refused = fail(ErrorCode::exhausted, "too many audit records wait for the disk: try again");
    if (refused) state_->waiting.push_back({std::move(record), std::move(done)});
  }
  if (!refused) return done(refused);
  state_->wake.notify_one();
}

Status AuditLog::append(AuditRecord record) {
  std::promise<Status> promise;
  std::future<Status> answer = promise.get_future();
  append(std::move(record), [&promise](const Status& status) { promise.set_value(status); });
  return answer.get();
}

Checkpoint AuditLog::head() const {
  const std::lock_guard lock(state_->mutex);
  return state_->head;
}

const Uuid& AuditLog::id() const { return state_->log; }
const PublicKey& AuditLog::public_key() const { return state_->public_key; }
std::uint64_t AuditLog::healed_bytes() const { return state_->healed; }

}  // namespace reeve::security
