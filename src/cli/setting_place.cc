#include "cli/setting_place.h"

#include <charconv>

#include <fmt/format.h>

#include "api/setting_json.h"
#include "cli/audited_change.h"
#include "cli/service_link.h"
#include "cli/service_settings.h"
#include "cli/session.h"
#include "cli/system_clock.h"
#include "config/setting_store.h"

namespace reeve::cli {
namespace {

using config::SettingStore;

class SettingDirectory final : public SettingPlace {
 public:
  explicit SettingDirectory(const Session& session) : session_(session) {}

  Checked<std::vector<JsonObject>> list() override {
    // Without a state directory there is still the environment, and what --config names.
    const Result<StateLayout> found = session_.find_state();
    const StateLayout layout = found ? *found
                                     : StateLayout{session_.surroundings.working_directory + "/" +
                                                   std::string(kStateDirectoryName)};
    TRY_ASSIGN(const config::Resolved resolved, service_settings(session_, layout));
    TRY(refuse_complaints(resolved));
    std::vector<JsonObject> items;
    for (const config::SettingInfo& setting : config::setting_table())
      items.push_back(api::setting_json(setting, resolved.settings.at(setting.setting)));
    return items;
  }
  Checked<std::vector<JsonObject>> history(const std::string& name) override {
    TRY_ASSIGN(const StateLayout layout, session_.find_state());
    TRY_ASSIGN(const auto store, of(layout));
    TRY_ASSIGN(const auto versions, store->history(name));
    std::vector<JsonObject> items;
    for (const config::TextVersion& each : versions)
      items.push_back(api::setting_version_json(each));
    return items;
  }
  Checked<std::uint64_t> set(const std::string& name, const std::string& text) override {
    TRY_ASSIGN(const StateLayout layout, session_.make_state());
    TRY_ASSIGN(const auto store, of(layout));
    TRY_ASSIGN(const config::SettingInfo* const setting, config::settable(name));
    TRY(config::parse_value(*setting, text));
    std::uint64_t version = 0;
    TRY(audited(layout, name, [&](const std::string& who) -> Status {
      TRY_ASSIGN(const auto made, store->set(name, text, config::kAnyVersion, who, wall_now()));
      version = made.version;
      return {};
    }));
    return version;
  }
  Checked<void> unset(const std::string& name) override {
    TRY_ASSIGN(const StateLayout layout, session_.find_state());
    TRY_ASSIGN(const auto store, of(layout));
    return audited(layout, name, [&](const std::string& who) -> Status {
      TRY(store->unset(name, config::kAnyVersion, who, wall_now()));
      return {};
    });
  }
  bool is_live() const override { return false; }

 private:
  static Result<std::unique_ptr<SettingStore>> of(const StateLayout& layout) {
    return SettingStore::open(layout.flags());
  }
  static Checked<void> audited(const StateLayout& layout, const std::string& name,
                               const std::function<Status(const std::string& who)>& change) {
    TRY_ASSIGN(AuditedChange audit, AuditedChange::begin(layout));
    TRY(audit.make(security::Action::settings_write, "setting/" + name, "",
                   [&] { return change(audit.who()); }));
    return {};
  }

  const Session& session_;
};

class SettingService final : public SettingPlace {
 public:
  explicit SettingService(std::unique_ptr<ServiceLink> service) : service_(std::move(service)) {}

  Checked<std::vector<JsonObject>> list() override {
    TRY_ASSIGN(const JsonObject reply, service_->get_json("/v1/config"));
    return objects_of(reply, "settings");
  }
  Checked<std::vector<JsonObject>> history(const std::string& name) override {
    TRY_ASSIGN(const JsonObject reply, service_->get_json(target(name) + "/history"));
    return objects_of(reply, "versions");
  }
  Checked<std::uint64_t> set(const std::string& name, const std::string& text) override {
    TRY_ASSIGN(const JsonObject reply, service_->put(target(name), {{"value", text}}));
    const Json* const setting = reply.if_contains("setting");
    const std::string place = setting != nullptr && setting->is_object()
                                  ? text_of(setting->get_object(), "place")
                                  : std::string();
    // "version 3 by NAME"
    constexpr std::string_view kBefore = "version ";
    std::uint64_t version = 0;
    if (place.starts_with(kBefore))
      std::from_chars(place.data() + kBefore.size(), place.data() + place.size(), version);
    return version;
  }
  Checked<void> unset(const std::string& name) override {
    TRY(service_->remove(target(name)));
    return {};
  }
  bool is_live() const override { return true; }

 private:
  static std::string target(const std::string& name) {
    return "/v1/config/" + http::percent_encode(name);
  }

  std::unique_ptr<ServiceLink> service_;
};

}  // namespace

Checked<std::unique_ptr<SettingPlace>> SettingPlace::open(const Session& session) {
  // A file or values that are only looked at are those of nobody's service.
  const Arguments& arguments = session.arguments;
  const bool is_own = arguments.has("config") || arguments.has("set");
  std::unique_ptr<ServiceLink> service;
  if (!is_own) {
    TRY_ASSIGN(service, ServiceLink::choose(session));
  }
  std::unique_ptr<SettingPlace> place;
  if (service == nullptr) {
    place = std::make_unique<SettingDirectory>(session);
  } else {
    place = std::make_unique<SettingService>(std::move(service));
  }
  return place;
}

}  // namespace reeve::cli
