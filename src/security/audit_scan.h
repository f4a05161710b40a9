// Walks over the bytes of one segment of an audit log and says how far they are sound. Shared by
// the log, which heals its tail, and by the proof. Pure; no thread rule.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "security/audit_record.h"

namespace reeve::security {

/// Of a log: two slots of a Checkpoint, written in turn, at 0 and at 512. Its chain is that behind
/// the checkpoint entry that ends the group.
inline constexpr std::size_t kHeadSlotOffset = 512;
inline constexpr std::size_t kHeadBytes = kHeadSlotOffset + kCheckpointBytes;
inline constexpr std::string_view kHeadName = "head";
inline constexpr std::string_view kPublicKeyName = "signing.pub";
inline constexpr std::string_view kSigningKeyName = "signing.key";

struct HeadSlots {
  Checkpoint newest;
  int newest_slot = 0;
};
/// A sentence on what is wrong, or nothing.
std::optional<std::string> read_head(std::string_view bytes, const Uuid& log, const PublicKey& key,
                                     HeadSlots& slots);
std::string encode_head(const Checkpoint& slot0, const Checkpoint& slot1);

/// A log has a key of its own, and is named by it.
Uuid log_of(const PublicKey& key);
/// "audit-000001.log"; and the number of such a name, or nothing.
std::string segment_name(std::uint32_t number);
std::optional<std::uint32_t> segment_number(std::string_view name);

struct AuditScan {
  // Where the walk is.
  Digest chain;
  std::uint64_t sequence = 0;  ///< of the last record that is sound
  // What it looks for.
  Checkpoint head;
  std::optional<Checkpoint> witness;
  bool head_seen = false;
  bool witness_seen = false;
  Checkpoint last;  ///< the last one that was passed
};
struct SegmentEnd {
  std::size_t sound = 0;       ///< bytes, up to the last checkpoint (or the header)
  std::uint64_t sequence = 0;  ///< of the last record before that
  Digest chain;                ///< there
  std::size_t offset = 0;      ///< of what is wrong
  std::string fault;           ///< "": the segment ends in a sound checkpoint
};
using ScanVisit = std::function<bool(std::uint64_t sequence, const AuditRecord&)>;

/// `bytes`: the whole segment, whose header has been checked. `visit` may be empty; false stops.
SegmentEnd scan_segment(std::string_view bytes, AuditScan& scan, const ScanVisit& visit);
/// The header against what the walk expects; a sentence on what is wrong, or nothing.
std::optional<std::string> check_header(std::string_view bytes, std::uint32_t number,
                                        const Uuid& log, const PublicKey& key, AuditScan& scan,
                                        bool is_first_look);
/// How many groups have their signed checkpoint in `bytes`, wherever it begins: two of them behind
/// a break say that the break is no torn write, as a group is written after the one before is safe.
int signed_groups_in(std::string_view bytes, const Uuid& log, const PublicKey& key, int enough);

}  // namespace reeve::security
