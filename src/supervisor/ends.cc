#include "supervisor/ends.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/digest.h"
#include "base/fd.h"
#include "supervisor/files.h"

// The spool file: "REEVESPL" version:u8, then records of digest:32 length:u32 payload. The digest
// (BLAKE2b-256) is of the payload, which is an Ended in the codec of base/codec.h.

namespace reeve::supervisor {
namespace {

constexpr std::string_view kMagic("REEVESPL\x01", 9);
constexpr std::size_t kSpoolBytesMax = 1U << 30;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kEndLengthBytes = 4;

void append_record(std::string& out, const Ended& ended) {
  std::string payload;
  Writer payload_writer(payload);
  encode(payload_writer, ended);
  Writer writer(out);
  encode(writer, digest_of(payload));
  for (std::size_t i = 0; i < kEndLengthBytes; ++i)
    out.push_back(static_cast<char>((payload.size() >> (8 * i)) & 0xffU));
  out.append(payload);
}

/// False at the end, and at the first record that is torn or damaged.
bool read_record(Reader& reader, Ended& ended) {
  Digest digest;
  std::string_view length_bytes;
  std::string_view payload;
  if (reader.left() < kDigestBytes || !decode(reader, digest) ||
      !reader.bytes(kEndLengthBytes, length_bytes)) {
    return false;
  }
  std::size_t length = 0;
  for (std::size_t i = 0; i < kEndLengthBytes; ++i)
    length |= static_cast<std::size_t>(static_cast<unsigned char>(length_bytes[i])) << (8 * i);
  if (!reader.bytes(length, payload) || digest_of(payload) != digest) return false;
  Reader fields(payload);
  return decode(fields, ended) && fields.at_end() && is_valid(ended.end.outcome);
}

Status sync_directory_of(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/'));
  const Fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::fsync(opened.get()) != 0) return fail_errno(errno, "cannot sync " + directory);
  return {};
}

}  // namespace

Status Ends::load() {
  auto content = read_file(spool_path_, kSpoolBytesMax);
  if (!content && content.error().code == ErrorCode::not_found) return {};
  if (!content) return wrap(std::move(content).error(), "cannot load the ends that are kept");
  has_spool_ = true;
  if (!content->starts_with(kMagic)) return fail(ErrorCode::corrupt, spool_path_ + " is damaged");
  Reader reader(std::string_view(*content).substr(kMagic.size()));
  while (!reader.at_end()) {
    Ended ended;
    if (!read_record(reader, ended)) return fail(ErrorCode::corrupt, spool_path_ + " is damaged");
    spooled_.insert(ended.end.token);
    add(std::move(ended));
  }
  return {};
}

Status Ends::save() {
  if (ends_.empty()) {
    if (has_spool_) ::unlink(spool_path_.c_str());
    return {};
  }
  std::string content(kMagic);
  for (const auto& [token, ended] : ends_) append_record(content, ended);
  const std::string fresh = spool_path_ + ".new";
  const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), content) || ::fsync(file.get()) != 0)
    return fail_errno(errno, "cannot keep ends in " + fresh);
  if (::rename(fresh.c_str(), spool_path_.c_str()) != 0)
    return fail_errno(errno, "cannot put " + spool_path_ + " in place");
  return sync_directory_of(spool_path_);
}

const Ended& Ends::add(Ended ended) {
  const Token token = ended.end.token;
  return ends_.insert_or_assign(token, std::move(ended)).first->second;
}

const Ended* Ends::find(Token token) const {
  const auto at = ends_.find(token);
  return at == ends_.end() ? nullptr : &at->second;
}

std::optional<Ended> Ends::forget(Token token) {
  const auto at = ends_.find(token);
  if (at == ends_.end()) return std::nullopt;
  Ended ended = std::move(at->second);
  ends_.erase(at);
  if (spooled_.erase(token) > 0 && spooled_.empty()) {
    ::unlink(spool_path_.c_str());
    has_spool_ = false;
  }
  return ended;
}

void Ends::for_each(const std::function<void(const Ended&)>& visit) const {
  for (const auto& [token, ended] : ends_) visit(ended);
}

}  // namespace reeve::supervisor
