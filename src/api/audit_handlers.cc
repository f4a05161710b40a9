// The audit log, for those who look after the service.
#include <algorithm>

#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "base/text.h"
#include "security/audit_reader.h"

namespace reeve::api {
namespace {

constexpr std::int64_t kRecordsPerPageMax = 10'000;
constexpr std::int64_t kRecordsPerPage = 100;
constexpr std::size_t kExportBytesMax = std::size_t{64} << 20;

/// Which records are wanted, and may be seen: who has some namespaces sees those of them.
struct AuditWish {
  explicit AuditWish(const Call& call)
      : who(call.text("who")),
        action(call.text("action")),
        name_space(call.text("namespace")),
        after(static_cast<std::uint64_t>(call.number("cursor").value_or(0))),
        identity(call.identity) {}
  bool accepts(std::uint64_t sequence, const security::AuditRecord& record) const {
    return sequence > after && (who.empty() || record.who == who) &&
           (action.empty() || record.action == action) &&
           (name_space.empty() || record.name_space == name_space) &&
           (identity.has_all_namespaces() || identity.has_namespace(record.name_space));
  }
  std::string who;
  std::string action;
  std::string name_space;
  std::uint64_t after;
  const security::Identity& identity;
};

JsonObject record_json(std::uint64_t sequence, const security::AuditRecord& record) {
  const auto safe = [](const std::string& text) {
    return is_valid_utf8(text) ? text : sanitize_for_terminal(text);
  };
  return {{"sequence", sequence},
          {"at", time_json(record.at)},
          {"who", safe(record.who)},
          {"action", safe(record.action)},
          {"object", safe(record.object)},
          {"namespace", safe(record.name_space)},
          {"from", safe(record.from)},
          {"result", security::name(record.result)},
          {"request_id", safe(record.request_id)},
          {"detail", safe(record.detail)}};
}

}  // namespace

void list_audit(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    const std::int64_t limit = call->number("limit").value_or(kRecordsPerPage);
    if (limit < 1 || limit > kRecordsPerPageMax)
      return tl::unexpected(
          Problem(400, "invalid-argument", "Invalid argument",
                  fmt::format("the parameter 'limit' must be from 1 to {}", kRecordsPerPageMax)));
    const AuditWish wish(*call);
    boost::json::array out;
    Json next = nullptr;
    std::uint64_t last = 0;
    TRY(security::read_audit(parts.options.audit_directory,
                             [&](std::uint64_t sequence, const security::AuditRecord& record) {
                               if (!wish.accepts(sequence, record)) return true;
                               if (out.size() == static_cast<std::size_t>(limit)) {
                                 next = std::to_string(last);
                                 return false;
                               }
                               last = sequence;
                               out.emplace_back(record_json(sequence, record));
                               return true;
                             }));
    call->reply(
        200,
        {{"version", kOutputVersion}, {"audit", std::move(out)}, {"next_cursor", std::move(next)}});
    return {};
  });
}

void verify_audit_log(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    security::AuditExpectation expected;
    TRY_ASSIGN(expected.key, security::audit_public_key(parts.options.audit_directory));
    if (const std::string* line = call->parameter("checkpoint"); line != nullptr) {
      const auto witness = security::parse_checkpoint(*line);
      if (!witness)
        return tl::unexpected(
            Problem(400, "invalid-argument", "Invalid argument", witness.error().text()));
      expected.witness = *witness;
    }
    TRY_ASSIGN(const auto proof, security::verify_audit(parts.options.audit_directory, expected));
    Json fault = nullptr;
    if (proof.fault)
      fault = JsonObject{{"sequence", proof.fault->sequence},
                         {"file", proof.fault->file},
                         {"offset", proof.fault->offset},
                         {"what", proof.fault->what}};
    call->reply(200, {{"version", kOutputVersion},
                      {"proof",
                       {{"is_sound", !proof.fault},
                        {"records", proof.records},
                        {"files", proof.segments},
                        {"tail_bytes", proof.tail_bytes},
                        {"fault", std::move(fault)}}}});
    return {};
  });
}

void export_audit(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    const bool csv = call->text("format") == "csv";
    const AuditWish wish(*call);
    std::string text = csv ? security::audit_csv_head() + "\r\n" : "";
    std::uint64_t next = 0;
    TRY(security::read_audit(parts.options.audit_directory,
                             [&](std::uint64_t sequence, const security::AuditRecord& record) {
                               if (!wish.accepts(sequence, record)) return true;
                               text += csv ? security::audit_csv(sequence, record) + "\r\n"
                                           : security::audit_json(sequence, record) + "\n";
                               next = sequence;
                               return text.size() < kExportBytesMax;
                             }));
    call->reply(
        {.status = 200,
         .headers = {{"Content-Type", csv ? "text/csv; charset=utf-8" : "application/x-ndjson"},
                     {"X-Content-Type-Options", "nosniff"},
                     {"Reeve-Audit-Last", std::to_string(next)}},
         .body = std::move(text)});
    return {};
  });
}

}  // namespace reeve::api
