// Changes that a command makes to a state directory by itself: each is written to the audit log
// before it is made, and once more if it fails. Refused while a service writes that log: it would
// have to be asked. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "cli/session.h"
#include "security/audit_log.h"
#include "security/policy.h"

namespace reeve::cli {

class AuditedChange {
 public:
  /// conflict: a service is at work on that directory.
  static Result<AuditedChange> begin(const StateLayout& layout);

  /// `object`: "secret/NAME".
  Status make(security::Action action, std::string object, std::string name_space,
              const std::function<Status()>& change);
  const std::string& who() const { return who_; }

 private:
  AuditedChange(std::unique_ptr<security::AuditLog> log, std::string who)
      : log_(std::move(log)),
        who_(std::move(who)) {}

  std::unique_ptr<security::AuditLog> log_;
  std::string who_;
};

/// Where a state directory has its audit log.
std::string audit_directory(const StateLayout& layout);

}  // namespace reeve::cli
