// The audit log, for those who look after the service.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "base/text.h"
#include "security/audit_files.h"
#include "security/audit_reader.h"
#include "security/audit_scan.h"

namespace reeve::api {
namespace {

constexpr std::int64_t kRecordsPerPageMax = 10'000;
constexpr std::int64_t kRecordsPerPage = 100;
constexpr std::size_t kExportBytesMax = std::size_t{64} << 20;
constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

/// Which records are wanted, and may be seen: who has some namespaces sees those of them.
struct AuditWish {
  explicit AuditWish(const Call& call)
      : who(call.text("who")),
        action(call.text("action")),
        name_space(call.text("namespace")),
        is_newest_first(call.text("order") == "newest"),
        cursor(static_cast<std::uint64_t>(
            std::max<std::int64_t>(call.number("cursor").value_or(0), 0))),
        identity(call.identity) {}
  bool accepts(const security::AuditRecord& record) const {
    return (who.empty() || record.who == who) && (action.empty() || record.action == action) &&
           (name_space.empty() || record.name_space == name_space) &&
           (identity.has_all_namespaces() || identity.has_namespace(record.name_space));
  }
  Status visit(security::AuditPages& pages, const security::AuditVisit& visit) const {
    return is_newest_first ? pages.read_back(cursor, visit) : pages.read(cursor, visit);
  }
  std::string who;
  std::string action;
  std::string name_space;
  bool is_newest_first;
  std::uint64_t cursor;
  const security::Identity& identity;
};

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
    TRY(wish.visit(parts.audit_pages,
                   [&](std::uint64_t sequence, const security::AuditRecord& record) {
                     if (!wish.accepts(record)) return true;
                     if (out.size() == static_cast<std::size_t>(limit)) {
                       next = std::to_string(last);
                       return false;
                     }
                     last = sequence;
                     out.push_back(security::audit_json(sequence, record));
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
    bool is_complete = true;
    TRY(wish.visit(
        parts.audit_pages, [&](std::uint64_t sequence, const security::AuditRecord& record) {
          if (!wish.accepts(record)) return true;
          is_complete = text.size() < kExportBytesMax;
          if (!is_complete) return false;
          text += csv ? security::audit_csv(sequence, record) + "\r\n"
                      : to_json_text(security::audit_json(sequence, record), false) + "\n";
          next = sequence;
          return true;
        }));
    call->reply(
        {.status = 200,
         .headers = {{"Content-Type", csv ? "text/csv; charset=utf-8" : "application/x-ndjson"},
                     {"X-Content-Type-Options", "nosniff"},
                     {"Reeve-Audit-Last", std::to_string(next)},
                     {"Reeve-Audit-Complete", is_complete ? "true" : "false"}},
         .body = std::move(text)});
    return {};
  });
}

/// Whoever makes a backup reads the files himself; this is how it comes into the log that only the
/// service writes.
void note_backup(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    BodyReader reader(body);
    const auto file = reader.text("file", security::kAuditTextMax / 2);
    if (!file) reader.error("file", "file, the name of the backup, is missing");
    const bool with_keys = reader.flag("with_keys", false);
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    parts.audited(call, security::backup_object(*file, with_keys), {},
                  [call] { call->reply_nothing(); });
    return {};
  });
}

void list_audit_files(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    const std::string& directory = parts.options.audit_directory;
    std::vector<std::string> names{std::string(security::kPublicKeyName),
                                   std::string(security::kHeadName)};
    TRY_ASSIGN(const std::vector<std::uint32_t> numbers, security::audit_segments(directory));
    for (const std::uint32_t number : numbers) names.push_back(security::segment_name(number));
    boost::json::array out;
    for (const std::string& name : names) {
      TRY_ASSIGN(const std::uint64_t size, security::audit_file_size(directory + "/" + name));
      out.push_back(JsonObject{{"name", name}, {"size_bytes", size}});
    }
    call->reply(200, {{"version", kOutputVersion}, {"files", std::move(out)}});
    return {};
  });
}

/// Never the signing key: names are those of a short list.
void get_audit_file(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    const std::string& name = call->path_value("file");
    const bool is_one = name == security::kPublicKeyName || name == security::kHeadName ||
                        security::segment_number(name).has_value();
    const std::int64_t from = call->number("from").value_or(0);
    if (from < 0)
      return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument",
                                    "the parameter 'from' must not be negative"));
    auto bytes = is_one ? security::read_audit_part(parts.options.audit_directory + "/" + name,
                                                    static_cast<std::uint64_t>(from), kPieceBytes)
                        : fail(ErrorCode::not_found, "");
    if (!bytes && bytes.error().code == ErrorCode::not_found)
      return tl::unexpected(
          Problem(404, "not-found", "Not found", "there is no such file in the audit log"));
    TRY(bytes);
    const bool is_complete = bytes->size() < kPieceBytes;
    call->reply({.status = 200,
                 .headers = {{"Content-Type", "application/octet-stream"},
                             {"Reeve-Audit-Complete", is_complete ? "true" : "false"},
                             {"X-Content-Type-Options", "nosniff"},
                             {"Cache-Control", "no-store"}},
                 .body = *std::move(bytes)});
    return {};
  });
}

}  // namespace reeve::api
