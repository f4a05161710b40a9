#include "cli/audit_service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "cli/service_link.h"
#include "cli/session.h"
#include "security/audit_files.h"
#include "security/audit_scan.h"
#include "security/private_file.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kRecordsPerPage = 10'000;
constexpr std::chrono::minutes kProofTime{10};

void add_filter(std::string& target, const Arguments& arguments) {
  for (const std::string_view option : {"who", "action", "namespace"}) {
    if (const std::string* const value = arguments.find(option))
      add_parameter(target, option, *value);
  }
}

std::string header_of(const http::Response& response, std::string_view name) {
  const auto found = std::ranges::find(response.headers, name, &http::Header::name);
  return found == response.headers.end() ? std::string() : found->value;
}

}  // namespace

Checked<std::vector<JsonObject>> AuditService::newest(const Session& session, std::size_t limit) {
  std::vector<JsonObject> items;
  std::string cursor;
  while (items.size() < limit) {
    std::string target = "/v1/audit";
    add_filter(target, session.arguments);
    add_parameter(target, "order", "newest");
    add_parameter(target, "limit", std::to_string(std::min(limit - items.size(), kRecordsPerPage)));
    if (!cursor.empty()) add_parameter(target, "cursor", cursor);
    TRY_ASSIGN(const JsonObject reply, service_.get_json(target));
    const std::size_t before = items.size();
    for (JsonObject& item : objects_of(reply, "audit")) items.push_back(std::move(item));
    std::string next = text_of(reply, "next_cursor");
    if (next.empty() || items.size() == before) break;
    cursor = std::move(next);
  }
  std::ranges::reverse(items);
  return items;
}

Ended AuditService::export_all(const Session& session) {
  const std::string format = session.arguments.value_or("format", "jsonl");
  std::string cursor;
  while (true) {
    std::string target = "/v1/audit/export";
    add_filter(target, session.arguments);
    add_parameter(target, "format", format);
    if (!cursor.empty()) add_parameter(target, "cursor", cursor);
    TRY_ASSIGN(http::Response response, service_.get(target));
    // Each answer begins with the names of the columns; the output has them once.
    const std::size_t head_end = response.body.find("\r\n");
    if (format == "csv" && !cursor.empty() && head_end != std::string::npos)
      response.body.erase(0, head_end + 2);
    TRY(session.print(response.body));
    std::string last = header_of(response, "reeve-audit-last");
    if (header_of(response, "reeve-audit-complete") == "true" || last.empty() || last == "0" ||
        last == cursor)
      return kExitDone;
    cursor = std::move(last);
  }
}

/// In pieces, up to what is its end then: it grows while it is written.
Result<std::string> AuditService::file(const std::string& name) {
  std::string all;
  while (true) {
    std::string target = "/v1/audit/files/" + http::percent_encode(name);
    add_parameter(target, "from", std::to_string(all.size()));
    auto piece = service_.get(target);
    if (!piece && piece.error().code == ErrorCode::not_found)
      return fail(ErrorCode::not_found, fmt::format("{} is missing", name));
    // That the service cannot read it is no proof that somebody has changed it.
    if (!piece && piece.error().code == ErrorCode::io_failed)
      return fail(ErrorCode::unavailable, piece.error().message);
    TRY(piece);
    all += piece->body;
    if (piece->body.empty() || header_of(*piece, "reeve-audit-complete") == "true") return all;
    if (all.size() > security::kSegmentBytesMax)
      return fail(ErrorCode::invalid_argument, fmt::format("{} is too large", name));
  }
}

security::AuditSource AuditService::source() {
  return {.segments = [this]() -> Result<std::vector<std::uint32_t>> {
            TRY_ASSIGN(const JsonObject reply, service_.get_json("/v1/audit/files"));
            std::vector<std::uint32_t> numbers;
            for (const JsonObject& item : objects_of(reply, "files")) {
              if (const auto number = security::segment_number(text_of(item, "name")))
                numbers.push_back(*number);
            }
            std::ranges::sort(numbers);
            return numbers;
          },
          .read = [this](const std::string& name) { return file(name); }};
}

Result<security::PublicKey> AuditService::key() {
  TRY_ASSIGN(const std::string text, file(std::string(security::kPublicKeyName)));
  return security::parse_key(text, "the key that " + service_.name() + " states");
}

Result<security::Checkpoint> AuditService::checkpoint() {
  TRY_ASSIGN(const security::PublicKey stated, key());
  return security::audit_head(source(), stated);
}

Result<JsonObject> AuditService::its_own_proof(const std::string& checkpoint) {
  // It reads all of its log before it answers.
  service_.set_patience(kProofTime);
  std::string target = "/v1/audit/verify";
  if (!checkpoint.empty()) add_parameter(target, "checkpoint", checkpoint);
  TRY_ASSIGN(JsonObject reply, service_.get_json(target));
  Json* const found = reply.if_contains("proof");
  if (found != nullptr && found->is_object()) return std::move(found->get_object());
  return fail(ErrorCode::corrupt, service_.name() + " answers with no proof");
}

Result<security::AuditProof> AuditService::proof(const security::AuditExpectation& expected) {
  return security::verify_audit(source(), expected);
}

}  // namespace reeve::cli
