// The files that tasks handed on: lists of them, and their bytes.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "api/artifact_reply.h"
#include "api/byte_range.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/loaded_run.h"
#include "api/page.h"
#include "api/service_parts.h"
#include "base/text.h"

namespace reeve::api {
namespace {

/// What is read at a time; what is not longer is answered at once.
constexpr std::int64_t kSentBytes = std::int64_t{256} << 10;
constexpr std::chrono::milliseconds kReadersBusyPause{50};

/// A file on its way out. One piece at a time: the next is read when the last one has gone out.
struct Download {
  explicit Download(std::atomic<std::size_t>& among) : count(among) { ++count; }
  ~Download() { --count; }
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  std::atomic<std::size_t>& count;  ///< of the streams that are open
  http::Stream stream;
  engine::KeptArtifact artifact;
  std::int64_t position = 0;
  std::int64_t end = 0;
  std::function<bool()> may_go_on;  ///< may be null
};
using DownloadPtr = std::shared_ptr<Download>;  // shared: by the jobs, one at a time

/// Short only at the end of the file.
Result<std::string> read_piece(const engine::KeptArtifact& artifact, std::int64_t position,
                               std::int64_t bytes) {
  std::string piece(static_cast<std::size_t>(bytes), '\0');
  std::size_t filled = 0;
  while (filled < piece.size()) {
    const ssize_t got = ::pread(artifact.bytes.get(), piece.data() + filled, piece.size() - filled,
                                position + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "cannot read the artifact");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  piece.resize(filled);
  return piece;
}

void send_next(ServiceParts& parts, const DownloadPtr& download) {
  if (!download->stream.is_open()) return;
  const bool is_taken = parts.readers->read([download](engine::History&) {
    const std::int64_t bytes = std::min(kSentBytes, download->end - download->position);
    const bool may = !download->may_go_on || download->may_go_on();
    auto piece = may ? read_piece(download->artifact, download->position, bytes)
                     : Result<std::string>(std::string());
    // What does not arrive whole breaks off, so that nobody takes it for the whole.
    if (!piece || piece->empty()) return download->stream.end();
    download->position += static_cast<std::int64_t>(piece->size());
    const bool is_last = download->position >= download->end;
    download->stream.write(*std::move(piece));
    if (is_last) download->stream.end();
  });
  if (!is_taken)
    parts.server->after(kReadersBusyPause, [&parts, download] { send_next(parts, download); });
}

/// On the server's thread.
void begin_download(ServiceParts& parts, const CallPtr& call, http::Response head,
                    const DownloadPtr& download) {
  download->may_go_on = parts.still_allowed(*call);
  const auto length = static_cast<std::uint64_t>(download->end - download->position);
  download->stream = call->stream(std::move(head), length);
  download->stream.on_change([&parts, download] { send_next(parts, download); });
  send_next(parts, download);
}

/// Names come from tasks: nothing of them may end the quotes or the header.
std::string disposition_of(const std::string& file) {
  std::string plain;
  for (const char c : file) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    plain += is_plain ? c : '_';
  }
  std::string out = fmt::format("attachment; filename=\"{}\"", plain);
  if (plain != file && is_valid_utf8(file))
    out += "; filename*=UTF-8''" + http::percent_encode(file);
  return out;
}

/// The answer without its body. Whatever a task wrote, no browser is to show it as a page of ours.
http::Response head_of(const engine::KeptArtifact& artifact, const ByteRange& range) {
  http::Response head{.status = range.is_partial ? 206 : 200,
                      .headers = {{"Content-Type", "application/octet-stream"},
                                  {"Content-Disposition", disposition_of(artifact.file)},
                                  {"X-Content-Type-Options", "nosniff"},
                                  {"Content-Security-Policy", "default-src 'none'; sandbox"},
                                  {"ETag", '"' + format_digest(artifact.digest) + '"'},
                                  {"Cache-Control", "private, no-cache, no-transform"},
                                  {"Accept-Ranges", "bytes"}},
                      .body = {}};
  if (range.is_partial)
    head.headers.push_back({"Content-Range", fmt::format("bytes {}-{}/{}", range.begin,
                                                         range.end - 1, artifact.size_bytes)});
  return head;
}

Checked<void> send_artifact(ServiceParts& parts, const CallPtr& call,
                            engine::KeptArtifact artifact) {
  const http::Request& request = call->request;
  const std::string etag = '"' + format_digest(artifact.digest) + '"';
  if (const auto* known = request.header("if-none-match");
      known != nullptr && names_etag(*known, etag)) {
    call->reply({.status = 304, .headers = {{"ETag", etag}}, .body = {}});
    return {};
  }
  const std::string* const wanted = request.header("range");
  const std::string* const only_of = request.header("if-range");
  const bool is_ranged = wanted != nullptr && (only_of == nullptr || *only_of == etag);
  const ByteRange range = byte_range(is_ranged ? *wanted : "", artifact.size_bytes);
  if (range.is_beyond) {
    http::Response beyond =
        problem_response({416, "range-not-satisfiable", "Range not satisfiable",
                          fmt::format("the artifact has {} bytes", artifact.size_bytes)},
                         call->request_id);
    beyond.headers.push_back({"Content-Range", fmt::format("bytes */{}", artifact.size_bytes)});
    call->reply(std::move(beyond));
    return {};
  }
  http::Response head = head_of(artifact, range);
  if (range.end - range.begin <= kSentBytes) {
    TRY_ASSIGN(head.body, read_piece(artifact, range.begin, range.end - range.begin));
    if (static_cast<std::int64_t>(head.body.size()) != range.end - range.begin)
      return tl::unexpected(Problem(Error{ErrorCode::corrupt, "the artifact is cut short", {}}));
    call->reply(std::move(head));
    return {};
  }
  // shared: handed from thread to thread
  const auto kept = std::make_shared<engine::KeptArtifact>(std::move(artifact));
  parts.post([&parts, call, kept, range, head = std::move(head)]() mutable {
    if (!parts.may_stream(call)) return;
    // shared: see DownloadPtr
    const auto download = std::make_shared<Download>(parts.log_streams);
    download->artifact = std::move(*kept);
    download->position = range.begin;
    download->end = range.end;
    begin_download(parts, call, std::move(head), download);
  });
  return {};
}

/// Pages hold whole tasks, so that a cursor is the index of one.
void reply_page(ServiceParts& parts, const Call& call, const core::Run& run, const Page& page) {
  boost::json::array artifacts;
  Json next = nullptr;
  const std::size_t tasks = run.tasks.size();
  for (std::size_t index = page.first; index < tasks; ++index) {
    if (artifacts.size() >= page.limit) {
      next = std::to_string(index);
      break;
    }
    for (JsonObject& each :
         artifact_items(run, static_cast<std::uint32_t>(index), *parts.options.artifacts))
      artifacts.emplace_back(std::move(each));
  }
  call.reply(200, {{"version", kOutputVersion},
                   {"artifacts", std::move(artifacts)},
                   {"next_cursor", std::move(next)}});
}

}  // namespace

void list_run_artifacts(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const Page page, page_of(*call));
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    reply_page(parts, *call, loaded.run(), page);
    return {};
  });
}

void list_task_artifacts(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    TRY_ASSIGN(const std::uint32_t index, find_one_task(loaded.run(), call->path_value("task")));
    boost::json::array artifacts;
    for (JsonObject& each : artifact_items(loaded.run(), index, *parts.options.artifacts))
      artifacts.emplace_back(std::move(each));
    call->reply(200, {{"version", kOutputVersion},
                      {"artifacts", std::move(artifacts)},
                      {"next_cursor", nullptr}});
    return {};
  });
}

void get_artifact(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    TRY_ASSIGN(const std::uint32_t index, find_one_task(loaded.run(), call->path_value("task")));
    TRY_ASSIGN(engine::KeptArtifact artifact,
               open_artifact(loaded.run(), index, call->path_value("artifact"), call->text("file"),
                             *parts.options.artifacts));
    return send_artifact(parts, call, std::move(artifact));
  });
}

}  // namespace reeve::api
