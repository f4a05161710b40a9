// `reeve audit`.
#include <deque>
#include <functional>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/audit_service.h"
#include "cli/audited_change.h"
#include "cli/service_link.h"
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

Result<std::vector<JsonObject>> newest_here(const Arguments& arguments,
                                            const std::string& directory, std::size_t limit) {
  const AuditFilter filter(arguments);
  std::deque<JsonObject> newest;
  TRY(security::read_audit(directory, [&](std::uint64_t sequence, const AuditRecord& record) {
    if (!filter.accepts(record)) return true;
    newest.push_back(security::audit_json(sequence, record));
    if (newest.size() > limit) newest.pop_front();
    return true;
  }));
  return std::vector<JsonObject>(std::move_iterator(newest.begin()),
                                 std::move_iterator(newest.end()));
}

/// `service`: null for the log in `directory`.
Ended list_records(const Session& session, const std::string& directory, AuditService* service) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "audit"));
  TRY_ASSIGN(const auto wanted, session.arguments.number("limit", 1, kLinesMost));
  const auto limit = static_cast<std::size_t>(wanted.value_or(kLinesUsual));
  Listing listing{.kind = "audit", .id_field = "sequence"};
  if (service != nullptr) {
    TRY_ASSIGN(listing.items, service->newest(session, limit));
  } else {
    TRY_ASSIGN(listing.items, newest_here(session.arguments, directory, limit));
  }
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
                    : to_json_text(security::audit_json(sequence, record), false) + "\n";
        if (text.size() < kPiece) return true;
        session.out.write(text);
        text.clear();
        return session.out.error() == 0;
      });
  TRY(session.print(text));
  TRY(read);
  return kExitDone;
}

/// Without --public-key, the key is the one that lies beside the log.
Checked<security::AuditExpectation> expectation_of(
    const Session& session, const std::function<Result<security::PublicKey>()>& stated) {
  security::AuditExpectation expected;
  if (const std::string* const key = session.arguments.find("public-key")) {
    TRY_ASSIGN(expected.key, security::parse_key(*key, "--public-key"));
  } else {
    TRY_ASSIGN(expected.key, stated());
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
    out += fmt::format(
        "{} bytes behind them were on their way, or torn by a crash: nobody was "
        "answered for them\n",
        proof.tail_bytes);
  return out;
}

JsonObject proof_item(const security::AuditProof& proof) {
  Json fault = nullptr;
  if (proof.fault)
    fault = JsonObject{{"sequence", proof.fault->sequence},
                       {"file", proof.fault->file},
                       {"offset", proof.fault->offset},
                       {"what", proof.fault->what}};
  return {{"is_sound", !proof.fault},
          {"records", proof.records},
          {"files", proof.segments},
          {"tail_bytes", proof.tail_bytes},
          {"fault", std::move(fault)}};
}

tl::unexpected<Failure> was_changed(const security::AuditProof& proof) {
  return tl::unexpected(Failure(
      kExitFailed,
      fmt::format("the audit log was changed: record {} is the first that is not as it was written "
                  "({}, byte {}: {}); the {} before it are",
                  proof.fault->sequence, sanitize_for_terminal(proof.fault->file),
                  proof.fault->offset, sanitize_for_terminal(proof.fault->what), proof.records)));
}

Ended print_proof(const Session& session, const security::AuditProof& proof) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "audit_proof"));
  const auto table = [&] { return proof.fault ? std::string() : proof_text(proof); };
  TRY(session.print(render_document("audit_proof", proof_item(proof), choice, table)));
  if (!proof.fault) return kExitDone;
  return was_changed(proof);
}

Ended verify(const Session& session, const std::string& directory) {
  TRY_ASSIGN(const auto expected,
             expectation_of(session, [&] { return security::audit_public_key(directory); }));
  TRY_ASSIGN(const security::AuditProof proof, security::verify_audit(directory, expected));
  return print_proof(session, proof);
}

std::uint64_t count_of(const JsonObject& item, std::string_view field) {
  const Json* const found = item.if_contains(field);
  boost::system::error_code error;
  return found == nullptr ? 0 : found->to_number<std::uint64_t>(error);
}

/// What a service says of its own log, which may be all that one is allowed to know.
security::AuditProof proof_of_reply(const JsonObject& reply) {
  security::AuditProof proof{.records = count_of(reply, "records"),
                             .segments = static_cast<std::uint32_t>(count_of(reply, "files")),
                             .tail_bytes = count_of(reply, "tail_bytes")};
  const Json* const sound = reply.if_contains("is_sound");
  if (sound != nullptr && sound->is_bool() && sound->get_bool()) return proof;
  const Json* const fault = reply.if_contains("fault");
  const JsonObject item =
      fault != nullptr && fault->is_object() ? fault->get_object() : JsonObject();
  proof.fault = security::AuditFault{.file = text_of(item, "file"),
                                     .offset = count_of(item, "offset"),
                                     .sequence = count_of(item, "sequence"),
                                     .what = text_of(item, "what")};
  return proof;
}

/// Its word, and then its files, proved here: one that lies is found, one that lost its log too.
Ended verify_there(const Session& session, AuditService& service) {
  TRY_ASSIGN(const JsonObject reply,
             service.its_own_proof(session.arguments.value_or("checkpoint", "")));
  const security::AuditProof said = proof_of_reply(reply);
  const auto expected = expectation_of(session, [&] { return service.key(); });
  if (!expected && expected.error().status != info(ErrorCode::permission_denied).exit_status)
    return tl::unexpected(expected.error());
  if (!expected) {
    session.say(
        "this is what the service says of its own log: to prove it here takes the right "
        "audit.copy");
    return print_proof(session, said);
  }
  TRY_ASSIGN(const security::AuditProof proof, service.proof(*expected));
  if (said.fault && !proof.fault) {
    session.say(
        "the files of the service are sound as they arrived here, and it says that they "
        "are not");
    return print_proof(session, said);
  }
  if (proof.fault && !said.fault)
    session.say(
        fmt::format("the service says of its log that its {} records are sound; its files, "
                    "as they arrived here, are not",
                    said.records));
  if (!proof.fault)
    session.say(
        fmt::format("the service says the same of its log ({} records); its files were "
                    "fetched, and proved here",
                    said.records));
  return print_proof(session, proof);
}

Ended print_key(const Session& session, const security::PublicKey& key) {
  return session.print(security::format_key(key) + "\n");
}
Ended print_checkpoint(const Session& session, const security::Checkpoint& head) {
  return session.print(security::format_checkpoint(head) + "\n");
}

Ended audit_at_service(const Session& session, ServiceLink& link, const std::string& verb) {
  AuditService service(link);
  if (verb == "verify") return verify_there(session, service);
  if (verb == "export") return service.export_all(session);
  if (verb == "ls") return list_records(session, {}, &service);
  if (verb == "key") {
    TRY_ASSIGN(const security::PublicKey key, service.key());
    return print_key(session, key);
  }
  TRY_ASSIGN(const security::Checkpoint head, service.checkpoint());
  return print_checkpoint(session, head);
}

}  // namespace

Ended command_audit(const Session& session) {
  const std::vector<std::string>& words = session.arguments.words;
  const std::string verb = words.empty() ? "ls" : words.front();
  TRY_ASSIGN(const auto link, ServiceLink::choose(session));
  if (link != nullptr) return audit_at_service(session, *link, verb);
  TRY_ASSIGN(const StateLayout layout, session.find_state());
  const std::string directory = audit_directory(layout);
  if (verb == "verify") return verify(session, directory);
  if (verb == "export") return export_records(session, directory);
  if (verb == "key") {
    TRY_ASSIGN(const security::PublicKey key, security::audit_public_key(directory));
    return print_key(session, key);
  }
  if (verb == "checkpoint") {
    TRY_ASSIGN(const security::Checkpoint head, security::audit_head(directory));
    return print_checkpoint(session, head);
  }
  return list_records(session, directory, nullptr);
}

}  // namespace reeve::cli
