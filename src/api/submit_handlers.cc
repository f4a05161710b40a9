#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <future>
#include <iterator>
#include <map>
#include <utility>

#include <boost/json/monotonic_resource.hpp>
#include <fmt/format.h>

#include "api/field_table.h"
#include "api/follow_submission.h"
#include "api/handlers.h"
#include "api/run_json.h"
#include "api/service_parts.h"
#include "api/stored_workflow.h"
#include "core/recover.h"

namespace reeve::api {
namespace {

constexpr std::size_t kInlineBytesMax = 4096;  ///< larger bodies are parsed by a reader
constexpr std::size_t kBulkItemsMax = 1'000'000;
constexpr std::size_t kBulkErrorsMax = 100;

std::string stored_key(const Call& call) {
  return call.identity.subject + ":" + call.idempotency_key;
}

/// What the engine says of a run that it has just taken in.
struct TakenIn {
  RunId id;
  Time submitted_at;
  /// Of one that follows others: it may be over already. Shared: with what answers.
  std::shared_ptr<const core::RunRecord> follower;
};

/// The run as it is in the moment in which it was taken in.
JsonObject new_run_json(const core::SubmitRun& event, const TakenIn& taken) {
  if (taken.follower != nullptr)
    return run_json(*taken.follower, count_json(*taken.follower, {}, 0), false);
  core::RunRecord record;
  record.id = taken.id;
  record.uuid = event.uuid;
  record.submitted_at = taken.submitted_at;
  record.priority = event.workflow->priority + event.priority;
  record.workflow = event.workflow;
  // shared: as in RunRecord
  record.origin = std::make_shared<core::RunOrigin>(event.directory, event.submitter);
  record.inputs = PackedText(event.inputs);
  record.texts = std::make_unique<core::RunTexts>(event.texts);
  return run_json(record, count_json(record, {}, 0), false);
}

void reply_new(const Call& call, const NewRun& run, const TakenIn& taken) {
  JsonObject body{{"version", kOutputVersion}, {"run", new_run_json(run.event, taken)}};
  boost::json::array warnings;
  for (const std::string& warning : run.warnings) warnings.push_back(text_json(warning));
  body["warnings"] = std::move(warnings);
  call.reply(201, body, {{"Location", "/v1/runs/" + format_uuid("run", run.event.uuid)}});
}

Problem other_submission() {
  return {422, "idempotency-key-reused", "Idempotency-Key used before",
          "this Idempotency-Key was sent with another submission: take a new one"};
}

/// The key was known to the store: the same thing again, or another one.
// shared: with the engine's answer
void reply_known(ServiceParts& parts, const CallPtr& call, const std::shared_ptr<const NewRun>& run,
                 RunId id) {
  parts.read(call, [call, run, id](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const engine::RunView view, history.get_run(id));
    if (!is_same_submission(*run, view.record)) return tl::unexpected(other_submission());
    call->reply(200,
                {{"version", kOutputVersion},
                 {"run", run_json(view.record, count_json(view.record, view.counts, 0), false)},
                 {"warnings", boost::json::array{}}},
                {{"Location", "/v1/runs/" + format_uuid("run", view.record.uuid)},
                 {"Idempotency-Replayed", "true"}});
    return {};
  });
}

void hand_over(ServiceParts& parts, const CallPtr& call, NewRun made) {
  // shared: by the engine's answer and what is made of it
  const auto run = std::make_shared<const NewRun>(std::move(made));
  core::Event event = core::submission_event(run->event, run->after);
  auto done = [&parts, call, run](Result<engine::Receipt> receipt) {
    TakenIn taken{.id = {}, .submitted_at = parts.options.now(), .follower = nullptr};
    if (receipt) {
      taken.id = receipt->run;
      const core::Run* const present = parts.options.engine->state().find_run(receipt->run);
      if (present != nullptr) taken.submitted_at = present->record.submitted_at;
      if (present != nullptr && present->record.after != nullptr)
        taken.follower = std::make_shared<core::RunRecord>(core::copy_of(present->record));
    }
    parts.post([&parts, call, run, taken = std::move(taken), receipt = std::move(receipt)] {
      if (!receipt) return call->refuse(receipt.error());
      if (receipt->existed) return reply_known(parts, call, run, receipt->run);
      reply_new(*call, *run, taken);
    });
  };
  if (!parts.options.engine->post(std::move(event), std::move(done)))
    call->refuse(Error{ErrorCode::exhausted, "the engine has too much to do: try again", {}});
}

/// Whoever brings a workflow whose tasks are given secrets needs the right to use them.
Checked<void> may_use_secrets(const ServiceParts& parts, const Call& call, const NewRun& run) {
  const spec::Workflow& workflow = *run.event.workflow;
  const bool has_secrets =
      !workflow.secrets.empty() || std::ranges::any_of(workflow.groups, [](const auto& group) {
        return group.detail != nullptr && !group.detail->secrets.empty();
      });
  if (!has_secrets) return {};
  return parts.authorise(call, security::Action::secrets_use, run.name_space, call.identity.run,
                         {});
}

Checked<void> submit_one(ServiceParts& parts, const CallPtr& call, const JsonObject& body) {
  TRY_ASSIGN(NewRun run, read_submission(parts.submission_context(*call), body));
  TRY(parts.authorise(*call, call->route->action, run.name_space, call->identity.run, {}));
  TRY(may_use_secrets(parts, *call, run));
  TRY(parts.make_directory(run.event, run.name_space));
  run.event.texts.idempotency_key = stored_key(*call);
  // shared: std::function wants to copy what it holds
  const auto kept = std::make_shared<NewRun>(std::move(run));
  const auto go_on = [&parts, call, kept] {
    const std::string object = format_uuid("run", kept->event.uuid);
    const std::string name_space = kept->name_space;
    parts.audited(call, object, name_space,
                  [&parts, call, kept] { hand_over(parts, call, std::move(*kept)); });
  };
  if (kept->after_asked.empty()) {
    go_on();
    return {};
  }
  parts.read(call, [&parts, call, kept, go_on](engine::History& history) -> Checked<void> {
    TRY(find_after(parts, *call, history, *kept));
    go_on();
    return {};
  });
  return {};
}

/// YAML as it is in a file, with the rest in the query, or JSON.
Checked<JsonObject> submission_body(const Call& call) {
  const std::string* const type = call.request.header("content-type");
  if (type == nullptr || type->find("yaml") == std::string::npos)
    return ServiceParts::body_of(call);
  JsonObject body{{"workflow", call.request.body}};
  for (const std::string_view name : {"name", "namespace"})
    if (const std::string* value = call.parameter(name); value != nullptr) body[name] = *value;
  return body;
}

/// The lines of a bulk that are runs, and those that are not.
struct Bulk {
  struct Item {
    std::size_t line = 0;
    NewRun run;
  };
  std::vector<Item> items;
  std::vector<std::pair<std::size_t, Problem>> refused;
  std::size_t lines = 0;
};

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::size_t count_items(std::string_view rest) {
  std::size_t count = 0;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (!is_blank(rest.substr(0, end))) ++count;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return count;
}

/// Adds the lines to the bulk, whose `lines` is the number of the first of them.
void read_lines(ServiceParts& parts, const Call& call, engine::History& history,
                std::string_view rest, Bulk& bulk) {
  const SubmissionContext context = parts.submission_context(call);
  const std::string key = stored_key(call) + "#";
  std::string made;  // the directory of the line before: most have the same
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (is_blank(line)) continue;
    const std::size_t number = bulk.lines++;
    std::array<unsigned char, 2048> room;
    boost::json::monotonic_resource storage(room.data(), room.size());
    const auto one = [&]() -> Checked<NewRun> {
      TRY_ASSIGN(const JsonObject body, parse_body(line, &storage));
      TRY_ASSIGN(NewRun run, read_submission(context, body));
      TRY(parts.authorise(call, call.route->action, run.name_space, call.identity.run, {}));
      TRY(may_use_secrets(parts, call, run));
      TRY(find_after(parts, call, history, run));
      if (run.event.directory != made) TRY(parts.make_directory(run.event, run.name_space));
      made = run.event.directory;
      run.event.texts.idempotency_key = key + std::to_string(number);
      return run;
    };
    auto run = one();
    if (run)
      bulk.items.push_back({number, *std::move(run)});
    else if (bulk.refused.size() < kBulkErrorsMax)
      bulk.refused.emplace_back(number, std::move(run).error());
    else
      bulk.refused.emplace_back(number, Problem(422, "invalid-argument", "Invalid argument", ""));
  }
}

/// The second half of a bulk: for another thread of the readers, if one has time before the first
/// half is done.
struct SecondHalf {
  std::atomic<bool> is_claimed{false};
  std::promise<void> done;
  Bulk bulk;
};

Checked<Bulk> read_bulk(ServiceParts& parts, const Call& call, engine::History& own_history) {
  constexpr std::size_t kHalvedBytesMin = 64 * 1024;
  const std::string_view body = call.request.body;
  Bulk bulk;
  const std::size_t cut =
      body.size() < kHalvedBytesMin ? std::string_view::npos : body.find('\n', body.size() / 2);
  const std::string_view first = body.substr(0, cut);
  const std::string_view rest = body.substr(first.size());
  const std::size_t first_count = count_items(first);
  const std::size_t count = first_count + count_items(rest);
  if (count > kBulkItemsMax)
    return tl::unexpected(Problem(413, "too-large", "Too many items",
                                  fmt::format("a bulk has {} items at most", kBulkItemsMax)));
  if (count == 0)
    return tl::unexpected(Problem(400, "malformed-body", "Malformed body", "there are no items"));
  bulk.items.reserve(count);
  const auto half = std::make_shared<SecondHalf>();  // shared: with a job that may come too late
  half->bulk.lines = first_count;
  // Whoever claims it may use what belongs to this call, which waits for it.
  const auto read_second = [&parts, &call, rest, half](engine::History& history) {
    if (half->is_claimed.exchange(true)) return;
    half->bulk.items.reserve(count_items(rest));
    read_lines(parts, call, history, rest, half->bulk);
    half->done.set_value();
  };
  if (!rest.empty()) parts.readers->read(read_second);
  read_lines(parts, call, own_history, first, bulk);
  read_second(own_history);
  half->done.get_future().wait();
  std::ranges::move(half->bulk.items, std::back_inserter(bulk.items));
  std::ranges::move(half->bulk.refused, std::back_inserter(bulk.refused));
  bulk.lines = half->bulk.lines;
  return bulk;
}

/// What the engine said of an item.
struct BulkAnswer {
  std::size_t line = 0;
  Uuid uuid;
  Result<engine::Receipt> receipt;
  std::optional<Problem> problem = std::nullopt;  ///< the key was that of another submission
};

/// A bulk that the engine takes in. Its thread fills the answers, each its own; whoever brings the
/// last one goes on with all of them.
struct BulkWork {
  ServiceParts& parts;
  CallPtr call;
  Bulk bulk;
  std::vector<BulkAnswer> answers;
  std::atomic<std::size_t> missing;
  std::shared_ptr<BulkWork> self;  // shared: held by itself until the last answer is there
};

JsonObject refused_json(std::size_t line, const Problem& problem) {
  return {{"index", line}, {"problem", problem_json(problem, {})}};
}

/// Runs that the store knew by their keys: what they are called, unless something else was wanted.
Checked<void> look_at_known(ServiceParts& parts, const Call& call, engine::History& history,
                            std::vector<BulkAnswer>& answers) {
  const auto is_known = [](const BulkAnswer& each) {
    return each.receipt && each.receipt->existed;
  };
  if (std::ranges::none_of(answers, is_known)) return {};
  // The engine has them: they are read once more.
  TRY_ASSIGN(const Bulk again, read_bulk(parts, call, history));
  std::map<std::size_t, const NewRun*> wanted;
  for (const Bulk::Item& item : again.items) wanted.emplace(item.line, &item.run);
  for (BulkAnswer& answer : answers) {
    if (!is_known(answer)) continue;
    TRY_ASSIGN(const engine::RunView view, history.get_run(answer.receipt->run));
    answer.uuid = view.record.uuid;
    const auto found = wanted.find(answer.line);
    if (found == wanted.end() || !is_same_submission(*found->second, view.record))
      answer.problem = other_submission();
  }
  return {};
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto [end, error] = std::to_chars(digits.begin(), digits.end(), number);
  out.append(digits.begin(), end);
}

/// Put together by hand: of a hundred thousand items, a tree in memory took longer than their runs.
void reply_bulk(const Call& call, const Bulk& bulk, const std::vector<BulkAnswer>& answers) {
  boost::json::array refused;
  for (const auto& [line, problem] : bulk.refused)
    refused.emplace_back(refused_json(line, problem));
  std::string body = fmt::format("{{\"version\":{},\"accepted\":[", kOutputVersion);
  constexpr std::size_t kAcceptedBytes = 90;
  body.reserve(body.size() + answers.size() * kAcceptedBytes);
  bool is_first = true;
  for (const BulkAnswer& answer : answers) {
    if (!answer.receipt) {
      refused.emplace_back(refused_json(answer.line, Problem(answer.receipt.error())));
    } else if (answer.problem) {
      refused.emplace_back(refused_json(answer.line, *answer.problem));
    } else {
      body += std::exchange(is_first, false) ? "{\"index\":" : ",{\"index\":";
      append_number(body, answer.line);
      body += ",\"number\":";
      append_number(body, answer.receipt->run.value);
      body.append(",\"id\":\"").append(format_uuid("run", answer.uuid)).append("\"}");
    }
  }
  const int status = refused.empty() ? 200 : 207;
  body += "],\"refused\":" + to_json_text(std::move(refused), false) + "}";
  call.reply({.status = status,
              .headers = {{"Content-Type", "application/json"}},
              .body = std::move(body)});
}

// shared: with whoever goes on with it; it lets go of itself with the last answer
void end_bulk(const std::shared_ptr<BulkWork>& work) {
  work->parts.read(work->call, [work](engine::History& history) -> Checked<void> {
    TRY(look_at_known(work->parts, *work->call, history, work->answers));
    reply_bulk(*work->call, work->bulk, work->answers);
    return {};
  });
}

/// Waits for room: a bulk goes as fast as the engine takes it in, and no faster.
void submit_items(BulkWork& work) {
  engine::Engine& engine = *work.parts.options.engine;
  for (std::size_t i = 0; i < work.answers.size(); ++i) {
    // Small enough that a std::function keeps it without asking for memory.
    const auto done = [&work, i](Result<engine::Receipt> receipt) {
      work.answers[i].receipt = std::move(receipt);
      if (work.missing.fetch_sub(1) == 1)
        work.parts.post([held = std::move(work.self)] { end_bulk(held); });
    };
    NewRun& run = work.bulk.items[i].run;
    engine.submit(core::submission_event(std::move(run.event), std::move(run.after)), done);
  }
}

void hand_over_bulk(ServiceParts& parts, const CallPtr& call, Bulk bulk) {
  // shared: with itself, until the engine's last answer
  const auto work = std::make_shared<BulkWork>(parts, call, std::move(bulk));
  for (const Bulk::Item& item : work->bulk.items)
    work->answers.push_back({item.line, item.run.event.uuid, {}});
  work->missing = work->answers.size();
  const bool is_taken = parts.readers->read([work](engine::History&) {
    if (work->answers.empty()) return reply_bulk(*work->call, work->bulk, {});
    work->self = work;
    submit_items(*work);
  });
  if (!is_taken) call->refuse(Error{ErrorCode::exhausted, "too many requests wait: try again", {}});
}

}  // namespace

void submit_run(ServiceParts& parts, CallPtr call) {
  const auto work = [&parts, call]() -> Checked<void> {
    TRY_ASSIGN(JsonObject body, submission_body(*call));
    if (!body.contains("workflow_name")) return submit_one(parts, call, body);
    parts.read(call, [&parts, call, body](engine::History& history) -> Checked<void> {
      TRY_ASSIGN(const JsonObject whole, with_stored_workflow(parts, history, *call, body));
      return submit_one(parts, call, whole);
    });
    return {};
  };
  if (call->request.body.size() > kInlineBytesMax)
    return parts.read(call, [work](engine::History&) { return work(); });
  if (const auto done = work(); !done) {
    parts.note_refusal(*call, done.error());
    call->refuse(done.error());
  }
}

void submit_bulk(ServiceParts& parts, CallPtr call) {
  if (parts.bulk_under_way.exchange(true))
    return call->refuse(
        Error{ErrorCode::exhausted, "another bulk is being taken in: try again", {}});
  // shared: lets the next one in when it was answered, or nobody is left to answer it
  call->turn = std::shared_ptr<void>(nullptr, [&parts](void*) { parts.bulk_under_way = false; });
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(Bulk read, read_bulk(parts, *call, history));
    const bool is_all = call->text("mode") != "each";
    if (is_all && !read.refused.empty()) {
      std::vector<FieldError> errors;
      for (const auto& [line, problem] : read.refused) {
        if (errors.size() < kBulkErrorsMax)
          errors.push_back({fmt::format("/{}", line), problem.detail});
      }
      Problem problem = invalid(std::move(errors));
      problem.detail = fmt::format("{} of {} items are refused, so none was taken",
                                   read.refused.size(), read.lines);
      return tl::unexpected(std::move(problem));
    }
    // shared: std::function wants to copy what it holds
    const auto bulk = std::make_shared<Bulk>(std::move(read));
    parts.audited(call, fmt::format("{} runs", bulk->items.size()), {},
                  [&parts, call, bulk] { hand_over_bulk(parts, call, std::move(*bulk)); });
    return {};
  });
}

void lint_workflow(ServiceParts& parts, CallPtr call) {
  parts.read(call, [call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, submission_body(*call));
    BodyReader reader(body);
    const auto source = reader.text("workflow", spec::kSourceBytesMax);
    if (!source) reader.error("workflow", "workflow, the text of one, is missing");
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    boost::json::array diagnostics;
    for (const spec::Diagnostic& each : spec::parse_workflow(*source, "workflow").diagnostics)
      diagnostics.emplace_back(diagnostic_json(each));
    call->reply(200, {{"version", kOutputVersion}, {"diagnostics", std::move(diagnostics)}});
    return {};
  });
}

void plan_workflow(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, submission_body(*call));
    BodyReader reader(body);
    const auto source = reader.text("workflow", spec::kSourceBytesMax);
    if (!source) reader.error("workflow", "workflow, the text of one, is missing");
    const JsonObject* const given = reader.object("inputs");
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    const spec::Parsed parsed = spec::parse_workflow(*source, "workflow");
    if (!parsed.workflow) return tl::unexpected(invalid(workflow_errors(parsed, "/workflow")));
    auto inputs = spec::resolve_inputs(*parsed.workflow, given ? *given : JsonObject{});
    if (!inputs) return tl::unexpected(invalid({{"/inputs", inputs.error().text()}}));
    TRY_ASSIGN(auto items, parts.options.plan(parsed, to_json_text(*inputs, false)));
    call->reply(200, {{"version", kOutputVersion}, {"plan", std::move(items)}});
    return {};
  });
}

}  // namespace reeve::api
