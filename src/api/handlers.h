// The handlers of the route table, by what they are about. Internal to api/. Each is called on the
// server's thread and answers the call in the end, from any thread.
#pragma once

#include "api/route.h"

namespace reeve::api {

// Probes.
void get_livez(ServiceParts& parts, CallPtr call);
void get_readyz(ServiceParts& parts, CallPtr call);
void get_version(ServiceParts& parts, CallPtr call);
void get_metrics(ServiceParts& parts, CallPtr call);
void get_openapi(ServiceParts& parts, CallPtr call);
void get_workflow_schema(ServiceParts& parts, CallPtr call);

// Runs.
void submit_run(ServiceParts& parts, CallPtr call);
void submit_bulk(ServiceParts& parts, CallPtr call);
void list_runs(ServiceParts& parts, CallPtr call);
void get_run(ServiceParts& parts, CallPtr call);
void get_graph(ServiceParts& parts, CallPtr call);
void get_timeline(ServiceParts& parts, CallPtr call);
void get_explanation(ServiceParts& parts, CallPtr call);
void get_difference(ServiceParts& parts, CallPtr call);

// What is asked of a run.
void cancel_run(ServiceParts& parts, CallPtr call);
void retry_run(ServiceParts& parts, CallPtr call);
void pause_run(ServiceParts& parts, CallPtr call);
void resume_run(ServiceParts& parts, CallPtr call);
void approve_task(ServiceParts& parts, CallPtr call);

// Tasks and their logs.
void list_tasks(ServiceParts& parts, CallPtr call);
void get_task(ServiceParts& parts, CallPtr call);
void get_attempt(ServiceParts& parts, CallPtr call);
void get_log(ServiceParts& parts, CallPtr call);

// What tasks handed on (artifact_handlers.cc).
void list_run_artifacts(ServiceParts& parts, CallPtr call);
void list_task_artifacts(ServiceParts& parts, CallPtr call);
void get_artifact(ServiceParts& parts, CallPtr call);

// The rows of runs, for commands (stored_handlers.cc).
void list_stored_runs(ServiceParts& parts, CallPtr call);
void get_stored_run(ServiceParts& parts, CallPtr call);
void list_stored_attempts(ServiceParts& parts, CallPtr call);
void get_stored_log(ServiceParts& parts, CallPtr call);

// Workflows that are not run.
void lint_workflow(ServiceParts& parts, CallPtr call);
void plan_workflow(ServiceParts& parts, CallPtr call);

// Workflows that have been run (workflow_handlers.cc).
void list_workflows(ServiceParts& parts, CallPtr call);
void get_workflow(ServiceParts& parts, CallPtr call);
void list_workflow_versions(ServiceParts& parts, CallPtr call);
void get_workflow_version(ServiceParts& parts, CallPtr call);

// What the engine has.
void list_queues(ServiceParts& parts, CallPtr call);
void list_pools(ServiceParts& parts, CallPtr call);
void list_use(ServiceParts& parts, CallPtr call);
void list_nodes(ServiceParts& parts, CallPtr call);
void drain_node(ServiceParts& parts, CallPtr call);
void resume_node(ServiceParts& parts, CallPtr call);
void list_locks(ServiceParts& parts, CallPtr call);

// Streams of events.
void stream_events(ServiceParts& parts, CallPtr call);
void stream_run_events(ServiceParts& parts, CallPtr call);
void stream_task_log(ServiceParts& parts, CallPtr call);

// Who may.
void get_whoami(ServiceParts& parts, CallPtr call);
void list_tokens(ServiceParts& parts, CallPtr call);
void create_token(ServiceParts& parts, CallPtr call);
void rotate_token(ServiceParts& parts, CallPtr call);
void revoke_token(ServiceParts& parts, CallPtr call);
void list_roles(ServiceParts& parts, CallPtr call);
void set_role(ServiceParts& parts, CallPtr call);
void remove_role(ServiceParts& parts, CallPtr call);
void list_users(ServiceParts& parts, CallPtr call);
void set_user(ServiceParts& parts, CallPtr call);
void remove_user(ServiceParts& parts, CallPtr call);
void log_in(ServiceParts& parts, CallPtr call);
void log_out(ServiceParts& parts, CallPtr call);

// Single sign-on (sign_on_handlers.cc).
void get_session(ServiceParts& parts, CallPtr call);
void get_sign_on(ServiceParts& parts, CallPtr call);
void begin_sign_on(ServiceParts& parts, CallPtr call);
void finish_sign_on(ServiceParts& parts, CallPtr call);
void exchange_token(ServiceParts& parts, CallPtr call);

// What tasks and programs are given by name.
void list_secrets(ServiceParts& parts, CallPtr call);
void set_secret(ServiceParts& parts, CallPtr call);
void remove_secret(ServiceParts& parts, CallPtr call);
void list_flags(ServiceParts& parts, CallPtr call);
void get_flag(ServiceParts& parts, CallPtr call);
void get_flag_history(ServiceParts& parts, CallPtr call);
void ask_flag(ServiceParts& parts, CallPtr call);
void set_flag(ServiceParts& parts, CallPtr call);
void remove_flag(ServiceParts& parts, CallPtr call);

// For those who look after the service.
void list_quotas(ServiceParts& parts, CallPtr call);
void get_quota(ServiceParts& parts, CallPtr call);
void get_quota_history(ServiceParts& parts, CallPtr call);
void set_quota(ServiceParts& parts, CallPtr call);
void remove_quota(ServiceParts& parts, CallPtr call);
void list_audit(ServiceParts& parts, CallPtr call);
void verify_audit_log(ServiceParts& parts, CallPtr call);
void export_audit(ServiceParts& parts, CallPtr call);
void note_backup(ServiceParts& parts, CallPtr call);
void list_audit_files(ServiceParts& parts, CallPtr call);
void get_audit_file(ServiceParts& parts, CallPtr call);
void get_config(ServiceParts& parts, CallPtr call);
void get_setting(ServiceParts& parts, CallPtr call);
void get_setting_history(ServiceParts& parts, CallPtr call);
void set_setting(ServiceParts& parts, CallPtr call);
void unset_setting(ServiceParts& parts, CallPtr call);
void reload_config(ServiceParts& parts, CallPtr call);

}  // namespace reeve::api
