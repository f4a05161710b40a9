#include "cli/secret_place.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/audited_change.h"
#include "cli/service_link.h"
#include "cli/session.h"
#include "cli/state_secrets.h"
#include "cli/system_clock.h"
#include "security/base64.h"

namespace reeve::cli {
namespace {

using security::Action;

JsonObject secret_item(const security::SecretRecord& record) {
  return {{"name", record.name},
          {"namespace", record.name_space},
          {"version", record.version},
          {"size_bytes", record.size},
          {"set_at", time_json(record.set_at)},
          {"set_by", record.set_by}};
}

std::string usual(const std::string& name_space) {
  return name_space.empty() ? "default" : name_space;
}

class SecretDirectory final : public SecretPlace {
 public:
  explicit SecretDirectory(const Session& session) : session_(session) {}

  Checked<std::vector<JsonObject>> list(const std::string& name_space) override {
    TRY_ASSIGN(const StateLayout layout, session_.find_state());
    std::vector<JsonObject> items;
    if (::access((layout.root + "/security.db").c_str(), F_OK) != 0) return items;
    TRY_ASSIGN(const auto store, of(layout));
    TRY_ASSIGN(const auto all, store->list(name_space));
    for (const security::SecretRecord& record : all) items.push_back(secret_item(record));
    return items;
  }
  Checked<Made> set(const std::string& name_space, const std::string& name,
                    const std::string& value) override {
    TRY_ASSIGN(const StateLayout layout, session_.make_state());
    TRY_ASSIGN(AuditedChange change, AuditedChange::begin(layout));
    TRY_ASSIGN(const auto store, of(layout));
    security::SecretRecord record;
    const std::string where = usual(name_space);
    TRY(change.make(Action::secrets_write, "secret/" + name, where, [&]() -> Status {
      TRY_ASSIGN(record, store->set(where, name, value, change.who(), wall_now()));
      return {};
    }));
    return Made{where, record.version};
  }
  Checked<void> remove(const std::string& name_space, const std::string& name) override {
    TRY_ASSIGN(const StateLayout layout, session_.find_state());
    TRY_ASSIGN(AuditedChange change, AuditedChange::begin(layout));
    TRY_ASSIGN(const auto store, of(layout));
    const std::string where = usual(name_space);
    TRY(change.make(Action::secrets_write, "secret/" + name, where,
                    [&] { return store->remove(where, name); }));
    return {};
  }
  Checked<std::size_t> rotate_key(const std::string* file) override {
    TRY_ASSIGN(const StateLayout layout, session_.find_state());
    TRY_ASSIGN(AuditedChange change, AuditedChange::begin(layout));
    TRY_ASSIGN(const auto store, of(layout));
    security::Key next{};
    if (file != nullptr) {
      TRY_ASSIGN(next, security::read_key(*file));
    }
    TRY(change.make(Action::settings_write, "secrets/key", "",
                    [&] { return store->rotate_key(file == nullptr ? nullptr : &next); }));
    TRY_ASSIGN(const auto all, store->list(""));
    return all.size();
  }
  bool has_default_namespace() const override { return true; }

 private:
  Result<std::unique_ptr<security::SecretStore>> of(const StateLayout& layout) const {
    return open_secret_store(layout.root, session_.arguments.find("key-file"));
  }

  const Session& session_;
};

class SecretService final : public SecretPlace {
 public:
  SecretService(const Session& session, std::unique_ptr<ServiceLink> service)
      : session_(session),
        service_(std::move(service)) {}

  Checked<std::vector<JsonObject>> list(const std::string& name_space) override {
    std::string target = "/v1/secrets";
    add_parameter(target, "namespace", name_space.empty() ? "*" : name_space);
    TRY_ASSIGN(const JsonObject reply, service_->get_json(target));
    return objects_of(reply, "secrets");
  }
  Checked<Made> set(const std::string& name_space, const std::string& name,
                    const std::string& value) override {
    // JSON has no room for what is no text.
    const bool is_text = is_valid_utf8(value) && value.find('\0') == std::string::npos;
    const JsonObject body =
        is_text ? JsonObject{{"value", value}}
                : JsonObject{{"value", security::to_base64(value)}, {"encoding", "base64"}};
    TRY_ASSIGN(const JsonObject reply, service_->put(target(name_space, name), body));
    const Json* const found = reply.if_contains("secret");
    const bool is_object = found != nullptr && found->is_object();
    const JsonObject item = is_object ? found->get_object() : JsonObject();
    const Json* const version = item.if_contains("version");
    boost::system::error_code error;
    return Made{text_of(item, "namespace"),
                version == nullptr ? 0 : version->to_number<std::uint64_t>(error)};
  }
  Checked<void> remove(const std::string& name_space, const std::string& name) override {
    TRY(service_->remove(target(name_space, name)));
    return {};
  }
  Checked<std::size_t> rotate_key(const std::string*) override { return only_here(session_); }
  bool has_default_namespace() const override { return false; }

 private:
  static std::string target(const std::string& name_space, const std::string& name) {
    std::string target = "/v1/secrets/" + http::percent_encode(name);
    if (!name_space.empty()) add_parameter(target, "namespace", name_space);
    return target;
  }

  const Session& session_;
  std::unique_ptr<ServiceLink> service_;
};

}  // namespace

Checked<std::unique_ptr<SecretPlace>> SecretPlace::open(const Session& session) {
  TRY_ASSIGN(auto service, ServiceLink::choose(session));
  std::unique_ptr<SecretPlace> place;
  if (service == nullptr) {
    place = std::make_unique<SecretDirectory>(session);
    return place;
  }
  for (const std::string_view option : {"key-file", "next-key"}) {
    if (session.arguments.has(option))
      return usage(fmt::format("secret: --{} is of a state directory: a service has its own key "
                               "(setting secrets.key_file)",
                               option),
                   "leave it away, or give --state DIR on the machine of the service");
  }
  place = std::make_unique<SecretService>(session, std::move(service));
  return place;
}

}  // namespace reeve::cli
