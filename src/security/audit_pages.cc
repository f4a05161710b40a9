#include "security/audit_pages.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"
#include "security/audit_files.h"

namespace reeve::security {
namespace {

constexpr std::size_t kMarkBytes = 256 * 1024;   ///< from one mark to the next, about
constexpr std::size_t kLookBytes = 1024 * 1024;  ///< read at once; more if a group is larger

bool decode_record(const Entry& entry, AuditRecord& record) {
  Reader in(entry.payload);
  return decode(in, record) && in.at_end();
}

}  // namespace

std::string AuditPages::path_of(std::uint32_t number) const {
  return directory_ + "/" + segment_name(number);
}

tl::unexpected<Error> AuditPages::not_sound(std::size_t which, std::string_view what) const {
  const Segment& segment = segments_[which];
  return fail(
      ErrorCode::corrupt,
      fmt::format("the audit log is sound up to record {} only: {} at byte {}: {}",
                  segment.end.sequence, segment_name(segment.number), segment.end.offset, what));
}

/// Before anything is read: what is written behind the head meanwhile is for the next page.
Status AuditPages::refresh() {
  ENSURE(sodium_init() >= 0);
  const std::lock_guard lock(mutex_);
  if (!key_) {
    TRY_ASSIGN(key_, audit_public_key(directory_));
  }
  TRY_ASSIGN(head_, audit_head(audit_source_of(directory_), *key_));
  TRY_ASSIGN(const std::vector<std::uint32_t> numbers, audit_segments(directory_));
  TRY(add_segments(numbers));
  const auto end_sequence = [&] { return segments_.empty() ? 0 : segments_.back().end.sequence; };
  head_seen_ = head_.sequence == 0 || head_.sequence < end_sequence() ||
               (!segments_.empty() && head_.sequence == end_sequence() &&
                head_.chain == segments_.back().end.chain);
  if (segments_.empty()) {
    if (head_seen_) return {};
    return fail(ErrorCode::corrupt, "all files of the audit log are missing");
  }
  TRY(look_until(segments_.size() - 1, ~std::uint64_t{0}));
  if (head_seen_) return {};
  return not_sound(segments_.size() - 1, fmt::format("it ends there, and its head testifies {} "
                                                     "records, or another end",
                                                     head_.sequence));
}

Status AuditPages::add_segments(const std::vector<std::uint32_t>& numbers) {
  if (numbers.size() < segments_.size())
    return fail(ErrorCode::corrupt, "a file of the audit log was removed");
  const Uuid log = log_of(*key_);
  for (std::size_t i = segments_.size(); i < numbers.size(); ++i) {
    const auto expected = static_cast<std::uint32_t>(i + 1);
    if (numbers[i] != expected)
      return fail(ErrorCode::corrupt, fmt::format("{} is missing", segment_name(expected)));
    TRY_ASSIGN(const std::string bytes, read_audit_part(path_of(expected), 0, kSegmentHeaderBytes));
    AuditScan scan;
    if (const auto fault = check_header(bytes, expected, log, *key_, scan, true)) {
      // The last one may be about to be made.
      if (i + 1 == numbers.size()) return {};
      return fail(ErrorCode::corrupt, fmt::format("{}: {}", segment_name(expected), *fault));
    }
    if (i == 0 && (scan.sequence != 0 || scan.chain != first_link(log)))
      return fail(ErrorCode::corrupt, "the first file of the audit log does not begin it");
    const Mark begin{kSegmentHeaderBytes, scan.sequence, scan.chain};
    segments_.push_back({.number = expected, .marks = {begin}, .end = begin});
  }
  return {};
}

Result<bool> AuditPages::look_further(std::size_t which) {
  Segment& segment = segments_[which];
  for (std::size_t size = kLookBytes;; size *= 2) {
    TRY_ASSIGN(const std::string bytes,
               read_audit_part(path_of(segment.number), segment.end.offset, size));
    Mark at = segment.end;
    std::vector<Mark> marks;  // that hold once a checkpoint is behind them
    Checkpoint last;
    const Mark before = segment.end;
    EntryFault fault = EntryFault::none;
    Entry entry;
    while (at.offset - before.offset < bytes.size()) {
      const Digest chain = at.chain;
      fault =
          read_entry(std::string_view(bytes).substr(at.offset - before.offset), at.chain, entry);
      if (fault != EntryFault::none) break;
      at.offset += entry.size;
      if (entry.kind == EntryKind::record) {
        ++at.sequence;
      } else {
        if (!decode_checkpoint(entry.payload, last) || last.sequence != at.sequence ||
            last.chain != chain)
          return not_sound(which, "the checkpoint is of another place");
        if (at.sequence == head_.sequence && at.chain == head_.chain) head_seen_ = true;
        segment.end = at;
        segment.marks.insert(segment.marks.end(), marks.begin(), marks.end());
        marks.clear();
      }
      const Mark& newest = marks.empty() ? segment.marks.back() : marks.back();
      if (at.offset - newest.offset >= kMarkBytes) marks.push_back(at);
    }
    if (segment.end.offset != before.offset) {
      if (is_signed(last, log_of(*key_), *key_)) return true;
      return not_sound(which, "its last checkpoint is not signed");
    }
    if (fault == EntryFault::malformed || fault == EntryFault::chain || bytes.size() < size)
      return false;
  }
}

/// Until a record behind `sequence` is there, or the segment has no more.
Status AuditPages::look_until(std::size_t which, std::uint64_t sequence) {
  while (segments_[which].end.sequence <= sequence) {
    TRY_ASSIGN(const bool has_more, look_further(which));
    if (!has_more) break;
  }
  const bool is_last = which + 1 == segments_.size();
  if (is_last || segments_[which].end.sequence > sequence) return {};
  // What follows says how it must end; behind that there is nothing.
  const Mark& next = segments_[which + 1].marks.front();
  const Mark& end = segments_[which].end;
  TRY_ASSIGN(const std::string rest,
             read_audit_part(path_of(segments_[which].number), end.offset, 1));
  if (rest.empty() && end.sequence == next.sequence && end.chain == next.chain) return {};
  return not_sound(which, "the next file does not go on where it ends");
}

AuditPages::Part AuditPages::part_of(const Segment& segment, std::uint64_t sequence) {
  const auto behind = std::ranges::upper_bound(segment.marks, sequence - 1, {}, &Mark::sequence);
  const bool is_newest = behind == segment.marks.end();
  return {segment.number, *std::prev(behind), is_newest ? segment.end : *behind};
}

Result<std::optional<AuditPages::Part>> AuditPages::part_behind(std::uint64_t after) {
  const std::lock_guard lock(mutex_);
  if (segments_.empty() || after >= segments_.back().end.sequence) return std::optional<Part>();
  const auto behind = std::ranges::upper_bound(
      segments_, after, {}, [](const Segment& each) { return each.marks.front().sequence; });
  const auto which = static_cast<std::size_t>(behind - segments_.begin()) - 1;
  TRY(look_until(which, after));
  return std::optional(part_of(segments_[which], after + 1));
}

Result<std::optional<AuditPages::Part>> AuditPages::part_before(std::uint64_t before) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t newest = segments_.empty() ? 0 : segments_.back().end.sequence;
  const std::uint64_t wanted = before == 0 ? newest : std::min(newest, before - 1);
  if (wanted == 0) return std::optional<Part>();
  const auto behind = std::ranges::upper_bound(
      segments_, wanted - 1, {}, [](const Segment& each) { return each.marks.front().sequence; });
  const auto which = static_cast<std::size_t>(behind - segments_.begin()) - 1;
  TRY(look_until(which, wanted - 1));
  return std::optional(part_of(segments_[which], wanted));
}

Status AuditPages::visit_part(const Part& part, const AuditVisit& visit) const {
  TRY_ASSIGN(const std::string bytes,
             read_audit_part(path_of(part.number), part.from.offset,
                             static_cast<std::size_t>(part.to.offset - part.from.offset)));
  const auto changed = [&](std::uint64_t sequence) {
    return fail(ErrorCode::corrupt,
                fmt::format("the audit log was changed: record {}, in {}, is not as it was read "
                            "before; `reeve audit verify` says more",
                            sequence, segment_name(part.number)));
  };
  std::vector<std::pair<std::uint64_t, AuditRecord>> records;
  std::uint64_t sequence = part.from.sequence;
  Digest chain = part.from.chain;
  Entry entry;
  for (std::size_t at = 0; at < bytes.size(); at += entry.size) {
    if (read_entry(std::string_view(bytes).substr(at), chain, entry) != EntryFault::none)
      return changed(sequence + 1);
    if (entry.kind != EntryKind::record) continue;
    records.emplace_back(++sequence, AuditRecord{});
    if (!decode_record(entry, records.back().second)) return changed(sequence);
  }
  if (sequence != part.to.sequence || chain != part.to.chain) return changed(sequence);
  for (const auto& [number, record] : records)
    if (!visit(number, record)) break;
  return {};
}

Status AuditPages::read(std::uint64_t after, const AuditVisit& visit) {
  TRY(refresh());
  bool goes_on = true;
  while (goes_on) {
    TRY_ASSIGN(const std::optional<Part> part, part_behind(after));
    if (!part) break;
    TRY(visit_part(*part, [&](std::uint64_t sequence, const AuditRecord& record) {
      if (sequence <= after) return true;
      goes_on = visit(sequence, record);
      return goes_on;
    }));
    after = part->to.sequence;
  }
  return {};
}

Status AuditPages::read_back(std::uint64_t before, const AuditVisit& visit) {
  TRY(refresh());
  bool goes_on = true;
  while (goes_on) {
    TRY_ASSIGN(const std::optional<Part> part, part_before(before));
    if (!part) break;
    std::vector<std::pair<std::uint64_t, AuditRecord>> records;
    TRY(visit_part(*part, [&](std::uint64_t sequence, const AuditRecord& record) {
      if (before != 0 && sequence >= before) return false;
      records.emplace_back(sequence, record);
      return true;
    }));
    for (auto each = records.rbegin(); goes_on && each != records.rend(); ++each)
      goes_on = visit(each->first, each->second);
    if (part->from.sequence == 0) break;
    before = part->from.sequence + 1;
  }
  return {};
}

}  // namespace reeve::security
