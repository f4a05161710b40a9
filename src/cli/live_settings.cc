#include "cli/live_settings.h"

#include "api/sign_on_settings.h"
#include "cli/cluster_settings.h"
#include "cli/service_settings.h"

namespace reeve::cli {
namespace {

using config::Setting;

/// What no single value shows: an issuer without a client, a line of roles that is none.
void complain_of_sign_on(config::Resolved& resolved) {
  if (!resolved.complaints.empty()) return;
  const auto sign_on = api::SignOnSettings::from(resolved.settings);
  if (!sign_on) resolved.complaints.push_back({"auth.oidc", sign_on.error().message, {}});
}

observe::LogStyle log_style(const config::Settings& settings) {
  return {.least = observe::log_severity(settings.text(Setting::log_level)),
          .format = observe::log_format(settings.text(Setting::log_format))};
}

/// What holds: what takes a restart is as it was.
config::Settings with_live(const config::Settings& before, const config::Settings& read) {
  config::Settings now = before;
  for (const config::SettingInfo& setting : config::setting_table())
    if (setting.reloadable) now.set(setting.setting, read.at(setting.setting));
  return now;
}

std::string all_of(const std::vector<config::Complaint>& complaints) {
  std::string text;
  for (const config::Complaint& each : complaints) text += (text.empty() ? "" : "; ") + each.text();
  return text;
}

}  // namespace

LiveSettings::LiveSettings(const Session& session, const StateLayout& layout,
                           observe::OperatorLog& log)
    : log_(log),
      given_(session.arguments),
      as_given_{.arguments = given_,
                .surroundings = session.surroundings,
                .out = session.out,
                .err = session.err,
                .command_line = session.command_line},
      arguments_(session.arguments),
      session_{.arguments = arguments_,
               .surroundings = session.surroundings,
               .out = session.out,
               .err = session.err,
               .command_line = session.command_line},
      layout_(layout) {}

Checked<std::unique_ptr<LiveSettings>> LiveSettings::open(const Session& session,
                                                          const StateLayout& layout,
                                                          observe::OperatorLog& log) {
  std::unique_ptr<LiveSettings> live(new LiveSettings(session, layout, log));
  TRY_ASSIGN(config::Resolved resolved, service_settings(session, layout));
  complain_of_sign_on(resolved);
  TRY(refuse_complaints(resolved));
  // shared: as in the class
  live->settings_ = std::make_shared<const config::Settings>(std::move(resolved.settings));
  const config::Settings& settings = *live->settings_;
  live->log_.set(log_style(settings));
  Arguments& arguments = live->arguments_;
  const auto put = [&](std::string_view option, const std::string& value) {
    if (!value.empty() && !arguments.has(option)) arguments.options[option].push_back(value);
  };
  put("jobs", settings.text(Setting::engine_jobs));
  if (const std::string& tier = settings.text(Setting::engine_sandbox); tier != "workflow")
    put("sandbox", tier);
  for (const std::string& each : settings.list(Setting::engine_allow))
    arguments.options["allow"].push_back(each);
  return live;
}

// shared: as in the class
std::shared_ptr<const config::Settings> LiveSettings::present() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

std::string LiveSettings::cluster_file() const {
  const std::string* const named = session_.arguments.find("cluster");
  return named != nullptr ? *named : present()->text(Setting::engine_cluster);
}

Checked<std::optional<core::PolicySet>> LiveSettings::policy() {
  const std::string file = cluster_file();
  TRY_ASSIGN(auto policy, file_policy(file.empty() ? nullptr : &file, layout_));
  TRY_ASSIGN(auto merged, with_set_quotas(policy, layout_));
  const std::lock_guard lock(mutex_);
  file_policy_ = std::move(policy);
  is_ruled_ = merged.has_value();
  return merged;
}

Result<core::PolicySet> LiveSettings::policy_with_quotas() const {
  std::optional<core::PolicySet> policy;
  {
    const std::lock_guard lock(mutex_);
    policy = file_policy_;
  }
  TRY_ASSIGN(auto merged, with_set_quotas(std::move(policy), layout_));
  return std::move(merged).value_or(core::PolicySet{});
}

Result<std::vector<config::Change>> LiveSettings::reload() {
  const std::lock_guard one(reloading_);
  auto resolved = service_settings(as_given_, layout_);
  if (!resolved) return fail(ErrorCode::invalid_argument, resolved.error().message);
  complain_of_sign_on(*resolved);
  if (!resolved->complaints.empty())
    return fail(ErrorCode::invalid_argument, all_of(resolved->complaints));
  const auto before = present();
  bool was_ruled = false;
  {
    const std::lock_guard lock(mutex_);
    was_ruled = is_ruled_;
    // shared: as above
    settings_ = std::make_shared<const config::Settings>(with_live(*before, resolved->settings));
  }
  auto policy = this->policy();
  if (!policy) {
    const std::lock_guard lock(mutex_);
    settings_ = before;
    return fail(ErrorCode::invalid_argument, policy.error().message);
  }
  // Without a file, and without quotas, nothing of the earlier ones holds.
  if (!*policy && was_ruled) *policy = core::PolicySet{.policy = {}, .nodes = {local_node({}, {})}};
  if (*policy && engine_ != nullptr) engine_->submit(**std::move(policy));
  log_.set(log_style(resolved->settings));
  return config::changes(*before, resolved->settings);
}

}  // namespace reeve::cli
