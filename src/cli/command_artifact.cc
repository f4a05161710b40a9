// `reeve artifact`: the files that tasks handed on.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>

#include <fmt/format.h>

#include "api/artifact_reply.h"
#include "artifacts/kept_files.h"
#include "base/resources.h"
#include "base/text.h"
#include "cli/archive.h"
#include "cli/fetched_file.h"
#include "cli/run_cells.h"
#include "cli/service_history.h"
#include "cli/service_link.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

constexpr std::int64_t kFetchedBytes = std::int64_t{4} << 20;  ///< at a time

/// The items of all tasks, or of some of them, of what a service answers.
Result<std::vector<JsonObject>> asked_artifacts(ServiceLink& service, const std::string& target) {
  std::vector<JsonObject> items;
  std::string cursor;
  do {
    TRY_ASSIGN(const JsonObject reply,
               service.get_json(cursor.empty() ? target : target + "?cursor=" + cursor));
    const Json* const artifacts = reply.if_contains("artifacts");
    if (artifacts == nullptr || !artifacts->is_array())
      return fail(ErrorCode::corrupt, service.name() + " answers without artifacts");
    for (const Json& each : artifacts->get_array())
      if (each.is_object()) items.push_back(each.get_object());
    std::string next = http::percent_encode(text_of(reply, "next_cursor"));
    if (!next.empty() && next == cursor)
      return fail(ErrorCode::corrupt, service.name() + " gives the same page again and again");
    cursor = std::move(next);
  } while (!cursor.empty());
  return items;
}

std::string task_target(RunId run, const std::string& task) {
  return fmt::format("{}/tasks/{}/artifacts", run_target(run), http::percent_encode(task));
}

/// The tasks that a command names: all of the run, a group or one.
struct Chosen {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};
Result<Chosen> chosen_tasks(const core::Run& run, const std::string& task) {
  if (task.empty()) return Chosen{0, static_cast<std::uint32_t>(run.tasks.size())};
  TRY_ASSIGN(const TaskChoice choice, find_task(run, task));
  if (choice.index) return Chosen{*choice.index, 1};
  const core::Group& group = run.groups[choice.group.value];
  return group.expanded ? Chosen{group.first, group.count} : Chosen{};
}

Result<std::vector<JsonObject>> artifacts_of(Archive& archive, const Target& target) {
  TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
  TRY_ASSIGN(const Chosen chosen, chosen_tasks(loaded.run(), target.task));
  std::vector<JsonObject> items;
  if (archive.service != nullptr) {
    TRY_ASSIGN(items, asked_artifacts(*archive.service, run_target(target.run) + "/artifacts"));
    std::erase_if(items, [&](const JsonObject& item) {
      const Json* const index = item.if_contains("index");
      const bool is_number = index != nullptr && index->is_int64();
      return !is_number || index->get_int64() < chosen.first ||
             index->get_int64() >= std::int64_t{chosen.first} + chosen.count;
    });
    return items;
  }
  artifacts::KeptFiles kept(archive.layout.artifacts());
  for (std::uint32_t i = 0; i < chosen.count; ++i) {
    for (JsonObject& each : api::artifact_items(loaded.run(), chosen.first + i, kept))
      items.push_back(std::move(each));
  }
  return items;
}

Cell size_cell(const JsonObject& item) {
  const Json* const size = item.if_contains("size_bytes");
  if (size == nullptr || !size->is_int64()) return {"removed", Tone::bad};
  return {format_bytes(size->get_int64())};
}

Ended list_artifacts(const Session& session, const std::string& text) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "artifacts"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const Target target, find_target(archive, text));
  Listing listing{.kind = "artifacts", .id_field = "name"};
  TRY_ASSIGN(listing.items, artifacts_of(archive, target));
  listing.columns = {
      {"TASK", [](const JsonObject& item) { return text_cell(item, "task"); }, Align::left, true},
      {"NAME", [](const JsonObject& item) { return text_cell(item, "name"); }},
      {"FILE", [](const JsonObject& item) { return text_cell(item, "file"); }, Align::left, true},
      {"SIZE", size_cell, Align::right},
      {"ATTEMPT", [](const JsonObject& item) { return text_cell(item, "attempt"); }, Align::right},
      {"DIGEST",
       [](const JsonObject& item) { return Cell{text_of(item, "digest").substr(0, 12)}; }}};
  return session.print(listing, choice);
}

/// A file that can be fetched, wherever it is.
struct KeptSource {
  std::string file;
  Digest digest;
  std::int64_t size_bytes = 0;
  /// At least one byte from there, at most so many.
  std::function<Result<std::string>(std::int64_t position, std::int64_t bytes)> read;
};

Result<KeptSource> source_in(const Archive& archive, const LoadedRun& loaded, std::uint32_t index,
                             const std::string& name, const std::string& file) {
  artifacts::KeptFiles kept(archive.layout.artifacts());
  TRY_ASSIGN(engine::KeptArtifact found, api::open_artifact(loaded.run(), index, name, file, kept));
  KeptSource source{found.file, found.digest, found.size_bytes, nullptr};
  // shared: a std::function is copied
  const auto bytes = std::make_shared<const Fd>(std::move(found.bytes));
  source.read = [bytes](std::int64_t position, std::int64_t most) -> Result<std::string> {
    std::string piece(static_cast<std::size_t>(most), '\0');
    ssize_t got = 0;
    do {
      got = ::pread(bytes->get(), piece.data(), piece.size(), position);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return fail_errno(errno, "cannot read the artifact");
    if (got == 0) return fail(ErrorCode::corrupt, "the stored artifact is cut short");
    piece.resize(static_cast<std::size_t>(got));
    return piece;
  };
  return source;
}

Result<KeptSource> source_at(ServiceLink& service, RunId run, const std::string& task,
                             const std::string& name, const std::string& file) {
  const std::string target =
      fmt::format("{}/{}{}", task_target(run, task), http::percent_encode(name),
                  file.empty() ? "" : "?file=" + http::percent_encode(file));
  TRY_ASSIGN(const std::vector<JsonObject> items, asked_artifacts(service, task_target(run, task)));
  const auto found = std::ranges::find_if(items, [&](const JsonObject& item) {
    return text_of(item, "name") == name && (file.empty() || text_of(item, "file") == file);
  });
  // What is wrong with the name is the service's to say.
  const auto digest =
      found == items.end() ? Result<Digest>(Digest{}) : parse_digest(text_of(*found, "digest"));
  const Json* const size = found == items.end() ? nullptr : found->if_contains("size_bytes");
  if (!digest || size == nullptr || !size->is_int64() || size->get_int64() < 0) {
    TRY(service.get(target));
    return fail(ErrorCode::corrupt, service.name() + " says nothing of the size of the artifact");
  }
  KeptSource source{text_of(*found, "file"), *digest, size->get_int64(), nullptr};
  source.read = [&service, target, etag = '"' + format_digest(*digest) + '"'](
                    std::int64_t position, std::int64_t most) -> Result<std::string> {
    TRY_ASSIGN(http::Response part, service.get_part(target, position, most, etag));
    if (part.body.empty() || part.body.size() > static_cast<std::size_t>(most))
      return fail(ErrorCode::corrupt, service.name() + " does not answer with the part asked for");
    return std::move(part.body);
  };
  return source;
}

/// Fetches all of it in order, and compares it with its digest.
Status fetch_whole(const KeptSource& source, const std::function<Status(std::string_view)>& write) {
  DigestBuilder builder;
  for (std::int64_t position = 0; position < source.size_bytes;) {
    TRY_ASSIGN(const std::string piece,
               source.read(position, std::min(kFetchedBytes, source.size_bytes - position)));
    builder.add(piece);
    TRY(write(piece));
    position += static_cast<std::int64_t>(piece.size());
  }
  if (builder.finish() == source.digest) return {};
  return fail(ErrorCode::corrupt,
              "the bytes of the artifact are not those that the task left: "
              "they do not fit its digest");
}

Ended print_source(const Session& session, const KeptSource& source) {
  TRY(fetch_whole(source, [&](std::string_view bytes) -> Status {
    session.out.write(bytes);
    if (session.out.error() == 0) return {};
    return fail_errno(session.out.error(), "cannot write to standard output");
  }));
  return kExitDone;
}

Ended save_source(const Session& session, const KeptSource& source) {
  const std::string* const chosen = session.arguments.find("output-file");
  if (chosen == nullptr && !is_harmless_name(source.file))
    return tl::unexpected(
        Failure(kExitConflict,
                fmt::format("the file is called '{}', which is no harmless name here", source.file),
                "-O FILE says where it is to go"));
  const std::string path = chosen != nullptr ? *chosen : source.file;
  const IfThere if_there = session.arguments.has("force") ? IfThere::replace : IfThere::refuse;
  TRY_ASSIGN(FetchedFile file, FetchedFile::create(path, if_there));
  TRY(fetch_whole(source, [&](std::string_view bytes) { return file.write(bytes); }));
  TRY(file.finish());
  session.say(fmt::format("{}: {}", path, format_bytes(source.size_bytes)));
  return kExitDone;
}

Ended get_one_artifact(const Session& session, const std::string& text, const std::string& name) {
  if (text.find('/') == std::string::npos)
    return usage("artifact get: name a task too, as RUN/TASK");
  const bool is_printed = session.arguments.value_or("output-file", "") == "-";
  if (is_printed && session.surroundings.stdout_is_terminal)
    return usage("artifact get: standard output is a terminal", "-O FILE names a file");
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const Target target, find_target(archive, text));
  const std::string file = session.arguments.value_or("file", "");
  KeptSource source;
  if (archive.service != nullptr) {
    TRY_ASSIGN(source, source_at(*archive.service, target.run, target.task, name, file));
  } else {
    TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
    TRY_ASSIGN(const std::uint32_t index, find_one_task(loaded.run(), target.task));
    TRY_ASSIGN(source, source_in(archive, loaded, index, name, file));
  }
  return is_printed ? print_source(session, source) : save_source(session, source);
}

}  // namespace

Ended command_artifact(const Session& session) {
  const std::vector<std::string>& words = session.arguments.words;
  const std::string& verb = words.front();
  if (words.size() != (verb == "get" ? 3U : 2U))
    return usage(verb == "get" ? "artifact get: takes RUN/TASK and the name of an artifact"
                               : "artifact ls: takes one run or task");
  return verb == "get" ? get_one_artifact(session, words[1], words[2])
                       : list_artifacts(session, words[1]);
}

}  // namespace reeve::cli
