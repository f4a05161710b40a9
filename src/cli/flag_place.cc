#include "cli/flag_place.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "cli/audited_change.h"
#include "cli/service_link.h"
#include "cli/session.h"
#include "cli/system_clock.h"
#include "config/flag_store.h"

namespace reeve::cli {
namespace {

using config::Flag;
using config::FlagAnswer;
using config::FlagStore;
using config::FlagVersion;

JsonObject flag_item(const FlagVersion& version) {
  boost::system::error_code error;
  JsonObject item = boost::json::parse(config::flag_json(version.flag), error).get_object();
  item["version"] = version.version;
  item["removed"] = version.removed;
  item["set_at"] = time_json(version.at);
  item["set_by"] = version.by;
  return item;
}

std::vector<JsonObject> flag_items(const std::vector<FlagVersion>& versions) {
  std::vector<JsonObject> items;
  items.reserve(versions.size());
  for (const FlagVersion& each : versions) items.push_back(flag_item(each));
  return items;
}

class FlagDirectory final : public FlagPlace {
 public:
  explicit FlagDirectory(const Session& session) : session_(session) {}

  Checked<std::vector<JsonObject>> list() override {
    TRY_ASSIGN(const auto store, to_look());
    TRY_ASSIGN(const auto all, store->list());
    return flag_items(all);
  }
  Checked<std::vector<JsonObject>> history(const std::string& name) override {
    TRY_ASSIGN(const auto store, to_look());
    TRY_ASSIGN(const auto all, store->history(name));
    return flag_items(all);
  }
  Checked<std::optional<Found>> find(const std::string& name) override {
    TRY_ASSIGN(const StateLayout layout, session_.make_state());
    TRY_ASSIGN(const auto store, of(layout));
    TRY_ASSIGN(const auto found, store->find(name));
    if (!found) return std::optional<Found>();
    return std::optional(Found{found->flag, found->version});
  }
  Checked<std::uint64_t> set(const Flag& flag, std::uint64_t before) override {
    TRY_ASSIGN(const StateLayout layout, session_.make_state());
    TRY_ASSIGN(AuditedChange change, AuditedChange::begin(layout));
    TRY_ASSIGN(const auto store, of(layout));
    FlagVersion made;
    TRY(change.make(security::Action::flags_write, "flag/" + flag.name, "", [&]() -> Status {
      TRY_ASSIGN(made, store->set(flag, before, change.who(), wall_now()));
      return {};
    }));
    return made.version;
  }
  Checked<void> remove(const std::string& name) override {
    TRY_ASSIGN(const StateLayout layout, session_.find_state());
    TRY_ASSIGN(AuditedChange change, AuditedChange::begin(layout));
    TRY_ASSIGN(const auto store, of(layout));
    TRY(change.make(security::Action::flags_write, "flag/" + name, "", [&] {
      return store->remove(name, FlagStore::kAnyVersion, change.who(), wall_now());
    }));
    return {};
  }
  Checked<FlagAnswer> ask(const std::string& name, const config::FlagSubject& subject) override {
    TRY_ASSIGN(const auto store, to_look());
    TRY_ASSIGN(FlagAnswer answer, store->ask(name, subject));
    return answer;
  }

 private:
  static Result<std::unique_ptr<FlagStore>> of(const StateLayout& layout) {
    return FlagStore::open(layout.flags());
  }
  Result<std::unique_ptr<FlagStore>> to_look() const {
    TRY_ASSIGN(const StateLayout layout, session_.find_state());
    return of(layout);
  }

  const Session& session_;
};

/// A member of a reply that must be an object.
Result<JsonObject> object_of(const ServiceLink& service, const JsonObject& reply,
                             std::string_view field) {
  const Json* const found = reply.if_contains(field);
  if (found != nullptr && found->is_object()) return found->get_object();
  return fail(ErrorCode::corrupt,
              fmt::format("{} answers without '{}': it is no service of this kind, or another "
                          "version of it",
                          service.name(), field));
}

std::uint64_t version_of(const JsonObject& item) {
  const Json* const version = item.if_contains("version");
  boost::system::error_code error;
  return version == nullptr ? 0 : version->to_number<std::uint64_t>(error);
}

class FlagService final : public FlagPlace {
 public:
  explicit FlagService(std::unique_ptr<ServiceLink> service) : service_(std::move(service)) {}

  Checked<std::vector<JsonObject>> list() override {
    TRY_ASSIGN(const JsonObject reply, service_->get_json("/v1/flags"));
    return objects_of(reply, "flags");
  }
  Checked<std::vector<JsonObject>> history(const std::string& name) override {
    TRY_ASSIGN(const JsonObject reply, service_->get_json(target(name) + "/history"));
    return objects_of(reply, "flags");
  }
  Checked<std::optional<Found>> find(const std::string& name) override {
    const auto reply = service_->get_json(target(name));
    if (!reply && reply.error().code == ErrorCode::not_found) return std::optional<Found>();
    TRY(reply);
    TRY_ASSIGN(const JsonObject item, object_of(*service_, *reply, "flag"));
    TRY_ASSIGN(Flag flag, config::parse_flag(bare_flag_json(item)));
    return std::optional(Found{std::move(flag), version_of(item)});
  }
  Checked<std::uint64_t> set(const Flag& flag, std::uint64_t before) override {
    boost::system::error_code error;
    const JsonObject body = boost::json::parse(config::flag_json(flag), error).get_object();
    const http::Header condition = before == 0
                                       ? http::Header{"If-None-Match", "*"}
                                       : http::Header{"If-Match", fmt::format("\"{}\"", before)};
    TRY_ASSIGN(const JsonObject reply, service_->put(target(flag.name), body, condition));
    TRY_ASSIGN(const JsonObject item, object_of(*service_, reply, "flag"));
    return version_of(item);
  }
  Checked<void> remove(const std::string& name) override {
    TRY(service_->remove(target(name)));
    return {};
  }
  Checked<FlagAnswer> ask(const std::string& name, const config::FlagSubject& subject) override {
    std::string asked = target(name) + "/answer";
    add_parameter(asked, "subject", subject.key);
    add_parameter(asked, "namespace", subject.name_space);
    for (const auto& [key, value] : subject.labels)
      add_parameter(asked, "label", fmt::format("{}={}", key, value));
    TRY_ASSIGN(const JsonObject reply, service_->get_json(asked));
    TRY_ASSIGN(const JsonObject answer, object_of(*service_, reply, "answer"));
    const Json* const on = answer.if_contains("on");
    return FlagAnswer{on != nullptr && on->is_bool() && on->get_bool(), text_of(answer, "why")};
  }

 private:
  static std::string target(const std::string& name) {
    return "/v1/flags/" + http::percent_encode(name);
  }

  std::unique_ptr<ServiceLink> service_;
};

}  // namespace

Checked<std::unique_ptr<FlagPlace>> FlagPlace::open(const Session& session) {
  TRY_ASSIGN(auto service, ServiceLink::choose(session));
  std::unique_ptr<FlagPlace> place;
  if (service == nullptr) {
    place = std::make_unique<FlagDirectory>(session);
  } else {
    place = std::make_unique<FlagService>(std::move(service));
  }
  return place;
}

std::string bare_flag_json(const JsonObject& item) {
  JsonObject bare = item;
  for (const std::string_view field : {"version", "removed", "set_at", "set_by"}) bare.erase(field);
  return boost::json::serialize(bare);
}

}  // namespace reeve::cli
