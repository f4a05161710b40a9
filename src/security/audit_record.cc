#include "security/audit_record.h"

#include <algorithm>

#include <sodium.h>

#include "base/ensure.h"

namespace reeve::security {
namespace {

constexpr std::string_view kMagic = "reeveau1";
constexpr std::string_view kHeaderPurpose = "reeve audit segment 1\n";
constexpr std::string_view kCheckpointPurpose = "reeve audit checkpoint 1\n";
constexpr std::string_view kLinkPurpose = "reeve audit log 1\n";

template <class Number>
void put_number(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    out.push_back(static_cast<char>(number >> (8 * i)));
}

template <class Bytes>
void put_bytes(std::string& out, const Bytes& bytes) {
  out.append(bytes.begin(), bytes.end());
}

/// Takes fields from the front of bytes whose number has been checked.
class FieldCutter {
 public:
  explicit FieldCutter(std::string_view bytes) : bytes_(bytes) {}
  std::string_view take(std::size_t count) {
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  template <class Number>
  void number(Number& out) {
    const std::string_view taken = take(sizeof(Number));
    out = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      out |=
          static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(taken[i])) << (8 * i));
  }
  template <class Bytes>
  void bytes(Bytes& out) {
    std::ranges::copy(take(out.size()), out.begin());
  }

 private:
  std::string_view bytes_;
};

std::string text_of(const SegmentHeader& header) {
  std::string out(kMagic);
  put_bytes(out, header.log.bytes);
  put_number(out, header.number);
  put_number(out, header.first_sequence);
  put_bytes(out, header.previous.bytes);
  return out;
}

std::string text_of(const Checkpoint& checkpoint) {
  std::string out;
  put_number(out, checkpoint.sequence);
  put_number(out, static_cast<std::uint64_t>(checkpoint.at.time_since_epoch().count()));
  put_bytes(out, checkpoint.chain.bytes);
  return out;
}

std::string to_sign(const Checkpoint& checkpoint, const Uuid& log) {
  std::string out(kCheckpointPurpose);
  put_bytes(out, log.bytes);
  return out + text_of(checkpoint);
}

Signature signature_of(std::string_view text, const SigningKey& key) {
  Signature signature{};
  ENSURE(crypto_sign_detached(signature.data(), nullptr,
                              reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                              key.data()) == 0);
  return signature;
}

bool is_signature(const Signature& signature, std::string_view text, const PublicKey& key) {
  return crypto_sign_verify_detached(signature.data(),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size(), key.data()) == 0;
}

void cut(std::string& text) {
  if (text.size() > kAuditTextMax) text.resize(kAuditTextMax);
}

}  // namespace

std::string_view name(AuditResult result) {
  switch (result) {
    case AuditResult::allowed: return "allowed";
    case AuditResult::refused: return "refused";
    case AuditResult::failed: return "failed";
  }
  return "unknown";
}

std::string backup_object(std::string_view file, bool with_keys) {
  return std::string(with_keys ? "backup with keys/" : "backup/") + std::string(file);
}

void sign(Checkpoint& checkpoint, const Uuid& log, const SigningKey& key) {
  checkpoint.signature = signature_of(to_sign(checkpoint, log), key);
}

bool is_signed(const Checkpoint& checkpoint, const Uuid& log, const PublicKey& key) {
  return is_signature(checkpoint.signature, to_sign(checkpoint, log), key);
}

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  std::string out = text_of(checkpoint);
  put_bytes(out, checkpoint.signature);
  return out;
}

bool decode_checkpoint(std::string_view bytes, Checkpoint& checkpoint) {
  if (bytes.size() != kCheckpointBytes) return false;
  FieldCutter cutter(bytes);
  cutter.number(checkpoint.sequence);
  std::uint64_t at = 0;
  cutter.number(at);
  checkpoint.at = Time(Duration(static_cast<std::int64_t>(at)));
  cutter.bytes(checkpoint.chain.bytes);
  cutter.bytes(checkpoint.signature);
  return true;
}

void sign(SegmentHeader& header, const SigningKey& key) {
  header.signature = signature_of(std::string(kHeaderPurpose) + text_of(header), key);
}

bool is_signed(const SegmentHeader& header, const PublicKey& key) {
  return is_signature(header.signature, std::string(kHeaderPurpose) + text_of(header), key);
}

std::string encode_header(const SegmentHeader& header) {
  std::string out = text_of(header);
  put_bytes(out, header.signature);
  return out;
}

bool decode_header(std::string_view bytes, SegmentHeader& header) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic)) return false;
  FieldCutter cutter(bytes);
  cutter.take(kMagic.size());
  cutter.bytes(header.log.bytes);
  cutter.number(header.number);
  cutter.number(header.first_sequence);
  cutter.bytes(header.previous.bytes);
  cutter.bytes(header.signature);
  return true;
}

Digest first_link(const Uuid& log) {
  DigestBuilder builder;
  builder.add(kLinkPurpose);
  builder.add({reinterpret_cast<const char*>(log.bytes.data()), log.bytes.size()});
  return builder.finish();
}

void append_entry(std::string& out, EntryKind kind, std::string_view payload, Digest& chain) {
  ENSURE(payload.size() <= kEntryMax);
  const std::size_t begin = out.size();
  put_number(out, static_cast<std::uint32_t>(payload.size()));
  out.push_back(static_cast<char>(kind));
  out += payload;
  DigestBuilder builder;
  builder.add({reinterpret_cast<const char*>(chain.bytes.data()), chain.bytes.size()});
  builder.add(std::string_view(out).substr(begin));
  chain = builder.finish();
  put_bytes(out, chain.bytes);
}

void append_record(std::string& out, AuditRecord record, Digest& chain) {
  for (std::string* text : {&record.who, &record.action, &record.object, &record.name_space,
                            &record.from, &record.request_id, &record.detail})
    cut(*text);
  std::string payload;
  Writer writer(payload);
  encode(writer, record);
  append_entry(out, EntryKind::record, payload, chain);
}

EntryFault read_entry(std::string_view bytes, Digest& chain, Entry& entry) {
  if (bytes.size() < kEntryHeadBytes) return EntryFault::incomplete;
  FieldCutter cutter(bytes);
  std::uint32_t length = 0;
  cutter.number(length);
  entry.kind = static_cast<EntryKind>(cutter.take(1).front());
  if (length > kEntryMax ||
      (entry.kind != EntryKind::record && entry.kind != EntryKind::checkpoint))
    return EntryFault::malformed;
  entry.size = kEntryHeadBytes + length + chain.bytes.size();
  if (bytes.size() < entry.size) return EntryFault::incomplete;
  entry.payload = cutter.take(length);
  Digest stated;
  cutter.bytes(stated.bytes);
  DigestBuilder builder;
  builder.add({reinterpret_cast<const char*>(chain.bytes.data()), chain.bytes.size()});
  builder.add(bytes.substr(0, kEntryHeadBytes + length));
  if (builder.finish() != stated) return EntryFault::chain;
  chain = stated;
  return EntryFault::none;
}

}  // namespace reeve::security
