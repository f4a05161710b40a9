// The audit log of a state directory, for the one process that writes it: STATE/audit/
//   signing.key (0600, made at first)   audit-000001.log, ...   head (the last signed checkpoint)
// Records are chained by digest; every group that becomes durable together ends in a checkpoint
// signed with Ed25519. append() may be called by many threads: one of its own writes what has come
// together and syncs once. A crash leaves at most a tail that nobody was answered for, which open()
// cuts off; anything else that is wrong is refused (corrupt), as `reeve audit verify` shows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "security/audit_record.h"

namespace reeve::security {

struct AuditOptions {
  std::size_t segment_bytes_max = std::size_t{64} << 20;
  std::size_t waiting_max = 100'000;  ///< records that wait for the disk; then exhausted
};

class AuditLog {
 public:
  using Done = std::function<void(const Status&)>;

  static Result<std::unique_ptr<AuditLog>> open(const std::string& directory,
                                                AuditOptions options = {});
  /// Waits for what was appended.
  ~AuditLog();

  /// Returns once it is durable. After a failure of the disk all later calls fail too: what was to
  /// be audited must then not happen.
  Status append(AuditRecord record);
  /// `done` is called by the thread of the log: it must not block. exhausted: at once.
  void append(AuditRecord record, Done done);

  /// Of what is durable.
  Checkpoint head() const;
  const Uuid& id() const;
  const PublicKey& public_key() const;
  std::uint64_t healed_bytes() const;  ///< of an unacknowledged tail, at open

 private:
  struct State;
  explicit AuditLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::security
