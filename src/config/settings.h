// All settings of the service: one table says their names, types, defaults, bounds and whether a
// running service takes them on. Values come from, the later the stronger: default, file (TOML),
// environment, flags; each remembers where it came from. Pure: the caller reads files and the
// environment. No thread rule; a Settings is a value that threads share by const reference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/text_version.h"

namespace reeve::config {

enum class Setting : std::uint8_t {
  server_listen,
  server_socket,
  server_public_url,
  server_tls_certificate,
  server_tls_key,
  server_tls_client_ca,
  server_connections_max,
  server_header_bytes_max,
  server_body_bytes_max,
  server_header_timeout,
  server_body_timeout,
  server_idle_timeout,
  server_shutdown_grace,
  server_streams_max,
  server_heartbeat,
  server_metrics_open,
  engine_jobs,
  engine_cluster,
  engine_sandbox,
  engine_allow,
  engine_supervisor,
  engine_disk_reserve,
  engine_runs_max,
  auth_session_idle,
  auth_session_life,
  auth_login_failures,
  auth_oidc_issuer,
  auth_oidc_client,
  auth_oidc_client_secret_file,
  auth_oidc_device_client,
  auth_oidc_scopes,
  auth_oidc_groups_claim,
  auth_oidc_roles,
  auth_oidc_token_life,
  auth_oidc_ca_file,
  audit_segment_bytes,
  secrets_key_file,
  log_level,
  log_format,
};
inline constexpr std::size_t kSettings = 39;  ///< above

/// On its way a size is an integer of bytes.
enum class Type : std::uint8_t { boolean, integer, size, duration, text, choice, list };
std::string_view name(Type type);

using Value = std::variant<bool, std::int64_t, Duration, std::string, std::vector<std::string>>;

struct SettingInfo {
  Setting setting;
  std::string_view name;  ///< "server.listen"; REEVE_SERVER_LISTEN in the environment
  Type type;
  std::string_view fallback;  ///< as it would be written in the environment
  bool reloadable;            ///< a running service takes it on
  std::string_view meaning;
  std::int64_t least = 0;  ///< integers and sizes; microseconds for durations
  std::int64_t most = 0;
  std::span<const std::string_view> choices;  ///< of a choice, or of the items of a list
};
/// In the order of the enumeration.
std::span<const SettingInfo> setting_table();
const SettingInfo& info(Setting setting);
const SettingInfo* find_setting(std::string_view name);
std::string suggest_setting(std::string_view name);  ///< "did you mean 'log.level'?", or ""
std::string environment_name(const SettingInfo& setting);

/// As the environment and flags have it: a list is divided by commas. The failure says what was
/// expected, not where.
Result<Value> parse_value(const SettingInfo& setting, std::string_view text);
/// As it would be written in the file.
std::string format_value(const SettingInfo& setting, const Value& value);

enum class Origin : std::uint8_t { fallback, file, api, environment, flag };
std::string_view name(Origin origin);  ///< "default", "file", "api", "environment", "flag"

struct Effective {
  Value value;
  Origin origin = Origin::fallback;
  /// "reeve.toml:3:1", "version 2 by NAME", the variable, the flag; "" for a default.
  std::string place;
  friend bool operator==(const Effective&, const Effective&) = default;
};

class Settings {
 public:
  Settings();  ///< all defaults
  const Effective& at(Setting setting) const { return values_[static_cast<std::size_t>(setting)]; }
  void set(Setting setting, Effective effective) {
    values_[static_cast<std::size_t>(setting)] = std::move(effective);
  }
  /// Of settings with that type; anything else is a bug.
  bool boolean(Setting setting) const;
  std::int64_t integer(Setting setting) const;  ///< also sizes
  Duration duration(Setting setting) const;
  const std::string& text(Setting setting) const;  ///< also choices
  const std::vector<std::string>& list(Setting setting) const;
  friend bool operator==(const Settings&, const Settings&) = default;

 private:
  std::array<Effective, kSettings> values_;
};

/// What somebody wrote that is not right, and where.
struct Complaint {
  std::string place;  ///< "reeve.toml:3:1", "REEVE_SERVER_LISTEN", "--set"
  std::string message;
  std::string suggestion;  ///< "did you mean 'server.listen'?", or ""
  std::string text() const;
  friend bool operator==(const Complaint&, const Complaint&) = default;
};

struct Sources {
  std::string file_name;         ///< for messages
  std::string file;              ///< TOML; "" when there is none
  std::vector<TextVersion> set;  ///< through the API
  /// All variables; those that begin with REEVE_ and name a section of ours must name a setting.
  std::vector<std::pair<std::string, std::string>> environment;
  struct Flag {
    std::string name;  ///< of the setting
    std::string value;
    std::string option = "--set";
  };
  std::vector<Flag> flags;
};
struct Resolved {
  Settings settings;
  std::vector<Complaint> complaints;  ///< [] if all is well; else the settings are not to be used
};
Resolved resolve(const Sources& sources);

/// What turns one into the other in a running service.
struct Change {
  Setting setting;
  Value before;
  Value after;
  bool live = false;  ///< else it takes a restart
  friend bool operator==(const Change&, const Change&) = default;
};
std::vector<Change> changes(const Settings& before, const Settings& after);

/// Table of docs/configuration.md.
std::string settings_markdown();

}  // namespace reeve::config
