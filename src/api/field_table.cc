#include "api/field_table.h"

#include <algorithm>
#include <array>

#include "base/ensure.h"

namespace reeve::api {
namespace {

constexpr auto kRun = std::to_array<FieldInfo>({
    {"id", "string", "run_ and 26 characters; sorts by time of submission"},
    {"number", "number", "1, 2, 3, ... in this state directory"},
    {"name", "string", "what people call it"},
    {"workflow", "string", "the name in the file"},
    {"workflow_digest", "string", "BLAKE2b-256 of the file, hexadecimal"},
    {"state", "string", "queued, running, succeeded, failed, cancelled or interrupted"},
    {"paused", "boolean", "a person paused it"},
    {"reason", "string", "code of why it is in this state"},
    {"sentence", "string", "the reason in words"},
    {"cancel_reason", "string?", "what the person who cancelled it said"},
    {"after", "array",
     "runs that it follows: run, number, condition, state (how it ended; null: it has not)"},
    {"priority", "number", "higher goes first"},
    {"round", "number", "1, and one more for each retry"},
    {"labels", "object", "texts by name"},
    {"inputs", "object", "values by name, defaults included"},
    {"outputs", "object", "values by name, once it has succeeded"},
    {"directory", "string", "where its tasks run"},
    {"submitter", "string", "the user who submitted it"},
    {"submitted_at", "time", ""},
    {"started_at", "time?", "when its first task started"},
    {"ended_at", "time?", ""},
    {"duration_seconds", "number?", "from submission to end"},
    {"tasks", "object", "total, and the number of tasks by state (states without any left out)"},
});
constexpr auto kGroup = std::to_array<FieldInfo>({
    {"name", "string", "its key in the file"},
    {"state", "string", "a task state that stands for the group"},
    {"needs", "array", "names of groups"},
    {"started_at", "time?", "of its first task"},
    {"ended_at", "time?", "of its last task"},
    {"duration_seconds", "number?", ""},
    {"tasks", "object", "total, and the number of tasks by state"},
});
/// What `show` says of one run beyond what `ls` says.
constexpr auto kRunDetail = [] {
  std::array<FieldInfo, kRun.size() + 1> all{};
  for (std::size_t i = 0; i < kRun.size(); ++i) all[i] = kRun[i];
  all.back() = {"groups", "array", "as the items of groups"};
  return all;
}();
constexpr auto kTask = std::to_array<FieldInfo>({
    {"id", "string", "id of the run, a slash, name"},
    {"run", "number", ""},
    {"index", "number", "position in the run"},
    {"name", "string", "build, test[3], test (ubuntu, 20)"},
    {"group", "string", "its key in the file"},
    {"state", "string", "see docs/task-states.md"},
    {"outcome", "string",
     "of the latest attempt that ended: none, exited, signalled, timed_out, "
     "out_of_memory, lost, rejected, start_failed"},
    {"code", "number", "exit status or signal of that attempt"},
    {"attempt", "number", "number of the latest attempt; 0: none yet"},
    {"attempts_max", "number", "1 + retry.max"},
    {"reason", "string", "code of why it is in this state"},
    {"sentence", "string", "the reason in words"},
    {"message", "string?", "the latest ::progress message, or what went wrong"},
    {"percent", "number?", "progress of the attempt that runs"},
    {"queued_at", "time?", ""},
    {"started_at", "time?", "of the latest attempt"},
    {"ended_at", "time?", ""},
    {"wake_at", "time?", "end of retry_wait, or of a limit on its state"},
    {"duration_seconds", "number?", "of the latest attempt"},
    {"outputs", "object", "values by name"},
    {"artifacts", "object", "stored files by name"},
    {"network", "string", "of its sandbox: none, host or egress"},
    {"egress", "array", "what alone it may reach, as in the file"},
    {"held_until", "time?", "its program failed, and its sandbox is open until then"},
    {"entries", "array",
     "who entered its sandbox: at, attempt, by, user_id, command; the newest 20"},
});
constexpr auto kAttempt = std::to_array<FieldInfo>({
    {"number", "number", "1, 2, ..."},
    {"outcome", "string", "as the outcome of a task"},
    {"code", "number", "exit status or signal"},
    {"reason", "string", "code"},
    {"sentence", "string", "the reason in words"},
    {"placed", "string", "why there and then"},
    {"decided", "string?",
     "head starts in its queue, and the node's score by term; null: no choice"},
    {"tier", "string?", "none, native or oci; null: it never ran, or nobody knows"},
    {"next", "string?", "why it is tried again, or not"},
    {"message", "string?", "what went wrong"},
    {"queued_at", "time?", ""},
    {"started_at", "time?", ""},
    {"ended_at", "time?", ""},
    {"duration_seconds", "number?", ""},
    {"user_cpu_seconds", "number", ""},
    {"system_cpu_seconds", "number", ""},
    {"memory_peak_bytes", "number", ""},
    {"read_bytes", "number", ""},
    {"written_bytes", "number", ""},
    {"context_switches", "number", ""},
    {"output_bytes", "number", "stdout and stderr together, before any cap"},
    {"log", "string", "the file with its output"},
});
constexpr auto kTaskDetail = std::to_array<FieldInfo>({
    {"task", "object", "as an item of tasks"},
    {"attempts", "array", "those that ended, as the items of attempts"},
});
constexpr auto kUse = std::to_array<FieldInfo>({
    {"id", "string", "id of the run, a slash, name"},
    {"run", "number", ""},
    {"name", "string", "build, test[3], test (ubuntu, 20)"},
    {"attempt", "number", ""},
    {"state", "string", "starting or running"},
    {"started_at", "time?", ""},
    {"age_seconds", "number?", "since it started"},
    {"sampled_at", "time?", "when the rest was seen; null: not yet"},
    {"cpu_cores", "number?", "processors used in the last second"},
    {"cpu_seconds", "number?", "processor time so far"},
    {"memory_bytes", "number?", "now, without page cache"},
    {"memory_peak_bytes", "number?", "the most that was seen"},
    {"memory_limit_bytes", "number?", "null: none"},
    {"processes", "number?", "threads count in a sandbox"},
    {"read_bytes", "number?", "so far"},
    {"written_bytes", "number?", "so far"},
    {"read_bytes_per_second", "number?", ""},
    {"written_bytes_per_second", "number?", ""},
    {"cpu_stalled", "number?",
     "part of the last second in which it waited for a processor, 0 to 1"},
    {"memory_stalled", "number?", "the same for memory; control groups of version 2 only"},
    {"io_stalled", "number?", "the same for disks"},
    {"percent", "number?", "progress"},
    {"message", "string?", "of its progress"},
});
constexpr auto kQueue = std::to_array<FieldInfo>({
    {"id", "string", "id of the run, a slash, group"},
    {"run", "number", ""},
    {"group", "string", "its key in the file"},
    {"workflow", "string", ""},
    {"priority", "number", "of the run"},
    {"waiting", "number",
     "its tasks that have not begun; at least one where that is not known yet"},
    {"running", "number", "its tasks that are at work"},
    {"queued_at", "time?", "of the one that waits longest; null: it waits for other tasks"},
    {"reason", "string", "code, of the first that waits"},
    {"sentence", "string", "the reason in words"},
    {"start_seconds", "number?", "--eta: from now until its next task starts, in the middle"},
    {"start_low_seconds", "number?", "not before that in nine of ten simulations"},
    {"start_high_seconds", "number?", "not after that in nine of ten"},
    {"end_seconds", "number?", "until its last task ends"},
    {"end_low_seconds", "number?", ""},
    {"end_high_seconds", "number?", ""},
});
constexpr auto kExplanation = std::to_array<FieldInfo>({
    {"id", "string", "of the run or task"},
    {"state", "string", ""},
    {"reason", "string", "code"},
    {"sentence", "string", "the reason in words"},
    {"facts", "array", "further sentences"},
    {"live", "boolean", "the engine was asked; else from what is stored"},
});
constexpr auto kWait = std::to_array<FieldInfo>({
    {"id", "string", "of the run"},
    {"number", "number", ""},
    {"name", "string", ""},
    {"state", "string", ""},
    {"duration_seconds", "number?", ""},
});
constexpr auto kDiff = std::to_array<FieldInfo>({
    {"task", "string", "name"},
    {"change", "string", "added, removed, result, attempts, duration or none"},
    {"state_a", "string?", ""},
    {"state_b", "string?", ""},
    {"attempts_a", "number?", ""},
    {"attempts_b", "number?", ""},
    {"duration_seconds_a", "number?", ""},
    {"duration_seconds_b", "number?", ""},
});
constexpr auto kPlan = std::to_array<FieldInfo>({
    {"group", "string", "its key in the file"},
    {"phase", "string", "main, on_failure or finally"},
    {"level", "number", "longest way to it from a task without needs, from 1"},
    {"tasks", "number?", "how many; null: known only while it runs"},
    {"first_step", "number?", "when its first task starts, if all tasks take one step"},
    {"last_step", "number?", "when its last task starts"},
    {"needs", "array", "names of groups"},
    {"condition", "string?", "its `if`"},
    {"resources", "string", "of one task"},
    {"network", "string", "of its sandbox: none, host or egress"},
    {"egress", "array", "what alone it may reach, as in the file"},
    {"placeable", "boolean", "whether it could ever start with this capacity"},
    {"found_needs", "array", "of its needs, what `parallel: auto` found: need, why"},
    {"start_seconds", "number?",
     "when its first task would start, in the middle of simulations with what tasks took before"},
    {"start_low_seconds", "number?", "not before that in nine of ten"},
    {"start_high_seconds", "number?", "not after that in nine of ten"},
    {"end_seconds", "number?", "when its last task would end"},
    {"end_low_seconds", "number?", ""},
    {"end_high_seconds", "number?", ""},
});
constexpr auto kLint = std::to_array<FieldInfo>({
    {"file", "string", ""},
    {"line", "number", "from 1"},
    {"column", "number", "from 1"},
    {"severity", "string", "error or warning"},
    {"message", "string", "what is wrong and what was expected"},
    {"suggestion", "string?", "what was probably meant"},
});
constexpr auto kDoctor = std::to_array<FieldInfo>({
    {"check", "string", ""},
    {"status", "string", "good, missing or bad"},
    {"value", "string", "what was found"},
    {"meaning", "string?", "what follows from it"},
});
constexpr auto kReplay = std::to_array<FieldInfo>({
    {"steps", "number", "that were repeated"},
    {"events", "number", ""},
    {"effects", "number", "decisions that were compared"},
    {"diverged_at", "number?", "first step that decides otherwise"},
});
constexpr auto kSimulation = std::to_array<FieldInfo>({
    {"policy", "string", ""},
    {"processors", "number", "of the machine"},
    {"jobs", "number", ""},
    {"mean_bounded_slowdown", "number",
     "(wait + run) / run, at least ten seconds each; at least 1"},
    {"median_bounded_slowdown", "number", ""},
    {"p99_bounded_slowdown", "number", ""},
    {"mean_wait_seconds", "number", ""},
    {"median_wait_seconds", "number", ""},
    {"p99_wait_seconds", "number", ""},
    {"max_wait_seconds", "number", ""},
    {"makespan_seconds", "number", "from the first submission to the last end"},
    {"utilisation", "number", "of the processors in that time, 0 to 1"},
    {"user_fairness", "number", "Jain's index of users' mean slowdowns: 1 if all fare alike"},
    {"extended_jobs", "number", "that took longer than expected"},
    {"jobs_with_deadline", "number", "from a history; logs have none"},
    {"deadline_misses", "number", "of those, jobs that ended later"},
});
constexpr auto kComparison = std::to_array<FieldInfo>({
    {"figure", "string", "mean_bounded_slowdown, mean_wait_seconds, ..."},
    {"first_policy", "string", ""},
    {"second_policy", "string", ""},
    {"first", "number", "mean over the rounds"},
    {"second", "number", ""},
    {"difference", "number", "second less first"},
    {"difference_low", "number", "begin of its interval, 95 %"},
    {"difference_high", "number", "end of it"},
    {"is_certain", "boolean", "zero is not in it"},
});
constexpr auto kGraph = std::to_array<FieldInfo>({
    {"graph", "string", "its name"},
    {"tasks", "number", ""},
    {"slots", "number", "tasks at a time"},
    {"makespan_seconds", "number", "if the task with the longest way to the end goes first"},
    {"critical_path_seconds", "number", ""},
    {"work_seconds", "number", "of all tasks"},
    {"ratio", "number", "makespan over the critical path, or over work / slots if that is more"},
    {"proven_seconds", "number", "what no schedule can be faster than, as far as is known"},
    {"proven_ratio", "number", "makespan over that"},
});
constexpr auto kSecret = std::to_array<FieldInfo>({
    {"name", "string", "never its value"},
    {"namespace", "string", "whose runs are given it"},
    {"version", "number", "1, and one more each time it is set"},
    {"size_bytes", "number", "of the value"},
    {"set_at", "time", ""},
    {"set_by", "string", ""},
});
constexpr auto kFlag = std::to_array<FieldInfo>({
    {"name", "string", ""},
    {"description", "string", ""},
    {"on", "boolean", "false: off for all"},
    {"rules", "array", "namespaces, labels, rollout_percent; the first that matches decides"},
    {"rollout_percent", "number", "of the subjects that no rule matches"},
    {"version", "number", "1, and one more with each change"},
    {"removed", "boolean", "this version took it away"},
    {"set_at", "time", ""},
    {"set_by", "string", ""},
});
constexpr auto kAudit = std::to_array<FieldInfo>({
    {"sequence", "number", "1, 2, 3, ... in the log"},
    {"at", "time", ""},
    {"who", "string", "user:NAME, token:ID(label), attempt:RUN/TASK#N, local:UID"},
    {"action", "string", "one of docs/security.md"},
    {"object", "string", "what was touched"},
    {"namespace", "string", "or empty"},
    {"from", "string", "an address, unix or command"},
    {"result", "string", "allowed, refused or failed"},
    {"request_id", "string", "or empty"},
    {"detail", "string", "a reason, or empty"},
});
constexpr auto kAuditProof = std::to_array<FieldInfo>({
    {"is_sound", "boolean", "all of it is as it was written"},
    {"records", "number", "that are proved"},
    {"files", "number", ""},
    {"tail_bytes", "number", "behind the last record that anybody was answered for"},
    {"fault", "object?", "sequence of the first record that is not proved, file, offset, what"},
});
constexpr auto kBackup = std::to_array<FieldInfo>({
    {"file", "string", "what was written"},
    {"state", "string", "the state directory that it holds"},
    {"files", "number", "in it"},
    {"size_bytes", "number", "of that file"},
    {"with_keys", "boolean", "with the key of the secrets and the administrator's token"},
    {"with_logs", "boolean", "with the output of attempts"},
    {"audited", "boolean", "it is in the audit log; false where there is none, or as stderr says"},
});
constexpr auto kSettingFields = std::to_array<FieldInfo>({
    {"name", "string", "as in docs/configuration.md"},
    {"value", "any", "seconds for durations, bytes for sizes"},
    {"text", "string", "the value as the file would have it"},
    {"type", "string", ""},
    {"origin", "string", "default, file, api, environment or flag"},
    {"place", "string?", "file:line:column, the variable, or --set"},
    {"live", "boolean", "a running service takes it on"},
    {"meaning", "string", ""},
});
constexpr auto kSettingVersion = std::to_array<FieldInfo>({
    {"version", "number", "1, 2, … of this setting"},
    {"value", "string?", "as the environment would have it; null: it was unset"},
    {"set_at", "time", ""},
    {"set_by", "string", ""},
});
constexpr auto kNode = std::to_array<FieldInfo>({
    {"name", "string", ""},
    {"pool", "string", ""},
    {"open", "boolean", "new attempts may start there"},
    {"drained", "object?", "by, why and since when people took it out"},
    {"capacity", "object", "cpu_millicores, memory_bytes, disk_bytes, gpu_milli, countables"},
    {"used", "object", "the same, of what has been given to attempts"},
    {"staged", "integer", "attempts handed over beyond the free capacity"},
    {"load_permille", "integer", "of its processors, kept from new work: the machine is saturated"},
    {"speed", "number", "over the usual; learned where there are several nodes"},
});

constexpr auto kToken = std::to_array<FieldInfo>({
    {"id", "string", "never its text"},
    {"label", "string", "what it is for"},
    {"subject", "string?", "who signed on, and is meant by it"},
    {"role", "string", ""},
    {"namespaces", "array", "in which it holds"},
    {"actions", "array?", "of its role only these; null: all"},
    {"created_by", "string", ""},
    {"created_at", "time", ""},
    {"expires_at", "time?", ""},
    {"last_used_at", "time?", "to about five minutes"},
    {"revoked_at", "time?", ""},
});
constexpr auto kArtifact = std::to_array<FieldInfo>({
    {"task", "string", "what the task is called"},
    {"index", "number", "of the task, position in the run"},
    {"attempt", "number", "that left it"},
    {"name", "string", "in the workflow"},
    {"file", "string", "name of the file; a pattern gives several under one name"},
    {"size_bytes", "number?", "null: it has been removed"},
    {"digest", "string?", "BLAKE2b-256 of its bytes"},
});
constexpr auto kContext = std::to_array<FieldInfo>({
    {"name", "string", ""},
    {"url", "string", "where the service is"},
    {"current", "boolean", "commands look there"},
    {"has_token", "boolean", "a token is kept with it, and never printed"},
    {"has_certificate", "boolean", "the service is shown a certificate"},
    {"login_until", "time?", "when a token ends that was got by signing on"},
});
constexpr auto kVersion = std::to_array<FieldInfo>({
    {"reeve", "string", "version of this program"},
    {"compiler", "string", ""},
    {"output", "number", "version of this JSON"},
});

constexpr auto kKinds = std::to_array<KindInfo>({
    {"runs", "ls, submit", kRun},
    {"run", "show, run, resume, retry", kRunDetail},
    {"groups", "show", kGroup},
    {"tasks", "show --tasks", kTask},
    {"task", "show ID/TASK", kTaskDetail},
    {"attempts", "show ID/TASK", kAttempt},
    {"artifacts", "artifact ls", kArtifact},
    {"use", "top", kUse},
    {"queue", "queue", kQueue},
    {"explanation", "explain", kExplanation},
    {"waited", "wait", kWait},
    {"differences", "diff", kDiff},
    {"plan", "plan", kPlan},
    {"diagnostics", "lint", kLint},
    {"checks", "doctor", kDoctor},
    {"replay", "replay", kReplay},
    {"simulations", "simulate --swf", kSimulation},
    {"comparison", "simulate --compare", kComparison},
    {"graphs", "simulate --dag", kGraph},
    {"secrets", "secret ls", kSecret},
    {"flags", "flag ls, flag history", kFlag},
    {"audit", "audit ls", kAudit},
    {"audit_proof", "audit verify", kAuditProof},
    {"backup", "backup", kBackup},
    {"settings", "config show", kSettingFields},
    {"setting_versions", "config history", kSettingVersion},
    {"nodes", "node ls", kNode},
    {"tokens", "token ls", kToken},
    {"contexts", "context ls", kContext},
    {"program", "version", kVersion},
});

}  // namespace

std::span<const KindInfo> kind_table() { return kKinds; }

const KindInfo& kind_info(std::string_view kind) {
  const auto found = std::ranges::find(kKinds, kind, &KindInfo::kind);
  ENSURE(found != kKinds.end());
  return *found;
}

}  // namespace reeve::api
