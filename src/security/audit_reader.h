// Reads an audit log, of a service at work or not, and proves that nothing in it was changed,
// removed, moved or cut off: one in a directory, or one whose files come from elsewhere. Changes
// nothing. Stateless; no thread rule.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.h"
#include "security/audit_record.h"

namespace reeve::security {

/// Where the proof ended.
struct AuditFault {
  std::string file;            ///< name in the directory
  std::uint64_t offset = 0;    ///< bytes
  std::uint64_t sequence = 0;  ///< the first record that is not proved
  std::string what;
};
struct AuditProof {
  std::uint64_t records = 0;
  std::uint32_t segments = 0;
  Checkpoint last;  ///< the last sound one
  /// Bytes behind that which nobody was answered for: a group on its way, or torn by a crash.
  std::uint64_t tail_bytes = 0;
  std::optional<AuditFault> fault;
};

struct AuditExpectation {
  PublicKey key{};
  /// From elsewhere: the log must contain it. The only proof against a rollback of all files.
  std::optional<Checkpoint> witness;
};
/// The files of a log, wherever they are. `name`: "head", "audit-000001.log".
struct AuditSource {
  /// In order.
  std::function<Result<std::vector<std::uint32_t>>()> segments;
  /// unavailable, exhausted, unauthenticated, permission_denied end the proof; by other errors
  /// the log is not as it was written.
  std::function<Result<std::string>(const std::string& name)> read;
};
AuditSource audit_source_of(const std::string& directory);

/// not_found: no log there. What is wrong with the log is in the proof, not an error.
Result<AuditProof> verify_audit(const AuditSource& source, const AuditExpectation& expected);
Result<AuditProof> verify_audit(const std::string& directory, const AuditExpectation& expected);

using AuditVisit = std::function<bool(std::uint64_t sequence, const AuditRecord&)>;
/// Visits sound records in order until `visit` gives false. Ends with corrupt at the first that is
/// not.
Status read_audit(const std::string& directory, const AuditVisit& visit);

/// From signing.pub, which anybody may read.
Result<PublicKey> audit_public_key(const std::string& directory);
/// The newest checkpoint of the log, to be kept elsewhere; and back from its text of one line.
Result<Checkpoint> audit_head(const std::string& directory);
Result<Checkpoint> audit_head(const AuditSource& source, const PublicKey& key);
std::string format_checkpoint(const Checkpoint& checkpoint);
Result<Checkpoint> parse_checkpoint(std::string_view text);

/// One record as it is shown; bytes that are no UTF-8 are escaped.
boost::json::object audit_json(std::uint64_t sequence, const AuditRecord& record);
/// The same as a line of CSV (RFC 4180), without the line's end.
std::string audit_csv(std::uint64_t sequence, const AuditRecord& record);
std::string audit_csv_head();

}  // namespace reeve::security
