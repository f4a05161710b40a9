#include "cli/audited_change.h"

#include <unistd.h>

#include <fmt/format.h>

#include "cli/system_clock.h"

namespace reeve::cli {

std::string audit_directory(const StateLayout& layout) { return layout.root + "/audit"; }

Result<AuditedChange> AuditedChange::begin(const StateLayout& layout) {
  auto log = security::AuditLog::open(audit_directory(layout));
  if (!log && log.error().code == ErrorCode::conflict)
    return fail(
        ErrorCode::conflict,
        fmt::format("a service is at work on {} and keeps its audit log: ask it, with --server "
                    "unix:{}, or stop it first (runs go on)",
                    layout.root, layout.api_socket()));
  if (!log) return tl::unexpected(std::move(log).error());
  return AuditedChange(*std::move(log), fmt::format("local:{}", ::geteuid()));
}

Status AuditedChange::make(security::Action action, std::string object, std::string name_space,
                           const std::function<Status()>& change) {
  security::AuditRecord record{.at = wall_now(),
                               .who = who_,
                               .action = std::string(security::name(action)),
                               .object = std::move(object),
                               .name_space = std::move(name_space),
                               .from = "command"};
  TRY(log_->append(record));
  Status done = change();
  if (done) return done;
  record.at = wall_now();
  record.result = security::AuditResult::failed;
  record.detail = done.error().message;
  TRY(log_->append(std::move(record)));
  return done;
}

}  // namespace reeve::cli
