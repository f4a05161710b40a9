#include "security/audit_scan.h"

#include <algorithm>

#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"

namespace reeve::security {
namespace {

std::string_view why(EntryFault fault) {
  switch (fault) {
    case EntryFault::none: return "";
    case EntryFault::incomplete: return "the file ends in the middle of an entry";
    case EntryFault::malformed: return "this is no entry";
    case EntryFault::chain: return "the digest does not fit what was written before";
  }
  return "";
}

/// "" when the checkpoint says what the walk has found.
std::string pass_checkpoint(const Entry& entry, const Digest& before, AuditScan& scan) {
  Checkpoint found;
  if (!decode_checkpoint(entry.payload, found)) return "this is no checkpoint";
  if (found.sequence != scan.sequence || found.chain != before)
    return "the checkpoint is of another place";
  scan.last = found;
  if (scan.head.sequence == scan.sequence && scan.head.chain == scan.chain) scan.head_seen = true;
  if (scan.witness && scan.witness->sequence == scan.sequence && scan.witness->chain == scan.chain)
    scan.witness_seen = true;
  return {};
}

bool pass_record(const Entry& entry, AuditScan& scan, const ScanVisit& visit, std::string& fault) {
  AuditRecord record;
  Reader in(entry.payload);
  if (!decode(in, record) || !in.at_end()) {
    fault = "this is no record";
    return false;
  }
  ++scan.sequence;
  return !visit || visit(scan.sequence, record);
}

}  // namespace

std::optional<std::string> read_head(std::string_view bytes, const Uuid& log, const PublicKey& key,
                                     HeadSlots& slots) {
  if (bytes.size() != kHeadBytes)
    return fmt::format("it has {} bytes, not {}", bytes.size(), kHeadBytes);
  Checkpoint other;
  ENSURE(decode_checkpoint(bytes.substr(0, kCheckpointBytes), slots.newest));
  ENSURE(decode_checkpoint(bytes.substr(kHeadSlotOffset), other));
  if (!is_signed(slots.newest, log, key)) return "its first slot is not signed by this log's key";
  if (!is_signed(other, log, key)) return "its second slot is not signed by this log's key";
  const std::string_view between =
      bytes.substr(kCheckpointBytes, kHeadSlotOffset - kCheckpointBytes);
  if (between.find_first_not_of('\0') != std::string_view::npos)
    return "it holds something between its slots";
  slots.newest_slot = 0;
  if (other.sequence > slots.newest.sequence) {
    slots.newest = other;
    slots.newest_slot = 1;
  }
  return std::nullopt;
}

std::string encode_head(const Checkpoint& slot0, const Checkpoint& slot1) {
  std::string out = encode_checkpoint(slot0);
  out.resize(kHeadSlotOffset, '\0');
  return out + encode_checkpoint(slot1);
}

Uuid log_of(const PublicKey& key) {
  const Digest digest = digest_of({reinterpret_cast<const char*>(key.data()), key.size()});
  Uuid log;
  std::copy_n(digest.bytes.begin(), log.bytes.size(), log.bytes.begin());
  return log;
}

std::string segment_name(std::uint32_t number) { return fmt::format("audit-{:06}.log", number); }

std::optional<std::uint32_t> segment_number(std::string_view name) {
  constexpr std::string_view kFront = "audit-";
  constexpr std::string_view kBack = ".log";
  if (!name.starts_with(kFront) || !name.ends_with(kBack)) return std::nullopt;
  if (name.size() < kFront.size() + kBack.size() + 6 || name.size() > 20) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : name.substr(kFront.size(), name.size() - kFront.size() - kBack.size())) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (number == 0 || number > 0xffffffffU) return std::nullopt;
  const auto small = static_cast<std::uint32_t>(number);
  if (segment_name(small) != name) return std::nullopt;
  return small;
}

SegmentEnd scan_segment(std::string_view bytes, AuditScan& scan, const ScanVisit& visit) {
  SegmentEnd end{.sound = kSegmentHeaderBytes, .sequence = scan.sequence, .chain = scan.chain};
  std::size_t at = kSegmentHeaderBytes;
  while (at < bytes.size()) {
    Entry entry;
    const Digest before = scan.chain;
    const EntryFault fault = read_entry(bytes.substr(at), scan.chain, entry);
    end.offset = at;
    end.fault = why(fault);
    if (fault != EntryFault::none) return end;
    if (entry.kind == EntryKind::record) {
      if (!pass_record(entry, scan, visit, end.fault)) return end;
    } else {
      end.fault = pass_checkpoint(entry, before, scan);
      if (!end.fault.empty()) return end;
      end.sound = at + entry.size;
      end.sequence = scan.sequence;
      end.chain = scan.chain;
    }
    at += entry.size;
  }
  end.offset = at;
  if (end.sound != at) end.fault = "the file ends in the middle of a group";
  return end;
}

std::optional<std::string> check_header(std::string_view bytes, std::uint32_t number,
                                        const Uuid& log, const PublicKey& key, AuditScan& scan,
                                        bool is_first_look) {
  SegmentHeader header;
  if (!decode_header(bytes, header)) return "it does not begin with the header of a segment";
  if (!is_signed(header, key)) return "its header is not signed by this log's key";
  if (header.log != log) return "it belongs to another log";
  if (header.number != number)
    return fmt::format("it is segment {} and was put in this place", header.number);
  if (is_first_look) {
    scan.chain = header.previous;
    scan.sequence = header.first_sequence - 1;
  } else if (header.first_sequence != scan.sequence + 1 || header.previous != scan.chain) {
    return "it does not go on where the one before it ends";
  }
  return std::nullopt;
}

int signed_groups_in(std::string_view bytes, const Uuid& log, const PublicKey& key, int enough) {
  std::string head(1, static_cast<char>(kCheckpointBytes));
  head.append(3, '\0');
  head.push_back(static_cast<char>(EntryKind::checkpoint));
  int found = 0;
  std::size_t at = bytes.find(head);
  while (at != std::string_view::npos && found < enough) {
    Checkpoint checkpoint;
    if (decode_checkpoint(bytes.substr(at + head.size(), kCheckpointBytes), checkpoint) &&
        is_signed(checkpoint, log, key))
      ++found;
    at = bytes.find(head, at + 1);
  }
  return found;
}

}  // namespace reeve::security
