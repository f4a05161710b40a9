// The rows of the table of settings, and its page of the documentation.
#include <algorithm>

#include <fmt/format.h>

#include "config/settings.h"

namespace reeve::config {
namespace {

using enum Setting;

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kGiB = 1024 * kMiB;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

constexpr auto kTiers = std::to_array<std::string_view>({"workflow", "native", "oci", "none"});
constexpr auto kPermissions = std::to_array<std::string_view>({"unsandboxed", "host-network"});
constexpr auto kStarters = std::to_array<std::string_view>({"own", "external"});
constexpr auto kLevels = std::to_array<std::string_view>({"debug", "info", "warning", "error"});
constexpr auto kFormats = std::to_array<std::string_view>({"text", "json", "journald"});

constexpr auto kTable = std::to_array<SettingInfo>({
    {server_listen, "server.listen", Type::text, "127.0.0.1:7433", false,
     "address and port that HTTP is served on; empty: none"},
    {server_socket, "server.socket", Type::text, "", false,
     "path of a Unix socket that HTTP is served on; empty: none"},
    {server_public_url, "server.public_url", Type::text, "", true,
     "how others reach the service: what tasks are given as REEVE_URL"},
    {server_tls_certificate, "server.tls.certificate", Type::text, "", false,
     "file with the certificates (PEM); empty: no TLS"},
    {server_tls_key, "server.tls.key", Type::text, "", false, "file with their private key (PEM)"},
    {server_tls_client_ca, "server.tls.client_ca", Type::text, "", false,
     "file with the authorities (PEM) one of which must have signed the certificate of a client"},
    {server_connections_max, "server.connections_max", Type::integer, "20000", false,
     "connections at a time", 1, 1'000'000},
    {server_header_bytes_max, "server.header_bytes_max", Type::size, "32Ki", false,
     "size of the headers of a request", kKiB, kMiB},
    {server_body_bytes_max, "server.body_bytes_max", Type::size, "8Mi", false,
     "size of the body of a request; of POST /v1/runs:bulk it is 256Mi", kKiB, kGiB},
    {server_header_timeout, "server.header_timeout", Type::duration, "10s", false,
     "time for the headers of a request to arrive", kSecond / 10, 10 * kMinute},
    {server_body_timeout, "server.body_timeout", Type::duration, "1m", false,
     "time for the body of a request to arrive", kSecond / 10, 60 * kMinute},
    {server_idle_timeout, "server.idle_timeout", Type::duration, "1m15s", false,
     "time that a connection may wait between requests", kSecond, 60 * kMinute},
    {server_shutdown_grace, "server.shutdown_grace", Type::duration, "20s", false,
     "time for requests to end when the service stops", 0, 10 * kMinute},
    {server_streams_max, "server.streams_max", Type::integer, "10000", true,
     "live streams at a time", 0, 1'000'000},
    {server_heartbeat, "server.heartbeat", Type::duration, "15s", true,
     "time between signs of life in a live stream", kSecond, 10 * kMinute},
    {server_metrics_open, "server.metrics_open", Type::boolean, "false", true,
     "/metrics answers this machine without a token, whoever asks from here"},
    {engine_jobs, "engine.jobs", Type::text, "", false,
     "what may be used at a time, as of `reeve run --jobs`; empty: the cpus of this machine"},
    {engine_cluster, "engine.cluster", Type::text, "", true,
     "the cluster file; empty: cluster.yaml in the state directory, if there is one"},
    {engine_sandbox, "engine.sandbox", Type::choice, "workflow", false,
     "what encloses all tasks; workflow: what each workflow says, else native", 0, 0, kTiers},
    {engine_allow, "engine.allow", Type::list, "", false, "what workflows may ask for", 0, 0,
     kPermissions},
    {engine_supervisor, "engine.supervisor", Type::choice, "own", false,
     "who starts the process that owns the tasks; external: a unit of systemd", 0, 0, kStarters},
    {engine_disk_reserve, "engine.disk_reserve", Type::size, "64Mi", true,
     "with less room than this on the disk of the state, new runs are refused (507)", 0,
     1024 * kGiB},
    {engine_runs_max, "engine.runs_max", Type::integer, "1000000", true,
     "runs that have not ended; more are refused (429)", 1, 1'000'000'000},
    {auth_session_idle, "auth.session_idle", Type::duration, "1h", false,
     "a session of the page ends when nothing was asked for this long", kMinute, 30 * kDay},
    {auth_session_life, "auth.session_life", Type::duration, "12h", false,
     "a session of the page ends after this time in any case", kMinute, 90 * kDay},
    {auth_login_failures, "auth.login_failures", Type::integer, "5", false,
     "failed logins of a name or an address before it has to wait", 1, 1000},
    {auth_oidc_issuer, "auth.oidc.issuer", Type::text, "", true,
     "URL of the issuer for single sign-on, exactly as it names itself; empty: none"},
    {auth_oidc_client, "auth.oidc.client", Type::text, "", true, "our client id at the issuer"},
    {auth_oidc_client_secret_file, "auth.oidc.client_secret_file", Type::text, "", true,
     "file (mode 0600) with the secret of that client; empty: it is a public one"},
    {auth_oidc_device_client, "auth.oidc.device_client", Type::text, "", true,
     "client id for `reeve context login`, a public one; empty: the same"},
    {auth_oidc_scopes, "auth.oidc.scopes", Type::list, "email,profile", true,
     "what is asked of the issuer beside openid"},
    {auth_oidc_groups_claim, "auth.oidc.groups_claim", Type::text, "groups", true,
     "claim of the ID token that lists the groups of a user"},
    {auth_oidc_roles, "auth.oidc.roles", Type::list, "", true,
     "what groups give: GROUP=ROLE@NAMESPACE, the first that fits says the role; @*: all"},
    {auth_oidc_token_life, "auth.oidc.token_life", Type::duration, "8h", true,
     "how long the token of `reeve context login` holds", kMinute, 7 * kDay},
    {auth_oidc_ca_file, "auth.oidc.ca_file", Type::text, "", true,
     "file with the authorities (PEM) of the issuer's certificate; empty: those of the system"},
    {audit_segment_bytes, "audit.segment_bytes", Type::size, "64Mi", false,
     "size at which the audit log goes on in a new file", 64 * kKiB, kGiB},
    {secrets_key_file, "secrets.key_file", Type::text, "", false,
     "file with the key that secrets are sealed under; empty: secrets.key in the state directory"},
    {log_level, "log.level", Type::choice, "info", true, "what is logged", 0, 0, kLevels},
    {log_format, "log.format", Type::choice, "text", true, "how it is logged", 0, 0, kFormats},
});
static_assert(kTable.size() == kSettings);
static_assert([] {
  for (std::size_t i = 0; i < kSettings; ++i) {
    if (kTable[i].setting != static_cast<Setting>(i)) return false;
  }
  return true;
}());

}  // namespace

std::span<const SettingInfo> setting_table() { return kTable; }

const SettingInfo& info(Setting setting) { return kTable[static_cast<std::size_t>(setting)]; }

const SettingInfo* find_setting(std::string_view name) {
  const auto found = std::ranges::find(kTable, name, &SettingInfo::name);
  return found == kTable.end() ? nullptr : &*found;
}

std::string environment_name(const SettingInfo& setting) {
  std::string out = "REEVE_";
  for (const char c : setting.name)
    out.push_back(c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return out;
}

std::string settings_markdown() {
  std::string out = "| setting | type | default | live | what |\n|---|---|---|---|---|\n";
  for (const SettingInfo& row : kTable) {
    std::string type(name(row.type));
    if (!row.choices.empty()) type += fmt::format(": {}", fmt::join(row.choices, ", "));
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.name, type,
                       row.fallback.empty() ? "" : fmt::format("`{}`", row.fallback),
                       row.reloadable ? "yes" : "", row.meaning);
  }
  return out;
}

}  // namespace reeve::config
