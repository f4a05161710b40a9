#include "security/audit_reader.h"

#include <array>
#include <vector>

#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"
#include "base/text.h"
#include "security/audit_files.h"
#include "security/audit_scan.h"
#include "security/private_file.h"

namespace reeve::security {
namespace {

constexpr int kHeadReads = 20;  ///< of a service at work, until one was not read half written

std::string in_directory(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

struct FoundHead {
  Checkpoint checkpoint;
  std::string fault;
};
/// What is wrong with the log is a fault of it; that it cannot be asked now is an error.
bool is_of_log(const Error& error) {
  switch (error.code) {
    case ErrorCode::unavailable:
    case ErrorCode::exhausted:
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied: return false;
    default: return true;
  }
}

Result<FoundHead> find_head(const AuditSource& source, const Uuid& log, const PublicKey& key) {
  FoundHead found;
  for (int i = 0; i < kHeadReads; ++i) {
    const auto bytes = source.read(std::string(kHeadName));
    if (!bytes && is_of_log(bytes.error())) return FoundHead{{}, bytes.error().text()};
    TRY(bytes);
    HeadSlots slots;
    const auto fault = read_head(*bytes, log, key, slots);
    if (!fault) return FoundHead{slots.newest, {}};
    found.fault = *fault;
  }
  return found;
}

/// Walks over all segments; the fault of the first that is not sound.
Result<std::optional<AuditFault>> walk(const AuditSource& source, const PublicKey& key,
                                       const std::vector<std::uint32_t>& numbers, AuditScan& scan,
                                       std::uint64_t& tail_bytes, const ScanVisit& visit) {
  const Uuid log = log_of(key);
  scan.chain = first_link(log);
  std::uint32_t expected = 1;
  for (const std::uint32_t number : numbers) {
    const std::string name = segment_name(expected);
    if (number != expected) return AuditFault{name, 0, scan.sequence + 1, "the file is missing"};
    const auto bytes = source.read(name);
    if (!bytes && is_of_log(bytes.error()))
      return AuditFault{name, 0, scan.sequence + 1, bytes.error().text()};
    TRY(bytes);
    const bool is_last = number == numbers.back();
    if (const auto fault = check_header(*bytes, number, log, key, scan, false)) {
      // A crash while a segment was made; nobody was answered for what it was to hold.
      if (is_last && scan.head_seen && signed_groups_in(*bytes, log, key, 2) < 2)
        return std::optional<AuditFault>();
      return AuditFault{name, 0, scan.sequence + 1, *fault};
    }
    const SegmentEnd end = scan_segment(*bytes, scan, visit);
    const bool is_torn_tail =
        is_last && scan.head_seen &&
        signed_groups_in(std::string_view(*bytes).substr(end.sound), log, key, 2) < 2;
    if (!end.fault.empty() && !is_torn_tail)
      return AuditFault{name, end.offset, scan.sequence + 1, end.fault};
    tail_bytes = bytes->size() - end.sound;
    if (end.sound > kSegmentHeaderBytes && !is_signed(scan.last, log, key))
      return AuditFault{name, end.sound, scan.sequence, "its last checkpoint is not signed"};
    ++expected;
  }
  return std::optional<AuditFault>();
}

std::string csv_text(std::string_view text) {
  // What a spreadsheet would take for a formula is made text.
  std::string out = !text.empty() && std::string_view("=+-@\t\r").contains(text.front()) ? "'" : "";
  out += text;
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

std::string utf8(const std::string& text) {
  return is_valid_utf8(text) ? text : sanitize_for_terminal(text, LineBreaks::keep);
}

}  // namespace

AuditSource audit_source_of(const std::string& directory) {
  return {.segments = [directory] { return audit_segments(directory); },
          .read =
              [directory](const std::string& name) {
                return read_audit_file(in_directory(directory, name));
              }};
}

Result<AuditProof> verify_audit(const std::string& directory, const AuditExpectation& expected) {
  return verify_audit(audit_source_of(directory), expected);
}

Result<AuditProof> verify_audit(const AuditSource& source, const AuditExpectation& expected) {
  ENSURE(sodium_init() >= 0);
  AuditProof proof;
  // First: what is written behind it while this goes on is not missed.
  const Uuid log = log_of(expected.key);
  TRY_ASSIGN(const FoundHead head, find_head(source, log, expected.key));
  TRY_ASSIGN(const std::vector<std::uint32_t> numbers, source.segments());
  AuditScan scan{.head = head.checkpoint, .witness = expected.witness};
  scan.head_seen = head.checkpoint.sequence == 0 && head.fault.empty();
  if (expected.witness && expected.witness->sequence == 0) scan.witness_seen = true;
  TRY_ASSIGN(proof.fault, walk(source, expected.key, numbers, scan, proof.tail_bytes, {}));
  proof.records = scan.sequence;
  proof.segments = static_cast<std::uint32_t>(numbers.size());
  proof.last = scan.last;
  if (proof.fault) return proof;
  const std::string last = numbers.empty() ? segment_name(1) : segment_name(numbers.back());
  if (!head.fault.empty()) {
    proof.fault = AuditFault{std::string(kHeadName), 0, scan.sequence + 1, head.fault};
  } else if (!scan.head_seen) {
    proof.fault = AuditFault{last, 0, scan.sequence + 1,
                             fmt::format("the log ends here, and its head testifies {} records",
                                         head.checkpoint.sequence)};
  } else if (expected.witness && !is_signed(*expected.witness, log, expected.key)) {
    proof.fault = AuditFault{"checkpoint", 0, 0, "the one given is not signed by this log's key"};
  } else if (!scan.witness_seen && expected.witness) {
    proof.fault = AuditFault{last, 0, expected.witness->sequence,
                             "the log does not contain the checkpoint given: it is another one, or "
                             "was put back to an earlier state"};
  }
  return proof;
}

Status read_audit(const std::string& directory, const AuditVisit& visit) {
  TRY_ASSIGN(const PublicKey key, audit_public_key(directory));
  const AuditSource source = audit_source_of(directory);
  TRY_ASSIGN(const std::vector<std::uint32_t> numbers, source.segments());
  TRY_ASSIGN(const FoundHead head, find_head(source, log_of(key), key));
  if (!head.fault.empty())
    return fail(ErrorCode::corrupt, fmt::format("the head of the audit log: {}", head.fault));
  AuditScan scan{.head = head.checkpoint};
  scan.head_seen = head.checkpoint.sequence == 0;
  bool stopped = false;
  std::uint64_t tail_bytes = 0;
  TRY_ASSIGN(const auto fault, walk(source, key, numbers, scan, tail_bytes,
                                    [&](std::uint64_t sequence, const AuditRecord& record) {
                                      if (!stopped && !visit(sequence, record)) stopped = true;
                                      return true;
                                    }));
  if (!fault || stopped) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("the audit log is sound up to record {} only: {} at byte {}: {}",
                          fault->sequence - 1, fault->file, fault->offset, fault->what));
}

Result<PublicKey> audit_public_key(const std::string& directory) {
  const std::string path = in_directory(directory, kPublicKeyName);
  const auto text = read_audit_file(path);
  if (!text && text.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, fmt::format("there is no audit log in {}", directory));
  TRY(text);
  return parse_key(*text, path);
}

Result<Checkpoint> audit_head(const std::string& directory) {
  TRY_ASSIGN(const PublicKey key, audit_public_key(directory));
  return audit_head(audit_source_of(directory), key);
}

Result<Checkpoint> audit_head(const AuditSource& source, const PublicKey& key) {
  ENSURE(sodium_init() >= 0);
  TRY_ASSIGN(const FoundHead head, find_head(source, log_of(key), key));
  if (!head.fault.empty())
    return fail(ErrorCode::corrupt, fmt::format("the head of the audit log: {}", head.fault));
  return head.checkpoint;
}

std::string format_checkpoint(const Checkpoint& checkpoint) {
  const std::string bytes = encode_checkpoint(checkpoint);
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const auto no_checkpoint = [] {
    return fail(ErrorCode::invalid_argument,
                "this is no checkpoint: give a line that `reeve audit checkpoint` printed");
  };
  if (text.size() != 2 * kCheckpointBytes) return no_checkpoint();
  std::string bytes(kCheckpointBytes, '\0');
  std::size_t length = 0;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                     text.size(), nullptr, &length, nullptr) != 0 ||
      length != kCheckpointBytes)
    return no_checkpoint();
  Checkpoint checkpoint;
  ENSURE(decode_checkpoint(bytes, checkpoint));
  return checkpoint;
}

boost::json::object audit_json(std::uint64_t sequence, const AuditRecord& record) {
  return {{"sequence", sequence},
          {"at", format_time(record.at)},
          {"who", utf8(record.who)},
          {"action", utf8(record.action)},
          {"object", utf8(record.object)},
          {"namespace", utf8(record.name_space)},
          {"from", utf8(record.from)},
          {"result", name(record.result)},
          {"request_id", utf8(record.request_id)},
          {"detail", utf8(record.detail)}};
}

std::string audit_csv(std::uint64_t sequence, const AuditRecord& record) {
  std::string out = fmt::format("{},{}", sequence, format_time(record.at));
  const std::string result(name(record.result));
  for (const std::string* text : {&record.who, &record.action, &record.object, &record.name_space,
                                  &record.from, &result, &record.request_id, &record.detail})
    out += "," + csv_text(utf8(*text));
  return out;
}

std::string audit_csv_head() {
  return "sequence,at,who,action,object,namespace,from,result,request_id,detail";
}

}  // namespace reeve::security
