#include <array>

#include "api/handlers.h"
#include "api/route.h"

namespace reeve::api {
namespace {

using security::Action;

constexpr std::string_view kRunStates = "queued|running|succeeded|failed|cancelled";
constexpr std::string_view kTaskStates =
    "blocked|queued|starting|running|validating|retry_wait|paused|awaiting_approval|succeeded|"
    "failed|timed_out|cancelled|aborted|skipped";

constexpr Parameter kRunPath{"run", Place::path, "string",
                             "a run: run_…, a unique ending of it, its number, or last"};
constexpr Parameter kTaskPath{"task", Place::path, "string", "a task by its name: build, test[3]"};
constexpr Parameter kAttemptPath{"attempt", Place::path, "integer", "1, 2, ..."};
constexpr Parameter kCursor{"cursor", Place::query, "string", "next_cursor of an earlier answer"};
constexpr Parameter kLimit{"limit", Place::query, "integer", "items at most"};
constexpr Parameter kKey{"Idempotency-Key", Place::header, "string",
                         "new for each thing that is wanted, the same when it is tried again"};
constexpr Parameter kIfMatch{"If-Match", Place::header, "string",
                             "do it only if the run is still as this ETag says"};
constexpr Parameter kIfNoneMatch{"If-None-Match", Place::header, "string",
                                 "answer 304 if the run is still as this ETag says"};
constexpr Parameter kName{"name", Place::query, "string", "of the workflow or the run"};
constexpr Parameter kNamespace{"namespace", Place::query, "string", "of this namespace only"};

constexpr auto kUseOf = std::to_array<Parameter>(
    {{"run", Place::query, "string", "of this run only: its identifier or number"}});
constexpr auto kOfRun = std::to_array<Parameter>({kRunPath});
constexpr auto kGetRun = std::to_array<Parameter>({kRunPath, kIfNoneMatch});
constexpr auto kAct = std::to_array<Parameter>({kRunPath, kKey, kIfMatch});
constexpr auto kSubmit = std::to_array<Parameter>(
    {kKey,
     {"name", Place::query, "string", "of the run, where the body is YAML"},
     {"namespace", Place::query, "string", "of the run, where the body is YAML"}});
constexpr auto kSubmitBulk = std::to_array<Parameter>(
    {kKey,
     {"mode", Place::query, "all|each",
      "all (usual): nothing is taken if anything is refused; each: what is good is taken"}});
constexpr auto kListRuns = std::to_array<Parameter>(
    {{"state", Place::query, kRunStates, "in one of these states", true},
     kName,
     {"label", Place::query, "string", "KEY=VALUE"},
     kNamespace,
     {"since", Place::query, "string", "submitted after this time (RFC 3339)"},
     kLimit,
     kCursor});
constexpr auto kTimeline = std::to_array<Parameter>({kRunPath, kCursor});
constexpr auto kDiff = std::to_array<Parameter>(
    {kRunPath,
     {"other", Place::path, "string", "the run to compare it with, named in the same ways"},
     {"only", Place::query, "all|changed", "of the tasks; usual: all"},
     kLimit,
     kCursor});
constexpr auto kExplain = std::to_array<Parameter>(
    {kRunPath, {"task", Place::query, "string", "this task, or group of tasks, of it"}});
constexpr auto kListTasks =
    std::to_array<Parameter>({kRunPath,
                              {"state", Place::query, kTaskStates, "in one of these states", true},
                              {"group", Place::query, "string", "of this group"},
                              kLimit,
                              kCursor});
constexpr auto kOfTask = std::to_array<Parameter>({kRunPath, kTaskPath});
constexpr auto kOfAttempt = std::to_array<Parameter>({kRunPath, kTaskPath, kAttemptPath});
constexpr Parameter kFrom{"from", Place::query, "integer",
                          "where an earlier answer ended: position, or Reeve-Log-Position"};
constexpr Parameter kBytes{"limit", Place::query, "integer", "bytes of output, about"};
constexpr Parameter kTail{"tail", Place::query, "integer", "the last so many lines only"};
constexpr Parameter kGrep{"grep", Place::query, "string",
                          "lines that match this POSIX extended regular expression"};
constexpr Parameter kStream{"stream", Place::query, "stdout|stderr", "what was written there"};
constexpr auto kTaskLog =
    std::to_array<Parameter>({kRunPath, kTaskPath, kFrom, kBytes, kTail, kGrep, kStream});
constexpr auto kAttemptLog = std::to_array<Parameter>(
    {kRunPath, kTaskPath, kAttemptPath, kFrom, kBytes, kTail, kGrep, kStream});

constexpr Parameter kArtifactPath{"artifact", Place::path, "string", "its name in the workflow"};
constexpr auto kRunArtifacts = std::to_array<Parameter>({kRunPath, kLimit, kCursor});
constexpr auto kGetArtifact = std::to_array<Parameter>(
    {kRunPath,
     kTaskPath,
     kArtifactPath,
     {"file", Place::query, "string", "which one, where a pattern matched several files"},
     {"Range", Place::header, "string", "of the bytes this part only: bytes=0-999"},
     {"If-Range", Place::header, "string", "a part only if the ETag is still this one"},
     {"If-None-Match", Place::header, "string", "answer 304 if the ETag is this one"}});

constexpr auto kStoredAttempts = std::to_array<Parameter>(
    {kRunPath, {"task", Place::query, "integer", "position in the run"}, kLimit, kCursor});
constexpr auto kStoredLog =
    std::to_array<Parameter>({kRunPath,
                              {"task", Place::query, "integer", "position in the run"},
                              {"attempt", Place::query, "integer", "1, 2, ..."},
                              kFrom});

constexpr Parameter kWorkflowPath{"workflow", Place::path, "string", "a workflow by its name"};
constexpr Parameter kWhose{"namespace", Place::query, "string",
                           "where it was run; usual: one's own, else default"};
constexpr auto kListWorkflows = std::to_array<Parameter>({kNamespace, kLimit, kCursor});
constexpr auto kOfWorkflow = std::to_array<Parameter>({kWorkflowPath, kWhose});
constexpr auto kVersionsOf = std::to_array<Parameter>({kWorkflowPath, kWhose, kLimit, kCursor});
constexpr auto kOfVersion = std::to_array<Parameter>(
    {kWorkflowPath, {"version", Place::path, "integer", "1, 2, ..."}, kWhose});

constexpr Parameter kLastId{"Last-Event-ID", Place::header, "string", "go on behind this event"};
constexpr auto kFollow = std::to_array<Parameter>({kLastId});
constexpr auto kFollowRun = std::to_array<Parameter>({kRunPath, kLastId});
constexpr auto kFollowTask = std::to_array<Parameter>({kRunPath, kTaskPath, kLastId});
constexpr auto kOnlyKey = std::to_array<Parameter>({kKey});
constexpr auto kOfToken =
    std::to_array<Parameter>({{"token", Place::path, "string", "the id of a token"}, kKey});

constexpr auto kStored =
    std::to_array<ReplyInfo>({{200, "Text", "application/vnd.reeve.stored"}, {304, ""}});
constexpr auto kEventStream = std::to_array<ReplyInfo>({{200, "EventStream", "text/event-stream"}});
constexpr auto kLogStream =
    std::to_array<ReplyInfo>({{200, "Text", "text/event-stream"}, {204, ""}});
constexpr auto kIdentityReply = std::to_array<ReplyInfo>({{200, "IdentityReply"}});
constexpr auto kTokensReply = std::to_array<ReplyInfo>({{200, "TokensReply"}});
constexpr auto kNewTokenReply = std::to_array<ReplyInfo>({{201, "NewTokenReply"}});
constexpr auto kNothing = std::to_array<ReplyInfo>({{204, ""}});
constexpr auto kOk = std::to_array<ReplyInfo>({{200, "Probe"}});
constexpr auto kMetricsReply =
    std::to_array<ReplyInfo>({{200, "Text", "application/openmetrics-text"}});
constexpr auto kVersionReply = std::to_array<ReplyInfo>({{200, "Version"}});
constexpr auto kAnyJson = std::to_array<ReplyInfo>({{200, "Any"}});
constexpr auto kSchemaJson = std::to_array<ReplyInfo>({{200, "Any", "application/schema+json"}});
constexpr auto kRunReply = std::to_array<ReplyInfo>({{200, "RunReply"}});
constexpr auto kRunOrNot = std::to_array<ReplyInfo>({{200, "RunReply"}, {304, ""}});
constexpr auto kSubmitted =
    std::to_array<ReplyInfo>({{201, "SubmittedReply"}, {200, "SubmittedReply"}});
constexpr auto kBulkReplies = std::to_array<ReplyInfo>({{200, "BulkReply"}, {207, "BulkReply"}});
constexpr auto kRunsReply = std::to_array<ReplyInfo>({{200, "RunsReply"}});
constexpr auto kGraphReply = std::to_array<ReplyInfo>({{200, "GraphReply"}});
constexpr auto kTimelineReply = std::to_array<ReplyInfo>({{200, "TimelineReply"}});
constexpr auto kDifferenceReply = std::to_array<ReplyInfo>({{200, "DifferenceReply"}});
constexpr auto kExplanationReply = std::to_array<ReplyInfo>({{200, "ExplanationReply"}});
constexpr auto kTasksReply = std::to_array<ReplyInfo>({{200, "TasksReply"}});
constexpr auto kTaskReply = std::to_array<ReplyInfo>({{200, "TaskReply"}});
constexpr auto kAttemptReply = std::to_array<ReplyInfo>({{200, "AttemptReply"}});
constexpr auto kLogReply =
    std::to_array<ReplyInfo>({{200, "LogReply"}, {200, "Text", "text/plain"}});
constexpr auto kArtifactsReply = std::to_array<ReplyInfo>({{200, "ArtifactsReply"}});
constexpr auto kArtifactBytes =
    std::to_array<ReplyInfo>({{200, "Bytes", "application/octet-stream"},
                              {206, "Bytes", "application/octet-stream"},
                              {304, ""}});
constexpr auto kLintReply = std::to_array<ReplyInfo>({{200, "DiagnosticsReply"}});
constexpr auto kPlanReply = std::to_array<ReplyInfo>({{200, "PlanReply"}});
constexpr auto kWorkflowsReply = std::to_array<ReplyInfo>({{200, "WorkflowsReply"}});
constexpr auto kWorkflowReply = std::to_array<ReplyInfo>({{200, "WorkflowReply"}});
constexpr auto kVersionsReply = std::to_array<ReplyInfo>({{200, "WorkflowVersionsReply"}});
constexpr auto kVersionTextReply = std::to_array<ReplyInfo>({{200, "WorkflowTextReply"}});
constexpr auto kQueuesReply = std::to_array<ReplyInfo>({{200, "QueuesReply"}});
constexpr auto kPoolsReply = std::to_array<ReplyInfo>({{200, "PoolsReply"}});
constexpr auto kNodesReply = std::to_array<ReplyInfo>({{200, "NodesReply"}});
constexpr auto kUseReply = std::to_array<ReplyInfo>({{200, "UseReply"}});
constexpr auto kLocksReply = std::to_array<ReplyInfo>({{200, "LocksReply"}});

constexpr Route probe(std::string_view path, std::string_view id, std::string_view summary,
                      std::span<const ReplyInfo> replies, void (*handler)(ServiceParts&, CallPtr)) {
  return {.method = "GET",
          .path = path,
          .id = id,
          .summary = summary,
          .audience = Audience::everybody,
          .replies = replies,
          .handler = handler};
}

constexpr Route look(std::string_view path, std::string_view id, std::string_view summary,
                     Action action, std::span<const Parameter> parameters,
                     std::span<const ReplyInfo> replies, void (*handler)(ServiceParts&, CallPtr)) {
  return {.method = "GET",
          .path = path,
          .id = id,
          .summary = summary,
          .action = action,
          .parameters = parameters,
          .replies = replies,
          .handler = handler};
}

constexpr Route act(std::string_view path, std::string_view id, std::string_view summary,
                    Action action, std::string_view body, void (*handler)(ServiceParts&, CallPtr)) {
  return {.method = "POST",
          .path = path,
          .id = id,
          .summary = summary,
          .action = action,
          .parameters = kAct,
          .body = body,
          .replies = kRunReply,
          .changes = true,
          .handler = handler};
}

constexpr auto kRoutes = std::to_array<Route>({
    probe("/livez", "livez", "whether the process answers", kOk, get_livez),
    probe("/readyz", "readyz", "whether the engine works and takes requests", kOk, get_readyz),
    probe("/version", "version", "what this is", kVersionReply, get_version),
    probe("/openapi.json", "openapi", "this description", kAnyJson, get_openapi),
    probe("/schema/workflow.json", "workflowSchema", "JSON Schema of workflows", kSchemaJson,
          get_workflow_schema),

    look("/metrics", "metrics", "what is counted, as OpenMetrics", Action::metrics_read, {},
         kMetricsReply, get_metrics),

    {.method = "POST",
     .path = "/v1/runs",
     .id = "submitRun",
     .summary = "start a run of a workflow, or of one command",
     .action = Action::runs_submit,
     .parameters = kSubmit,
     .body = "Submission",
     .replies = kSubmitted,
     .changes = true,
     .handler = submit_run},
    {.method = "POST",
     .path = "/v1/runs:bulk",
     .id = "submitRuns",
     .summary = "start many runs: one submission a line",
     .action = Action::runs_submit,
     .parameters = kSubmitBulk,
     .body = "Submission",
     .body_type = "application/x-ndjson",
     .replies = kBulkReplies,
     .changes = true,
     .handler = submit_bulk},
    look("/v1/runs", "listRuns",
         "runs, newest first; a page may hold fewer than asked for: go on while there is a "
         "next_cursor",
         Action::runs_read, kListRuns, kRunsReply, list_runs),
    look("/v1/runs/{run}", "getRun", "one run with its groups", Action::runs_read, kGetRun,
         kRunOrNot, get_run),
    act("/v1/runs/{run}/cancel", "cancelRun", "stop a run or tasks of it", Action::runs_act,
        "Cancel", cancel_run),
    act("/v1/runs/{run}/retry", "retryRun", "try what did not succeed again", Action::runs_act,
        "Retry", retry_run),
    act("/v1/runs/{run}/pause", "pauseRun", "start nothing more of it", Action::runs_act, "OfTask",
        pause_run),
    act("/v1/runs/{run}/resume", "resumeRun", "go on", Action::runs_act, "OfTask", resume_run),
    act("/v1/runs/{run}/approve", "approveTask", "allow a task that awaits approval, or deny it",
        Action::runs_approve, "Approve", approve_task),
    look("/v1/runs/{run}/graph", "getGraph", "groups and what they need", Action::runs_read, kOfRun,
         kGraphReply, get_graph),
    look("/v1/runs/{run}/timeline", "getTimeline", "attempts that ended, in order of their end",
         Action::runs_read, kTimeline, kTimelineReply, get_timeline),
    look("/v1/runs/{run}/explain", "explainRun", "why a run or a task is as it is",
         Action::runs_read, kExplain, kExplanationReply, get_explanation),
    look("/v1/runs/{run}/diff/{other}", "diffRuns", "what is not the same in two runs",
         Action::runs_read, kDiff, kDifferenceReply, get_difference),
    look("/v1/runs/{run}/tasks", "listTasks", "tasks of a run", Action::runs_read, kListTasks,
         kTasksReply, list_tasks),
    look("/v1/runs/{run}/tasks/{task}", "getTask", "one task and its attempts that ended",
         Action::runs_read, kOfTask, kTaskReply, get_task),
    look("/v1/runs/{run}/tasks/{task}/attempts/{attempt}", "getAttempt", "an attempt that ended",
         Action::runs_read, kOfAttempt, kAttemptReply, get_attempt),
    look("/v1/runs/{run}/tasks/{task}/logs", "getTaskLog", "output of the latest attempt",
         Action::logs_read, kTaskLog, kLogReply, get_log),
    look("/v1/runs/{run}/tasks/{task}/attempts/{attempt}/logs", "getAttemptLog",
         "output of an attempt", Action::logs_read, kAttemptLog, kLogReply, get_log),

    look("/v1/runs/{run}/artifacts", "listRunArtifacts",
         "files that its tasks handed on; a page holds whole tasks", Action::artifacts_read,
         kRunArtifacts, kArtifactsReply, list_run_artifacts),
    look("/v1/runs/{run}/tasks/{task}/artifacts", "listTaskArtifacts", "files that it handed on",
         Action::artifacts_read, kOfTask, kArtifactsReply, list_task_artifacts),
    look("/v1/runs/{run}/tasks/{task}/artifacts/{artifact}", "getArtifact", "the bytes of a file",
         Action::artifacts_read, kGetArtifact, kArtifactBytes, get_artifact),

    look("/v1/stored/runs", "listStoredRuns", "runs as the commands of reeve read them",
         Action::runs_read, kListRuns, kStored, list_stored_runs),
    look("/v1/stored/runs/{run}", "getStoredRun", "a run and its tasks, for the same",
         Action::runs_read, kGetRun, kStored, get_stored_run),
    look("/v1/stored/runs/{run}/attempts", "listStoredAttempts", "its attempts, for the same",
         Action::runs_read, kStoredAttempts, kStored, list_stored_attempts),
    look("/v1/stored/runs/{run}/log", "getStoredLog", "what an attempt printed, for the same",
         Action::logs_read, kStoredLog, kStored, get_stored_log),

    {.method = "POST",
     .path = "/v1/lint",
     .id = "lintWorkflow",
     .summary = "what is wrong with a workflow",
     .action = Action::workflows_read,
     .body = "WorkflowText",
     .replies = kLintReply,
     .handler = lint_workflow},
    {.method = "POST",
     .path = "/v1/plan",
     .id = "planWorkflow",
     .summary = "what a workflow would run, and in which order",
     .action = Action::workflows_read,
     .body = "WorkflowText",
     .replies = kPlanReply,
     .handler = plan_workflow},

    look("/v1/workflows", "listWorkflows", "workflows that have been run, by namespace and name",
         Action::workflows_read, kListWorkflows, kWorkflowsReply, list_workflows),
    look("/v1/workflows/{workflow}", "getWorkflow", "one of them", Action::workflows_read,
         kOfWorkflow, kWorkflowReply, get_workflow),
    look("/v1/workflows/{workflow}/versions", "listWorkflowVersions", "its versions, newest first",
         Action::workflows_read, kVersionsOf, kVersionsReply, list_workflow_versions),
    look("/v1/workflows/{workflow}/versions/{version}", "getWorkflowVersion",
         "a version with its text", Action::workflows_read, kOfVersion, kVersionTextReply,
         get_workflow_version),

    look("/v1/queues", "listQueues", "queues and what waits in them", Action::queues_read, {},
         kQueuesReply, list_queues),
    look("/v1/pools", "listPools", "where attempts run", Action::nodes_read, {}, kPoolsReply,
         list_pools),
    look("/v1/use", "listUse", "what attempts use that run now", Action::runs_read, kUseOf,
         kUseReply, list_use),
    look("/v1/nodes", "listNodes", "machines of the pools", Action::nodes_read, {}, kNodesReply,
         list_nodes),
    look("/v1/locks", "listLocks", "locks that are held", Action::queues_read, {}, kLocksReply,
         list_locks),

    look("/v1/events", "streamEvents", "what changes, as it changes", Action::events_read, kFollow,
         kEventStream, stream_events),
    look("/v1/runs/{run}/events", "streamRunEvents", "what changes in a run, to its end",
         Action::events_read, kFollowRun, kEventStream, stream_run_events),
    look("/v1/runs/{run}/tasks/{task}/logs/stream", "streamTaskLog",
         "output of the latest attempt, as it comes", Action::logs_read, kFollowTask, kLogStream,
         stream_task_log),

    {.method = "GET",
     .path = "/v1/whoami",
     .id = "whoami",
     .summary = "who is asking, and what he may do",
     .audience = Audience::known,
     .replies = kIdentityReply,
     .handler = get_whoami},
    look("/v1/tokens", "listTokens", "tokens, without their secrets", Action::tokens_read, {},
         kTokensReply, list_tokens),
    {.method = "POST",
     .path = "/v1/tokens",
     .id = "createToken",
     .summary = "make a token; its text is shown this once",
     .action = Action::tokens_write,
     .parameters = kOnlyKey,
     .body = "NewToken",
     .replies = kNewTokenReply,
     .is_secret = true,
     .changes = true,
     .handler = create_token},
    {.method = "DELETE",
     .path = "/v1/tokens/{token}",
     .id = "revokeToken",
     .summary = "let a token hold no more",
     .action = Action::tokens_write,
     .parameters = kOfToken,
     .replies = kNothing,
     .changes = true,
     .handler = revoke_token},
});

}  // namespace

std::span<const Route> route_table() {
  static const std::vector<Route> kAll = [] {
    std::vector<Route> all(kRoutes.begin(), kRoutes.end());
    const auto more = admin_routes();
    all.insert(all.end(), more.begin(), more.end());
    const auto sign_on = sign_on_routes();
    all.insert(all.end(), sign_on.begin(), sign_on.end());
    return all;
  }();
  return kAll;
}

bool takes_yaml(const Route& route) {
  return route.body == "WorkflowText" ||
         (route.body == "Submission" && route.body_type == "application/json");
}

}  // namespace reeve::api
