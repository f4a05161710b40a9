// Pages of an audit log that is being written, without reading what lies before them: marks are
// kept of where records are, one for each quarter of a megabyte that was looked at once. The part
// that a page is of is read again each time, and must have the digests that it had at its mark; the
// whole is what verify_audit() proves. Shows only records behind which a checkpoint stands.
//
// Thread-safe: reading goes on beside other reading; one thread at a time looks for new marks.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "security/audit_reader.h"
#include "security/audit_scan.h"

namespace reeve::security {

class AuditPages {
 public:
  explicit AuditPages(std::string directory) : directory_(std::move(directory)) {}

  /// Records behind `after`, oldest first, until `visit` gives false. corrupt: the log is not as it
  /// was written there. not_found: there is none.
  Status read(std::uint64_t after, const AuditVisit& visit);
  /// Records before `before` (0: all), newest first.
  Status read_back(std::uint64_t before, const AuditVisit& visit);

 private:
  /// A place between two entries, behind a checkpoint or the header.
  struct Mark {
    std::uint64_t offset = 0;
    std::uint64_t sequence = 0;  ///< of the last record before it
    Digest chain;
  };
  struct Segment {
    std::uint32_t number = 0;
    std::vector<Mark> marks;  ///< the first: behind the header
    Mark end;                 ///< as far as it was looked at
  };
  /// What lies between two marks: some hundred kilobytes.
  struct Part {
    std::uint32_t number = 0;
    Mark from;
    Mark to;
  };

  /// Nothing: it ends there. Only where refresh() has found segments.
  Result<std::optional<Part>> part_behind(std::uint64_t after);
  Result<std::optional<Part>> part_before(std::uint64_t before);
  Status refresh();
  Status visit_part(const Part& part, const AuditVisit& visit) const;
  std::string path_of(std::uint32_t number) const;

  // Under the mutex.
  Status add_segments(const std::vector<std::uint32_t>& numbers);
  /// True: something new was found there. A checkpoint of the head's place must be the head.
  Result<bool> look_further(std::size_t which);
  Status look_until(std::size_t which, std::uint64_t sequence);
  tl::unexpected<Error> not_sound(std::size_t which, std::string_view what) const;
  static Part part_of(const Segment& segment, std::uint64_t sequence);

  const std::string directory_;
  std::mutex mutex_;
  std::optional<PublicKey> key_;
  Checkpoint head_;
  bool head_seen_ = false;
  std::vector<Segment> segments_;  ///< in order, none missing
};

}  // namespace reeve::security
