// `reeve audit`.
#include <deque>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/audited_change.h"
#include "cli/session.h"
#include "security/audit_reader.h"
#include "security/private_file.h"

namespace reeve::cli {
namespace {

using security::AuditRecord;

constexpr std::int64_t kLinesUsual = 50;
constexpr std::int64_t kLinesMost = 1'000'000;

/// Which records are wanted.
struct AuditFilter {
  std::string who;
  std::string action;
  std::string name_space;

  explicit AuditFilter(const Arguments& arguments)
      : who(arguments.value_or("who", "")),
        action(arguments.value_or("action", "")),
        name_space(arguments.value_or("namespace", "")) {}
  bool accepts(const AuditRecord& record) const {
    return (who.empty() || record.who == who) && (action.empty() || record.action == action) &&
           (name_space.empty() || record.name_space == name_space);
  }
};

JsonObject audit_item(std::uint64_t sequence, const AuditRecord& record) {
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

Ended list_records(const Session& session, const std::string& directory) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "audit"));
  TRY_ASSIGN(const auto limit, session.arguments.number("limit", 1, kLinesMost));
  const AuditFilter filter(session.arguments);
  std::deque<JsonObject> newest;
  TRY(security::read_audit(directory, [&](std::uint64_t sequence, const AuditRecord& record) {
    if (!filter.accepts(record)) return true;
    newest.push_back(audit_item(sequence, record));
    if (newest.size() > static_cast<std::size_t>(limit.value_or(kLinesUsual))) newest.pop_front();
    return true;
  }));
  Listing listing{.kind = "audit", .id_field = "sequence"};
  for (JsonObject& item : newest) listing.items.push_back(std::move(item));
  const auto column = [](std::string_view title, std::string_view field, bool shrinks = false) {
    return Column{.title = title,
                  .cell = [field](const JsonObject& item) { return Cell{text_of(item, field)}; },
                  .shrinks = shrinks};
  };
  listing.columns = {column("AT", "at"),         column("WHO", "who", true),
                     column("ACTION", "action"), column("OBJECT", "object", true),
                     column("RESULT", "result"), column("FROM", "from", true)};
  return session.print(listing, choice);
}

Ended export_records(const Session& session, const std::string& directory) {
  const bool csv = session.arguments.value_or("format", "jsonl") == "csv";
  const AuditFilter filter(session.arguments);
  std::string text = csv ? security::audit_csv_head() + "\r\n" : "";
  constexpr std::size_t kPiece = 64 * 1024;
  const Status read =
      security::read_audit(directory, [&](std::uint64_t sequence, const AuditRecord& record) {
        if (!filter.accepts(record)) return true;
        text += csv ? security::audit_csv(sequence, record) + "\r\n"
                    : security::audit_json(sequence, record) + "\n";
        if (text.size() < kPiece) return true;
        session.out.write(text);
        text.clear();
        return session.out.error() == 0;
      });
  TRY(session.print(text));
  TRY(read);
  return kExitDone;
}

Checked<security::AuditExpectation> expectation_of(const Session& session,
                                                   const std::string& directory) {
  security::AuditExpectation expected;
  if (const std::string* const key = session.arguments.find("public-key")) {
    TRY_ASSIGN(expected.key, security::parse_key(*key, "--public-key"));
  } else {
    TRY_ASSIGN(expected.key, security::audit_public_key(directory));
  }
  if (const std::string* const line = session.arguments.find("checkpoint")) {
    TRY_ASSIGN(expected.witness, security::parse_checkpoint(*line));
  }
  return expected;
}

std::string proof_text(const security::AuditProof& proof) {
  std::string out = fmt::format("{} records in {} files are as they were written\n", proof.records,
                                proof.segments);
  if (proof.tail_bytes > 0)
    out += fmt::format("{} bytes behind them were on their way, or torn by a crash: nobody was "
                       "answered for them\n",
                       proof.tail_bytes);
  return out;
}

Ended verify(const Session& session, const std::string& directory) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "audit_proof"));
  TRY_ASSIGN(const auto expected, expectation_of(session, directory));
  TRY_ASSIGN(const security::AuditProof proof, security::verify_audit(directory, expected));
  JsonObject fault;
  if (proof.fault)
    fault = {{"sequence", proof.fault->sequence},
             {"file", proof.fault->file},
             {"offset", proof.fault->offset},
             {"what", proof.fault->what}};
  const JsonObject body{{"is_sound", !proof.fault},
                        {"records", proof.records},
                        {"files", proof.segments},
                        {"tail_bytes", proof.tail_bytes},
                        {"fault", proof.fault ? Json(fault) : Json(nullptr)}};
  const auto table = [&] { return proof.fault ? std::string() : proof_text(proof); };
  TRY(session.print(render_document("audit_proof", body, choice, table)));
  if (!proof.fault) return kExitDone;
  return tl::unexpected(Failure(
      kExitFailed,
      fmt::format("the audit log was changed: record {} is the first that is not as it was written "
                  "({}, byte {}: {}); the {} before it are",
                  proof.fault->sequence, proof.fault->file, proof.fault->offset, proof.fault->what,
                  proof.records)));
}

}  // namespace

Ended command_audit(const Session& session) {
  TRY_ASSIGN(const StateLayout layout, session.find_state());
  const std::string directory = audit_directory(layout);
  const std::string& verb = session.arguments.words.front();
  if (verb == "verify") return verify(session, directory);
  if (verb == "export") return export_records(session, directory);
  if (verb == "key") {
    TRY_ASSIGN(const security::PublicKey key, security::audit_public_key(directory));
    return session.print(security::format_key(key) + "\n");
  }
  if (verb == "checkpoint") {
    TRY_ASSIGN(const security::Checkpoint head, security::audit_head(directory));
    return session.print(security::format_checkpoint(head) + "\n");
  }
  return list_records(session, directory);
}

}  // namespace reeve::cli
