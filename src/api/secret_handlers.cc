// Secrets and feature flags: what tasks and programs are given, by name. Values never go out.
#include <algorithm>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "api/body_reader.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "api/version_match.h"
#include "base/text.h"
#include "security/base64.h"

namespace reeve::api {
namespace {

using security::Action;

JsonObject secret_item(const security::SecretRecord& record) {
  return {{"name", text_json(record.name)},     {"namespace", text_json(record.name_space)},
          {"version", record.version},          {"size_bytes", record.size},
          {"set_at", time_json(record.set_at)}, {"set_by", text_json(record.set_by)}};
}

/// Nothing: the reader says what is wrong.
std::optional<std::string> secret_value(BodyReader& reader) {
  constexpr std::size_t kCodedMax = (security::kSecretBytesMax + 2) / 3 * 4;
  const std::string encoding = reader.text("encoding").value_or("text");
  const bool is_coded = encoding == "base64";
  if (!is_coded && encoding != "text") reader.error("encoding", "encoding must be text or base64");
  auto value = reader.text("value", is_coded ? kCodedMax : security::kSecretBytesMax);
  if (!value) reader.error("value", "value, the secret itself, is missing");
  if (!value || !is_coded) return value;
  auto bytes = security::from_base64(*value);
  if (bytes) return *std::move(bytes);
  reader.error("value", bytes.error().message);
  return std::nullopt;
}

/// namespace=*: what the caller may see of all.
bool is_for_all(const Call& call) { return call.text("namespace") == "*"; }

Checked<std::uint64_t> version_of_secret(security::SecretStore& store,
                                         const std::string& name_space, const std::string& name) {
  TRY_ASSIGN(const auto all, store.list(name_space));
  const auto found = std::ranges::find(all, name, &security::SecretRecord::name);
  return found == all.end() ? std::uint64_t{0} : std::uint64_t{found->version};
}

/// The store, with nobody else between the look at a version and the change.
Checked<void> with_secret(ServiceParts& parts, const std::string& name_space,
                          const std::string& name, std::optional<std::uint64_t> wanted,
                          const std::function<Checked<void>(security::SecretStore&)>& change) {
  const std::lock_guard lock(parts.secrets_mutex);
  TRY_ASSIGN(security::SecretStore* const store, parts.secret_store());
  if (wanted) {
    TRY_ASSIGN(const std::uint64_t present, version_of_secret(*store, name_space, name));
    if (present != *wanted) return tl::unexpected(is_stale("secret"));
  }
  return change(*store);
}

JsonObject flag_item(const config::FlagVersion& version) {
  boost::system::error_code error;
  JsonObject item = boost::json::parse(config::flag_json(version.flag), error).get_object();
  item["version"] = version.version;
  item["removed"] = version.removed;
  item["set_at"] = time_json(version.at);
  item["set_by"] = text_json(version.by);
  return item;
}

void reply_flags(const Call& call, const std::vector<config::FlagVersion>& flags) {
  boost::json::array out;
  for (const config::FlagVersion& each : flags) out.emplace_back(flag_item(each));
  call.reply(200, {{"version", kOutputVersion}, {"flags", std::move(out)}});
}

void reply_flag(const Call& call, const config::FlagVersion& flag) {
  call.reply(200, {{"version", kOutputVersion}, {"flag", flag_item(flag)}},
             {{"ETag", version_tag(flag.version)}});
}

/// What the store of flags says of a version that is another one.
Problem flag_problem(const Error& error) {
  return error.code == ErrorCode::conflict ? is_stale("flag") : Problem(error);
}

}  // namespace

void list_secrets(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    const bool for_all = is_for_all(*call);
    TRY_ASSIGN(const std::string name_space,
               parts.chosen_namespace(*call, for_all ? "" : call->text("namespace")));
    const std::lock_guard lock(parts.secrets_mutex);
    TRY_ASSIGN(security::SecretStore* const store, parts.secret_store());
    TRY_ASSIGN(const auto all, store->list(for_all ? "" : name_space));
    boost::json::array out;
    for (const security::SecretRecord& record : all) {
      if (!for_all ||
          parts.authorise(*call, call->route->action, record.name_space, call->identity.run, {}))
        out.emplace_back(secret_item(record));
    }
    call->reply(200, {{"version", kOutputVersion}, {"secrets", std::move(out)}});
    return {};
  });
}

void set_secret(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    BodyReader reader(body);
    auto value = secret_value(reader);
    if (call->path_value("secret") == "REEVE_TOKEN" || call->path_value("secret") == "REEVE_URL")
      reader.error("", "this name is for what the service itself gives to tasks");
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    TRY_ASSIGN(const std::string name_space,
               parts.chosen_namespace(*call, call->text("namespace")));
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    const std::string name = call->path_value("secret");
    parts.change(
        call, "secret/" + name, name_space,
        [&parts, call, name, name_space, wanted, value = *std::move(value)]() -> Checked<void> {
          return with_secret(
              parts, name_space, name, wanted, [&](security::SecretStore& store) -> Checked<void> {
                TRY_ASSIGN(const security::SecretRecord made,
                           store.set(name_space, name, value, call->identity.subject,
                                     parts.options.now()));
                call->reply(200, {{"version", kOutputVersion}, {"secret", secret_item(made)}},
                            {{"ETag", version_tag(made.version)}});
                return {};
              });
        });
    return {};
  });
}

void remove_secret(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const std::string name_space,
               parts.chosen_namespace(*call, call->text("namespace")));
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    const std::string name = call->path_value("secret");
    parts.change(call, "secret/" + name, name_space,
                 [&parts, call, name, name_space, wanted]() -> Checked<void> {
                   return with_secret(parts, name_space, name, wanted,
                                      [&](security::SecretStore& store) -> Checked<void> {
                                        TRY(store.remove(name_space, name));
                                        call->reply_nothing();
                                        return {};
                                      });
                 });
    return {};
  });
}

void list_flags(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const auto all, parts.options.flags->list());
    reply_flags(*call, all);
    return {};
  });
}

void get_flag(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const auto found, parts.options.flags->find(call->path_value("flag")));
    if (!found)
      return tl::unexpected(Problem(404, "not-found", "Not found", "there is no such flag"));
    reply_flag(*call, *found);
    return {};
  });
}

void get_flag_history(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const auto all, parts.options.flags->history(call->path_value("flag")));
    reply_flags(*call, all);
    return {};
  });
}

void ask_flag(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    config::FlagSubject subject{
        .key = call->text("subject"), .name_space = call->text("namespace"), .labels = {}};
    if (subject.name_space.empty()) subject.name_space = kDefaultNamespace;
    for (const auto& [name, value] : call->query) {
      if (name != "label") continue;
      const std::size_t equals = value.find('=');
      if (equals == std::string::npos)
        return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument",
                                      "the parameter 'label' must be KEY=VALUE"));
      subject.labels.insert_or_assign(value.substr(0, equals), value.substr(equals + 1));
    }
    TRY_ASSIGN(const auto answer, parts.options.flags->ask(call->path_value("flag"), subject));
    call->reply(200, {{"version", kOutputVersion},
                      {"answer", {{"on", answer.on}, {"why", text_json(answer.why)}}}});
    return {};
  });
}

void set_flag(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(JsonObject body, ServiceParts::body_of(*call));
    const std::string name = call->path_value("flag");
    if (!body.contains("name")) body["name"] = name;
    const auto flag = config::parse_flag(to_json_text(body, false));
    if (!flag) return tl::unexpected(invalid({{"", flag.error().text()}}));
    if (flag->name != name)
      return tl::unexpected(invalid({{"/name", "name is another than that of the path"}}));
    if (const Status valid = config::validate(*flag); !valid)
      return tl::unexpected(invalid({{"", valid.error().text()}}));
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    parts.change(call, "flag/" + name, {}, [&parts, call, flag = *flag, wanted]() -> Checked<void> {
      const auto made =
          parts.options.flags->set(flag, wanted.value_or(config::FlagStore::kAnyVersion),
                                   call->identity.subject, parts.options.now());
      if (!made) return tl::unexpected(flag_problem(made.error()));
      reply_flag(*call, *made);
      return {};
    });
    return {};
  });
}

void remove_flag(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    const std::string name = call->path_value("flag");
    TRY_ASSIGN(const auto found, parts.options.flags->find(name));
    if (!found)
      return tl::unexpected(Problem(404, "not-found", "Not found", "there is no such flag"));
    parts.change(call, "flag/" + name, {}, [&parts, call, name, wanted]() -> Checked<void> {
      const Status done =
          parts.options.flags->remove(name, wanted.value_or(config::FlagStore::kAnyVersion),
                                      call->identity.subject, parts.options.now());
      if (!done) return tl::unexpected(flag_problem(done.error()));
      call->reply_nothing();
      return {};
    });
    return {};
  });
}

}  // namespace reeve::api
