// What the audit log says, and how that is written. docs/security.md, "Format of the audit log",
// says it in prose. Pure: bytes in, bytes out; reading hostile bytes gives errors only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "base/codec.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/time.h"

namespace reeve::security {

enum class AuditResult : std::uint8_t { allowed, refused, failed };
std::string_view name(AuditResult result);

/// Who did what to which, from where, with which result.
struct AuditRecord {
  Time at = kUnset;
  std::string who;     ///< Identity::subject
  std::string action;  ///< "runs.submit"
  std::string object;  ///< "run_01…", "secret/deploy-key": never a value
  std::string name_space;
  std::string from;  ///< address, "unix" or "command"
  AuditResult result = AuditResult::allowed;
  std::string request_id;
  std::string detail;  ///< a reason, or ""
  static constexpr auto fields() {
    return std::tuple{field("at", &AuditRecord::at),
                      field("who", &AuditRecord::who),
                      field("action", &AuditRecord::action),
                      field("object", &AuditRecord::object),
                      field("namespace", &AuditRecord::name_space),
                      field("from", &AuditRecord::from),
                      field("result", &AuditRecord::result),
                      field("request_id", &AuditRecord::request_id),
                      field("detail", &AuditRecord::detail)};
  }
  friend bool operator==(const AuditRecord&, const AuditRecord&) = default;
};
inline constexpr std::size_t kAuditTextMax = 4096;  ///< bytes of one text; longer ones are cut
/// AuditRecord::object of a backup into that file.
std::string backup_object(std::string_view file, bool with_keys);

using PublicKey = std::array<std::uint8_t, 32>;
using SigningKey = std::array<std::uint8_t, 64>;
using Signature = std::array<std::uint8_t, 64>;

/// "Up to this record the log has this digest": what is signed.
struct Checkpoint {
  std::uint64_t sequence = 0;  ///< of the last record before it; 0: none
  Time at = kUnset;
  Digest chain;
  Signature signature{};
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};
inline constexpr std::size_t kCheckpointBytes = 8 + 8 + 32 + 64;
void sign(Checkpoint& checkpoint, const Uuid& log, const SigningKey& key);
bool is_signed(const Checkpoint& checkpoint, const Uuid& log, const PublicKey& key);
std::string encode_checkpoint(const Checkpoint& checkpoint);
bool decode_checkpoint(std::string_view bytes, Checkpoint& checkpoint);

/// First bytes of a segment.
struct SegmentHeader {
  Uuid log;  ///< random, the same in all segments
  std::uint32_t number = 1;
  std::uint64_t first_sequence = 1;
  Digest previous;  ///< chain at its beginning
  Signature signature{};
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};
inline constexpr std::size_t kSegmentHeaderBytes = 8 + 16 + 4 + 8 + 32 + 64;
void sign(SegmentHeader& header, const SigningKey& key);
bool is_signed(const SegmentHeader& header, const PublicKey& key);
std::string encode_header(const SegmentHeader& header);
bool decode_header(std::string_view bytes, SegmentHeader& header);
/// The chain before the first record of a log.
Digest first_link(const Uuid& log);

enum class EntryKind : std::uint8_t { record = 0x52, checkpoint = 0x43 };
inline constexpr std::size_t kEntryHeadBytes = 5;  ///< length (4, little endian), kind (1)
inline constexpr std::size_t kEntryMax = 128 * 1024;

/// Appends one entry; `chain` becomes its digest: BLAKE2b-256(chain before, head, payload).
void append_entry(std::string& out, EntryKind kind, std::string_view payload, Digest& chain);
void append_record(std::string& out, AuditRecord record, Digest& chain);

enum class EntryFault : std::uint8_t { none, incomplete, malformed, chain };
struct Entry {
  EntryKind kind = EntryKind::record;
  std::string_view payload;
  std::size_t size = 0;  ///< of all of it
};
/// The entry at the beginning of `bytes`; `chain` advances if it is sound.
EntryFault read_entry(std::string_view bytes, Digest& chain, Entry& entry);

}  // namespace reeve::security
