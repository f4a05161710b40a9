// The audit log of a service, as `reeve audit` shows and proves it: records by the API, and the
// files themselves for a proof that does not take the service's word. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "cli/failure.h"
#include "security/audit_reader.h"

namespace reeve::cli {

class ServiceLink;
struct Session;

class AuditService {
 public:
  explicit AuditService(ServiceLink& service) : service_(service) {}

  /// As --who, --action and --namespace say: the newest `limit`, oldest first.
  Checked<std::vector<api::JsonObject>> newest(const Session& session, std::size_t limit);
  /// All of them, printed as they come.
  Ended export_all(const Session& session);

  /// What it says is its key; and its newest checkpoint, which that key must have signed.
  Result<security::PublicKey> key();
  Result<security::Checkpoint> checkpoint();

  /// What the service itself finds; `checkpoint`: a line, or "".
  Result<api::JsonObject> its_own_proof(const std::string& checkpoint);
  /// Fetches every file and proves them here. permission_denied: of audit.copy.
  Result<security::AuditProof> proof(const security::AuditExpectation& expected);

 private:
  Result<std::string> file(const std::string& name);
  security::AuditSource source();

  ServiceLink& service_;
};

}  // namespace reeve::cli
