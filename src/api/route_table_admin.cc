// The routes for those who look after the service, and after what programs are given by name.
#include <array>

#include "api/handlers.h"
#include "api/route.h"

namespace reeve::api {
namespace {

using security::Action;

constexpr Parameter kAdminKey{"Idempotency-Key", Place::header, "string",
                              "new for each thing that is wanted, the same when it is tried again"};
constexpr Parameter kMatchVersion{"If-Match", Place::header, "string",
                                  "do it only if it is still of the version that this ETag says"};
constexpr Parameter kMatchNone{"If-None-Match", Place::header, "string",
                               "*: do it only if there is none yet"};
constexpr Parameter kInNamespace{"namespace", Place::query, "string",
                                 "the namespace; usual: the caller's own"};
constexpr Parameter kSecretPath{"secret", Place::path, "string", "the name of a secret"};
constexpr Parameter kFlagPath{"flag", Place::path, "string", "the name of a flag"};
constexpr Parameter kRolePath{"role", Place::path, "string", "the name of a defined role"};
constexpr Parameter kUserPath{"user", Place::path, "string", "the name of a user"};
constexpr Parameter kNodePath{"node", Place::path, "string", "the name of a node"};
constexpr Parameter kSettingPath{"setting", Place::path, "string", "the name of a setting"};
constexpr Parameter kTokenPath{"token", Place::path, "string", "the id of a token"};

constexpr auto kListSecrets = std::to_array<Parameter>(
    {{"namespace", Place::query, "string",
      "the namespace, or * for all that the caller may see; usual: the caller's own"}});
constexpr auto kSetSecret =
    std::to_array<Parameter>({kSecretPath, kInNamespace, kMatchVersion, kMatchNone, kAdminKey});
constexpr auto kRemoveSecret =
    std::to_array<Parameter>({kSecretPath, kInNamespace, kMatchVersion, kAdminKey});
constexpr auto kOfFlag = std::to_array<Parameter>({kFlagPath});
constexpr auto kAskFlag = std::to_array<Parameter>(
    {kFlagPath,
     {"subject", Place::query, "string", "what a percentage goes by: a workflow, a user"},
     {"namespace", Place::query, "string", "of the subject; usual: default"},
     {"label", Place::query, "string", "of the subject: KEY=VALUE", true}});
constexpr auto kSetFlag =
    std::to_array<Parameter>({kFlagPath, kMatchVersion, kMatchNone, kAdminKey});
constexpr auto kRemoveFlag = std::to_array<Parameter>({kFlagPath, kMatchVersion, kAdminKey});
constexpr auto kOfSetting = std::to_array<Parameter>({kSettingPath});
constexpr auto kSetSetting =
    std::to_array<Parameter>({kSettingPath, kMatchVersion, kMatchNone, kAdminKey});
constexpr auto kUnsetSetting = std::to_array<Parameter>({kSettingPath, kMatchVersion, kAdminKey});
constexpr Parameter kQuotaUser{"user", Place::path, "string",
                               "as tasks are counted for; * for everyone, each for itself"};
constexpr Parameter kQuotaQueue{"queue", Place::query, "string",
                                "in this queue and those below; usual: in all together"};
constexpr auto kOfQuota = std::to_array<Parameter>({kQuotaUser, kQuotaQueue});
constexpr auto kSetQuota =
    std::to_array<Parameter>({kQuotaUser, kQuotaQueue, kMatchVersion, kMatchNone, kAdminKey});
constexpr auto kRemoveQuota =
    std::to_array<Parameter>({kQuotaUser, kQuotaQueue, kMatchVersion, kAdminKey});
constexpr auto kChangeRole = std::to_array<Parameter>({kRolePath, kAdminKey});
constexpr auto kChangeUser = std::to_array<Parameter>({kUserPath, kAdminKey});
constexpr auto kChangeNode = std::to_array<Parameter>({kNodePath, kAdminKey});
constexpr auto kRotate = std::to_array<Parameter>({kTokenPath, kAdminKey});
constexpr auto kJustKey = std::to_array<Parameter>({kAdminKey});
constexpr Parameter kWho{"who", Place::query, "string", "of this subject only: user:ann"};
constexpr Parameter kDid{"action", Place::query, "string", "of this action only: runs.submit"};
constexpr Parameter kBehind{"cursor", Place::query, "integer",
                            "next_cursor, or Reeve-Audit-Last, of an earlier answer"};
constexpr Parameter kAuditOrder{"order", Place::query, "oldest|newest",
                                "which come first; the cursor goes the same way; usual: oldest"};
constexpr Parameter kOfNamespace{"namespace", Place::query, "string", "of this namespace only"};
constexpr auto kListAudit =
    std::to_array<Parameter>({kWho,
                              kDid,
                              kOfNamespace,
                              kAuditOrder,
                              {"limit", Place::query, "integer", "records at most"},
                              kBehind});
constexpr auto kVerifyAudit = std::to_array<Parameter>(
    {{"checkpoint", Place::query, "string",
      "one that was kept elsewhere, as `reeve audit checkpoint` prints it"}});
constexpr auto kExportAudit = std::to_array<Parameter>(
    {kWho, kDid, kOfNamespace, {"format", Place::query, "jsonl|csv", "usual: jsonl"}, kBehind});

constexpr auto kGetAuditFile = std::to_array<Parameter>(
    {{"file", Place::path, "string", "signing.pub, head or a name such as audit-000001.log"},
     {"from", Place::query, "integer", "bytes before that which is wanted; usual: 0"}});

constexpr auto kDone = std::to_array<ReplyInfo>({{204, ""}});
constexpr auto kSecretsReply = std::to_array<ReplyInfo>({{200, "SecretsReply"}});
constexpr auto kSecretReply = std::to_array<ReplyInfo>({{200, "SecretReply"}});
constexpr auto kFlagsReply = std::to_array<ReplyInfo>({{200, "FlagsReply"}});
constexpr auto kFlagReply = std::to_array<ReplyInfo>({{200, "FlagReply"}});
constexpr auto kFlagAnswerReply = std::to_array<ReplyInfo>({{200, "FlagAnswerReply"}});
constexpr auto kRolesReply = std::to_array<ReplyInfo>({{200, "RolesReply"}});
constexpr auto kRoleReply = std::to_array<ReplyInfo>({{200, "RoleReply"}});
constexpr auto kUsersReply = std::to_array<ReplyInfo>({{200, "UsersReply"}});
constexpr auto kNodeReply = std::to_array<ReplyInfo>({{200, "NodeReply"}});
constexpr auto kUserReply = std::to_array<ReplyInfo>({{200, "UserReply"}});
constexpr auto kSessionReply = std::to_array<ReplyInfo>({{201, "SessionReply"}});
constexpr auto kRotatedReply = std::to_array<ReplyInfo>({{201, "NewTokenReply"}});
constexpr auto kQuotaReply = std::to_array<ReplyInfo>({{200, "QuotaReply"}});
constexpr auto kQuotasReply = std::to_array<ReplyInfo>({{200, "QuotasReply"}});
constexpr auto kAuditReply = std::to_array<ReplyInfo>({{200, "AuditReply"}});
constexpr auto kProofReply = std::to_array<ReplyInfo>({{200, "ProofReply"}});
constexpr auto kExportReply =
    std::to_array<ReplyInfo>({{200, "Text", "application/x-ndjson"}, {200, "Text", "text/csv"}});
constexpr auto kAuditFilesReply = std::to_array<ReplyInfo>({{200, "AuditFilesReply"}});
constexpr auto kAuditFileReply =
    std::to_array<ReplyInfo>({{200, "Bytes", "application/octet-stream"}});
constexpr auto kSettingsReply = std::to_array<ReplyInfo>({{200, "SettingsReply"}});
constexpr auto kSettingReply = std::to_array<ReplyInfo>({{200, "SettingReply"}});
constexpr auto kSettingVersionsReply = std::to_array<ReplyInfo>({{200, "SettingVersionsReply"}});
constexpr auto kQuotaVersionsReply = std::to_array<ReplyInfo>({{200, "QuotaVersionsReply"}});
constexpr auto kChangesReply = std::to_array<ReplyInfo>({{200, "ChangesReply"}});

using AdminHandler = void (*)(ServiceParts&, CallPtr);

constexpr Route shows(std::string_view path, std::string_view id, std::string_view summary,
                      Action action, std::span<const Parameter> parameters,
                      std::span<const ReplyInfo> replies, AdminHandler handler) {
  return {.method = "GET",
          .path = path,
          .id = id,
          .summary = summary,
          .action = action,
          .parameters = parameters,
          .replies = replies,
          .handler = handler};
}

struct ChangeInfo {
  std::string_view method;
  std::string_view path;
  std::string_view id;
  std::string_view summary;
};
constexpr Route changes(const ChangeInfo& info, Action action,
                        std::span<const Parameter> parameters, std::string_view body,
                        std::span<const ReplyInfo> replies, AdminHandler handler) {
  return {.method = info.method,
          .path = info.path,
          .id = info.id,
          .summary = info.summary,
          .action = action,
          .parameters = parameters,
          .body = body,
          .replies = replies,
          .changes = true,
          .handler = handler};
}
/// What is sent, or answered, is not kept for repetitions.
constexpr Route secretly(Route route) {
  route.is_secret = true;
  return route;
}

constexpr auto kAdminRoutes = std::to_array<Route>({
    secretly(changes({"POST", "/v1/tokens/{token}/rotate", "rotateToken",
                      "a new token in the place of one, whose text is shown this once"},
                     Action::tokens_write, kRotate, "Rotation", kRotatedReply, rotate_token)),
    shows("/v1/secrets", "listSecrets", "names of secrets, never their values",
          Action::secrets_read, kListSecrets, kSecretsReply, list_secrets),
    secretly(changes({"PUT", "/v1/secrets/{secret}", "setSecret", "set a secret"},
                     Action::secrets_write, kSetSecret, "NewSecret", kSecretReply, set_secret)),
    changes({"DELETE", "/v1/secrets/{secret}", "removeSecret", "remove a secret"},
            Action::secrets_write, kRemoveSecret, "", kDone, remove_secret),

    shows("/v1/flags", "listFlags", "feature flags", Action::flags_read, {}, kFlagsReply,
          list_flags),
    shows("/v1/flags/{flag}", "getFlag", "a feature flag", Action::flags_read, kOfFlag, kFlagReply,
          get_flag),
    shows("/v1/flags/{flag}/history", "getFlagHistory", "its versions, newest first",
          Action::flags_read, kOfFlag, kFlagsReply, get_flag_history),
    shows("/v1/flags/{flag}/answer", "askFlag", "whether it is on for a subject",
          Action::flags_read, kAskFlag, kFlagAnswerReply, ask_flag),
    changes({"PUT", "/v1/flags/{flag}", "setFlag", "a new version of a flag"}, Action::flags_write,
            kSetFlag, "NewFlag", kFlagReply, set_flag),
    changes({"DELETE", "/v1/flags/{flag}", "removeFlag", "remove a flag"}, Action::flags_write,
            kRemoveFlag, "", kDone, remove_flag),

    shows("/v1/roles", "listRoles", "roles and what they may", Action::roles_read, {}, kRolesReply,
          list_roles),
    changes({"PUT", "/v1/roles/{role}", "setRole", "define a role"}, Action::roles_write,
            kChangeRole, "NewRole", kRoleReply, set_role),
    changes({"DELETE", "/v1/roles/{role}", "removeRole", "remove a role that nobody has"},
            Action::roles_write, kChangeRole, "", kDone, remove_role),
    shows("/v1/users", "listUsers", "users", Action::users_read, {}, kUsersReply, list_users),
    secretly(changes(
        {"PUT", "/v1/users/{user}", "setUser", "add a user, or change his rights or password"},
        Action::users_write, kChangeUser, "NewUser", kUserReply, set_user)),
    changes({"DELETE", "/v1/users/{user}", "removeUser", "remove a user, and end his sessions"},
            Action::users_write, kChangeUser, "", kDone, remove_user),
    {.method = "POST",
     .path = "/v1/sessions",
     .id = "logIn",
     .summary = "open a session; it comes back as a cookie",
     .audience = Audience::everybody,
     .body = "Login",
     .replies = kSessionReply,
     .is_secret = true,
     .handler = log_in},
    {.method = "DELETE",
     .path = "/v1/sessions/current",
     .id = "logOut",
     .summary = "end the session that asks",
     .audience = Audience::known,
     .replies = kDone,
     .handler = log_out},

    changes({"POST", "/v1/nodes/{node}/drain", "drainNode",
             "let nothing more start on a node, and stop what runs there if that is asked for"},
            Action::nodes_write, kChangeNode, "DrainNode", kNodeReply, drain_node),
    changes({"POST", "/v1/nodes/{node}/resume", "resumeNode", "let a drained node work again"},
            Action::nodes_write, kChangeNode, "", kNodeReply, resume_node),
    shows("/v1/quotas", "listQuotas", "what users may have at most", Action::queues_read, {},
          kQuotasReply, list_quotas),
    shows("/v1/quotas/{user}", "getQuota", "what one of them may have at most", Action::queues_read,
          kOfQuota, kQuotaReply, get_quota),
    shows("/v1/quotas/{user}/history", "getQuotaHistory",
          "the versions of it that were set here, newest first", Action::queues_read, kOfQuota,
          kQuotaVersionsReply, get_quota_history),
    changes({"PUT", "/v1/quotas/{user}", "setQuota",
             "what a user may have at most; it goes before the cluster file"},
            Action::queues_write, kSetQuota, "NewQuota", kQuotaReply, set_quota),
    changes({"DELETE", "/v1/quotas/{user}", "removeQuota",
             "remove a quota that was set so: what the cluster file says counts again"},
            Action::queues_write, kRemoveQuota, "", kDone, remove_quota),
    shows("/v1/audit", "listAudit", "records of the audit log", Action::audit_read, kListAudit,
          kAuditReply, list_audit),
    shows("/v1/audit/verify", "verifyAudit", "whether the log is as it was written",
          Action::audit_read, kVerifyAudit, kProofReply, verify_audit_log),
    shows("/v1/audit/export", "exportAudit", "records as lines of JSON or CSV", Action::audit_read,
          kExportAudit, kExportReply, export_audit),
    shows("/v1/audit/files", "listAuditFiles", "the files of the log, to prove it elsewhere",
          Action::audit_copy, {}, kAuditFilesReply, list_audit_files),
    shows("/v1/audit/files/{file}", "getAuditFile", "a part of one of them, empty behind its end",
          Action::audit_copy, kGetAuditFile, kAuditFileReply, get_audit_file),
    changes({"POST", "/v1/backups", "noteBackup",
             "write into the audit log that a backup is made, before its maker reads the files"},
            Action::backups_write, kJustKey, "NewBackup", kDone, note_backup),
    shows("/v1/config", "getConfig", "the settings that hold, and where they come from",
          Action::settings_read, {}, kSettingsReply, get_config),
    changes({"POST", "/v1/config/reload", "reloadConfig", "read the settings again"},
            Action::settings_write, kJustKey, "", kChangesReply, reload_config),
    shows("/v1/config/{setting}", "getSetting", "a setting as it holds", Action::settings_read,
          kOfSetting, kSettingReply, get_setting),
    shows("/v1/config/{setting}/history", "getSettingHistory",
          "the versions of it that were set here, newest first", Action::settings_read, kOfSetting,
          kSettingVersionsReply, get_setting_history),
    changes({"PUT", "/v1/config/{setting}", "setSetting",
             "a new version of a live setting, which holds at once"},
            Action::settings_write, kSetSetting, "NewSetting", kSettingReply, set_setting),
    changes({"DELETE", "/v1/config/{setting}", "unsetSetting",
             "let what the file says hold again, or the default"},
            Action::settings_write, kUnsetSetting, "", kDone, unset_setting),
});

}  // namespace

std::span<const Route> admin_routes() { return kAdminRoutes; }

}  // namespace reeve::api
