// A client of Reeve's HTTP API: one file, nothing but fetch. For browsers, Node 18 or newer, Deno.
//
// Made by tools/clients from /openapi.json; change that, not this.
//
//   const reeve = new Client("http://127.0.0.1:7433", { token: "reeve_..." });
//   const { run } = await reeve.submitRun({ command: ["make", "test"] });
//   for await (const event of reeve.streamRunEvents(run.id)) console.log(event.type);
//
// What is refused throws Refused. Requests that change something carry an Idempotency-Key, and are
// sent again, with the same key, when the connection breaks or the service is busy: they count
// once. Streams go on where they broke off.

export interface ClientOptions {
  token?: string;
  /** Instead of the global one. */
  fetch?: typeof fetch;
}

/** The service refuses, and says why. */
export class Refused extends Error {
  readonly status: number;
  readonly problem: Partial<Problem>;
  constructor(status: number, problem: Partial<Problem>) {
    super(`${status} ${problem.title ?? ""}: ${problem.detail ?? ""}`);
    this.status = status;
    this.problem = problem;
  }
}

/** One event of a stream; `data` is decoded JSON. */
export interface StreamEvent {
  id: string;
  type: string;
  data: any;
}

type Query = Record<string, string | number | boolean | readonly string[] | undefined>;
interface Request {
  query?: Query;
  body?: unknown;
  content?: string;
  headers?: Record<string, string | undefined>;
}

const TRIES = 5;
const pause = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));
const segment = (part: string | number) => encodeURIComponent(part);
const newKey = (given?: string) => given ?? globalThis.crypto.randomUUID();

export interface RunSummary {
  /** run_ and 26 characters; sorts by time of submission */
  id: string;
  /** 1, 2, 3, ... in this state directory */
  number: number;
  /** what people call it */
  name: string;
  /** the name in the file */
  workflow: string;
  /** BLAKE2b-256 of the file, hexadecimal */
  workflow_digest: string;
  /** queued, running, succeeded, failed, cancelled or interrupted */
  state: string;
  /** a person paused it */
  paused: boolean;
  /** code of why it is in this state */
  reason: string;
  /** the reason in words */
  sentence: string;
  /** what the person who cancelled it said */
  cancel_reason: string | null;
  /** runs that it follows: run, number, condition, state (how it ended; null: it has not) */
  after: any[];
  /** higher goes first */
  priority: number;
  /** 1, and one more for each retry */
  round: number;
  /** texts by name */
  labels: Record<string, any>;
  /** values by name, defaults included */
  inputs: Record<string, any>;
  /** values by name, once it has succeeded */
  outputs: Record<string, any>;
  /** where its tasks run */
  directory: string;
  /** the user who submitted it */
  submitter: string;
  submitted_at: string;
  /** when its first task started */
  started_at: string | null;
  ended_at: string | null;
  /** from submission to end */
  duration_seconds: number | null;
  /** total, and the number of tasks by state (states without any left out) */
  tasks: Record<string, any>;
}

export interface Run {
  /** run_ and 26 characters; sorts by time of submission */
  id: string;
  /** 1, 2, 3, ... in this state directory */
  number: number;
  /** what people call it */
  name: string;
  /** the name in the file */
  workflow: string;
  /** BLAKE2b-256 of the file, hexadecimal */
  workflow_digest: string;
  /** queued, running, succeeded, failed, cancelled or interrupted */
  state: string;
  /** a person paused it */
  paused: boolean;
  /** code of why it is in this state */
  reason: string;
  /** the reason in words */
  sentence: string;
  /** what the person who cancelled it said */
  cancel_reason: string | null;
  /** runs that it follows: run, number, condition, state (how it ended; null: it has not) */
  after: any[];
  /** higher goes first */
  priority: number;
  /** 1, and one more for each retry */
  round: number;
  /** texts by name */
  labels: Record<string, any>;
  /** values by name, defaults included */
  inputs: Record<string, any>;
  /** values by name, once it has succeeded */
  outputs: Record<string, any>;
  /** where its tasks run */
  directory: string;
  /** the user who submitted it */
  submitter: string;
  submitted_at: string;
  /** when its first task started */
  started_at: string | null;
  ended_at: string | null;
  /** from submission to end */
  duration_seconds: number | null;
  /** total, and the number of tasks by state (states without any left out) */
  tasks: Record<string, any>;
  groups: Group[];
}

export interface Group {
  /** its key in the file */
  name: string;
  /** a task state that stands for the group */
  state: string;
  /** names of groups */
  needs: any[];
  /** of its first task */
  started_at: string | null;
  /** of its last task */
  ended_at: string | null;
  duration_seconds: number | null;
  /** total, and the number of tasks by state */
  tasks: Record<string, any>;
}

export interface Task {
  /** id of the run, a slash, name */
  id: string;
  run: number;
  /** position in the run */
  index: number;
  /** build, test[3], test (ubuntu, 20) */
  name: string;
  /** its key in the file */
  group: string;
  /** see docs/task-states.md */
  state: string;
  /**
   * of the latest attempt that ended: none, exited, signalled, timed_out, out_of_memory, lost,
   * rejected, start_failed
   */
  outcome: string;
  /** exit status or signal of that attempt */
  code: number;
  /** number of the latest attempt; 0: none yet */
  attempt: number;
  /** 1 + retry.max */
  attempts_max: number;
  /** code of why it is in this state */
  reason: string;
  /** the reason in words */
  sentence: string;
  /** the latest ::progress message, or what went wrong */
  message: string | null;
  /** progress of the attempt that runs */
  percent: number | null;
  queued_at: string | null;
  /** of the latest attempt */
  started_at: string | null;
  ended_at: string | null;
  /** end of retry_wait, or of a limit on its state */
  wake_at: string | null;
  /** of the latest attempt */
  duration_seconds: number | null;
  /** values by name */
  outputs: Record<string, any>;
  /** stored files by name */
  artifacts: Record<string, any>;
  /** of its sandbox: none, host or egress */
  network: string;
  /** what alone it may reach, as in the file */
  egress: any[];
  /** its program failed, and its sandbox is open until then */
  held_until: string | null;
  /** who entered its sandbox: at, attempt, by, user_id, command; the newest 20 */
  entries: any[];
}

export interface Attempt {
  /** 1, 2, ... */
  number: number;
  /** as the outcome of a task */
  outcome: string;
  /** exit status or signal */
  code: number;
  /** code */
  reason: string;
  /** the reason in words */
  sentence: string;
  /** why there and then */
  placed: string;
  /** head starts in its queue, and the node's score by term; null: no choice */
  decided: string | null;
  /** none, native or oci; null: it never ran, or nobody knows */
  tier: string | null;
  /** why it is tried again, or not */
  next: string | null;
  /** what went wrong */
  message: string | null;
  queued_at: string | null;
  started_at: string | null;
  ended_at: string | null;
  duration_seconds: number | null;
  user_cpu_seconds: number;
  system_cpu_seconds: number;
  memory_peak_bytes: number;
  read_bytes: number;
  written_bytes: number;
  context_switches: number;
  /** stdout and stderr together, before any cap */
  output_bytes: number;
  /** the file with its output */
  log: string;
}

export interface Artifact {
  /** what the task is called */
  task: string;
  /** of the task, position in the run */
  index: number;
  /** that left it */
  attempt: number;
  /** in the workflow */
  name: string;
  /** name of the file; a pattern gives several under one name */
  file: string;
  /** null: it has been removed */
  size_bytes: number | null;
  /** BLAKE2b-256 of its bytes */
  digest: string | null;
}

export interface TaskDifference {
  /** name */
  task: string;
  /** added, removed, result, attempts, duration or none */
  change: string;
  state_a: string | null;
  state_b: string | null;
  attempts_a: number | null;
  attempts_b: number | null;
  duration_seconds_a: number | null;
  duration_seconds_b: number | null;
}

export interface Use {
  /** id of the run, a slash, name */
  id: string;
  run: number;
  /** build, test[3], test (ubuntu, 20) */
  name: string;
  attempt: number;
  /** starting or running */
  state: string;
  started_at: string | null;
  /** since it started */
  age_seconds: number | null;
  /** when the rest was seen; null: not yet */
  sampled_at: string | null;
  /** processors used in the last second */
  cpu_cores: number | null;
  /** processor time so far */
  cpu_seconds: number | null;
  /** now, without page cache */
  memory_bytes: number | null;
  /** the most that was seen */
  memory_peak_bytes: number | null;
  /** null: none */
  memory_limit_bytes: number | null;
  /** threads count in a sandbox */
  processes: number | null;
  /** so far */
  read_bytes: number | null;
  /** so far */
  written_bytes: number | null;
  read_bytes_per_second: number | null;
  written_bytes_per_second: number | null;
  /** part of the last second in which it waited for a processor, 0 to 1 */
  cpu_stalled: number | null;
  /** the same for memory; control groups of version 2 only */
  memory_stalled: number | null;
  /** the same for disks */
  io_stalled: number | null;
  /** progress */
  percent: number | null;
  /** of its progress */
  message: string | null;
}

export interface Explanation {
  /** of the run or task */
  id: string;
  state: string;
  /** code */
  reason: string;
  /** the reason in words */
  sentence: string;
  /** further sentences */
  facts: any[];
  /** the engine was asked; else from what is stored */
  live: boolean;
}

export interface Diagnostic {
  file: string;
  /** from 1 */
  line: number;
  /** from 1 */
  column: number;
  /** error or warning */
  severity: string;
  /** what is wrong and what was expected */
  message: string;
  /** what was probably meant */
  suggestion: string | null;
}

export interface PlannedGroup {
  /** its key in the file */
  group: string;
  /** main, on_failure or finally */
  phase: string;
  /** longest way to it from a task without needs, from 1 */
  level: number;
  /** how many; null: known only while it runs */
  tasks: number | null;
  /** when its first task starts, if all tasks take one step */
  first_step: number | null;
  /** when its last task starts */
  last_step: number | null;
  /** names of groups */
  needs: any[];
  /** its `if` */
  condition: string | null;
  /** of one task */
  resources: string;
  /** of its sandbox: none, host or egress */
  network: string;
  /** what alone it may reach, as in the file */
  egress: any[];
  /** whether it could ever start with this capacity */
  placeable: boolean;
  /** of its needs, what `parallel: auto` found: need, why */
  found_needs: any[];
  /** when its first task would start, in the middle of simulations with what tasks took before */
  start_seconds?: number | null;
  /** not before that in nine of ten */
  start_low_seconds?: number | null;
  /** not after that in nine of ten */
  start_high_seconds?: number | null;
  /** when its last task would end */
  end_seconds?: number | null;
  end_low_seconds?: number | null;
  end_high_seconds?: number | null;
}

export interface Secret {
  /** never its value */
  name: string;
  /** whose runs are given it */
  namespace: string;
  /** 1, and one more each time it is set */
  version: number;
  /** of the value */
  size_bytes: number;
  set_at: string;
  set_by: string;
}

export interface Flag {
  name: string;
  description: string;
  /** false: off for all */
  on: boolean;
  /** namespaces, labels, rollout_percent; the first that matches decides */
  rules: any[];
  /** of the subjects that no rule matches */
  rollout_percent: number;
  /** 1, and one more with each change */
  version: number;
  /** this version took it away */
  removed: boolean;
  set_at: string;
  set_by: string;
}

export interface AuditRecord {
  /** 1, 2, 3, ... in the log */
  sequence: number;
  at: string;
  /** user:NAME, token:ID(label), attempt:RUN/TASK#N, local:UID */
  who: string;
  /** one of docs/security.md */
  action: string;
  /** what was touched */
  object: string;
  /** or empty */
  namespace: string;
  /** an address, unix or command */
  from: string;
  /** allowed, refused or failed */
  result: string;
  /** or empty */
  request_id: string;
  /** a reason, or empty */
  detail: string;
}

export interface AuditProof {
  /** all of it is as it was written */
  is_sound: boolean;
  /** that are proved */
  records: number;
  files: number;
  /** behind the last record that anybody was answered for */
  tail_bytes: number;
  /** sequence of the first record that is not proved, file, offset, what */
  fault: Record<string, any> | null;
}

export interface Setting {
  /** as in docs/configuration.md */
  name: string;
  /** as JSON; a duration in seconds, a size in bytes */
  value: any;
  /** the value as the file would have it */
  text: string;
  type: string;
  /** default, file, api, environment or flag */
  origin: string;
  /** file:line:column, the variable, or --set */
  place: string | null;
  /** a running service takes it on */
  live: boolean;
  meaning: string;
}

export interface SettingVersion {
  /** 1, 2, … of this setting */
  version: number;
  /** as the environment would have it; null: it was unset */
  value: string | null;
  set_at: string;
  set_by: string;
}

export type Bytes = ArrayBuffer;

export interface AuditFile {
  name: string;
  size_bytes: number;
}

export interface NewBackup {
  /** where it is written */
  file: string;
  /** the key of the secrets is in it; usual: false */
  with_keys?: boolean;
}

export interface RunReply {
  version: 1;
  run: Run;
}

export interface RunsReply {
  version: 1;
  runs: RunSummary[];
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface GraphReply {
  version: 1;
  graph: Graph;
}

export interface TimelineReply {
  version: 1;
  timeline: Timeline;
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface ExplanationReply {
  version: 1;
  explanation: Explanation;
}

export interface DifferenceReply {
  version: 1;
  diff: Difference;
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface TasksReply {
  version: 1;
  tasks: Task[];
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface TaskReply {
  version: 1;
  task: TaskDetail;
}

export interface AttemptReply {
  version: 1;
  attempt: Attempt;
}

export interface ArtifactsReply {
  version: 1;
  artifacts: Artifact[];
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface DiagnosticsReply {
  version: 1;
  diagnostics: Diagnostic[];
}

export interface PlanReply {
  version: 1;
  plan: PlannedGroup[];
}

export interface WorkflowsReply {
  version: 1;
  workflows: Workflow[];
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface WorkflowReply {
  version: 1;
  workflow: Workflow;
}

export interface WorkflowVersionsReply {
  version: 1;
  versions: WorkflowVersion[];
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface WorkflowTextReply {
  version: 1;
  workflow: WorkflowVersionText;
}

export interface QueuesReply {
  version: 1;
  queues: Queue[];
}

export interface PoolsReply {
  version: 1;
  pools: Pool[];
}

export interface NodesReply {
  version: 1;
  nodes: Node[];
}

export interface NodeReply {
  version: 1;
  node: Node;
}

export interface LocksReply {
  version: 1;
  locks: Lock[];
}

export interface IdentityReply {
  version: 1;
  identity: Identity;
}

export interface TokensReply {
  version: 1;
  tokens: Token[];
}

export interface SecretsReply {
  version: 1;
  secrets: Secret[];
}

export interface SecretReply {
  version: 1;
  secret: Secret;
}

export interface FlagsReply {
  version: 1;
  flags: Flag[];
}

export interface FlagReply {
  version: 1;
  flag: Flag;
}

export interface FlagAnswerReply {
  version: 1;
  answer: FlagAnswer;
}

export interface RolesReply {
  version: 1;
  roles: Role[];
}

export interface RoleReply {
  version: 1;
  role: Role;
}

export interface UsersReply {
  version: 1;
  users: User[];
}

export interface UserReply {
  version: 1;
  user: User;
}

export interface SessionReply {
  version: 1;
  session: Session;
}

export interface SignOnReply {
  version: 1;
  sign_on: SignOn;
}

export interface SignOnPlaceReply {
  version: 1;
  place: SignOnPlace;
}

export interface QuotasReply {
  version: 1;
  quotas: Quota[];
}

export interface QuotaReply {
  version: 1;
  quota: Quota;
}

export interface QuotaVersionsReply {
  version: 1;
  versions: QuotaVersion[];
}

export interface AuditReply {
  version: 1;
  audit: AuditRecord[];
  /** send it as cursor to get what follows; null: this is the end */
  next_cursor: string | null;
}

export interface ProofReply {
  version: 1;
  proof: AuditProof;
}

export interface AuditFilesReply {
  version: 1;
  files: AuditFile[];
}

export interface SettingsReply {
  version: 1;
  settings: Setting[];
}

export interface SettingReply {
  version: 1;
  setting: Setting;
}

export interface SettingVersionsReply {
  version: 1;
  versions: SettingVersion[];
}

export interface ChangesReply {
  version: 1;
  changes: SettingChange[];
}

export type Any = Record<string, any>;

export type Text = string;

export interface Submission {
  /** YAML text, or the same as JSON */
  workflow?: string | Record<string, any>;
  /** one that has been run in the namespace; not in a bulk */
  workflow_name?: string;
  /** of workflow_name; usual: the newest */
  version?: number;
  command?: string[];
  /** of the workflow */
  inputs?: Record<string, any>;
  /** of the command */
  env?: Record<string, string>;
  /** of the command: 10m */
  timeout?: string;
  /** of the command: tries beside the first */
  retry?: number;
  /** of the command, as in a workflow */
  resources?: Record<string, any>;
  /** of the command: 0-9, 1-100:2 */
  array?: string;
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
  priority?: number;
  /** of the machine, for administrators; usual: the namespace's own */
  directory?: string;
  /** does not start before these have ended; cancelled if one ends otherwise */
  after?: ({
    /** of which there is already one: as in a path */
    run: string;
    /** failure: any end but success */
    condition?: "success" | "failure" | "end";
  })[];
}

export interface WorkflowText {
  /** YAML text */
  workflow: string;
  /** for a plan */
  inputs?: Record<string, any>;
}

export interface Cancel {
  /** a task or a group; usual: the whole run */
  task?: string;
  reason?: string;
  grace_seconds?: number;
  /** SIGKILL at once; finally tasks do not run */
  kill?: boolean;
}

export interface Retry {
  /** this group and all after it; usual: what failed */
  from?: string;
  /** keep sandboxes of tasks that fail open for so long */
  hold_seconds?: number;
}

export interface OfTask {
  task?: string;
}

export interface NewToken {
  label: string;
  role?: string;
  /** or [*] for all */
  namespaces?: string[];
  /** of the role only these */
  actions?: string[];
  expires_in_seconds?: number;
}

export interface Rotation {
  /** the old one goes on for so long */
  overlap_seconds?: number;
}

export interface NewSecret {
  value: string;
  /** of value: base64 for what is no text; usual: text */
  encoding?: "text" | "base64";
}

export interface NewFlag {
  /** as in the path */
  name?: string;
  description?: string;
  on?: boolean;
  rollout_percent?: number;
  rules?: {
    namespaces?: string[];
    labels?: Record<string, string>;
    rollout_percent?: number;
  }[];
}

export interface NewSetting {
  /** as the environment would have it, or as JSON */
  value: string | number | boolean;
}

export interface NewQuota {
  running_max?: number;
  queued_max?: number;
  cpu_seconds_a_day?: number;
  /** beyond cpu_seconds_a_day: refused instead of waiting */
  refuse?: boolean;
}

export interface NewRole {
  actions: string[];
}

export interface UseReply {
  version: 1;
  use: Use[];
  /** attempts that use less, and are not shown */
  left_out: number;
}

export interface DrainNode {
  /** what runs there is stopped, and queued again */
  stop?: boolean;
  /** from SIGTERM to SIGKILL; usual: that of each task */
  grace_seconds?: number;
  why?: string;
}

export interface NewUser {
  password?: string;
  role?: string;
  namespaces?: string[];
  /** of the role only these */
  actions?: string[];
  disabled?: boolean;
}

export interface Login {
  user: string;
  password: string;
}

export interface Exchange {
  /** of the issuer and for the client that /v1/auth/oidc names */
  id_token: string;
  /** one that the groups give; usual: the first */
  role?: string;
}

export interface Approve {
  task: string;
  approved?: boolean;
}

export interface Probe {
  status: "ok";
  executors?: "up" | "down";
}

export interface Version {
  reeve: string;
  api: "v1";
  /** version of the objects */
  output: number;
}

export interface Event {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: "application/json";
  data: {
    run: string;
    number: number;
    namespace: string;
    from: string;
    to: string;
    /** not there: the run itself */
    task?: string;
    index?: number;
    /** so many tasks from index on */
    count?: number;
    attempt?: number;
    reason?: string;
    sentence?: string;
  };
}

export type EventStream = string;

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  errors?: {
    /** JSON Pointer into what was sent */
    pointer: string;
    detail: string;
    line?: number;
    column?: number;
  }[];
}

export interface Identity {
  subject: string;
  role: string;
  namespaces: string[];
  actions: string[];
}

export interface Token {
  id: string;
  label: string;
  /** who signed on, and is meant by it */
  subject?: string | null;
  role: string;
  namespaces: string[];
  actions?: string[] | null;
  created_by?: string;
  created_at: string | null;
  expires_at: string | null;
  last_used_at?: string | null;
  revoked_at?: string | null;
}

export interface NewTokenReply {
  version: 1;
  token: Token;
  /** the secret: kept nowhere else */
  text: string;
}

export interface SubmittedReply {
  version: 1;
  run: RunSummary;
  warnings: string[];
}

export interface BulkReply {
  version: 1;
  accepted: ({
    /** of the line, from 0, empty ones left out */
    index: number;
    number: number;
    /** null: taken in by an earlier request */
    id: string | null;
  })[];
  refused: {
    index: number;
    problem: Problem;
  }[];
}

export interface TaskDetail {
  task: Task;
  attempts: Attempt[];
}

export interface Graph {
  run: string;
  groups: Record<string, any>[];
  edges: ({
    from: string;
    to: string;
    condition: "success" | "failure" | "always";
  })[];
}

export interface Difference {
  /** the run of the path */
  a: string;
  /** the other */
  b: string;
  /** of the runs as a whole */
  changes: ({
    field: "workflow" | "state" | "inputs" | "outputs" | "directory" | "workflow_digest" | "duration_seconds";
    /** its value in a */
    a: any;
    /** its value in b */
    b: any;
  })[];
  tasks: TaskDifference[];
}

export interface Workflow {
  name: string;
  namespace: string;
  /** how many; also the number of the newest */
  versions: number;
  /** of the newest version */
  digest: string;
  /** of all versions */
  runs: number;
  /** number of a run */
  last_run: number;
  first_seen_at: string;
  last_seen_at: string;
}

export interface WorkflowVersion {
  name: string;
  namespace: string;
  /** the how manyeth text that was run under the name there */
  number: number;
  /** BLAKE2b-256 of its text */
  digest: string;
  runs: number;
  /** number of a run */
  first_run: number;
  /** number of a run */
  last_run: number;
  first_seen_at: string;
  last_seen_at: string;
}

export interface WorkflowVersionText {
  name: string;
  namespace: string;
  /** the how manyeth text that was run under the name there */
  number: number;
  /** BLAKE2b-256 of its text */
  digest: string;
  runs: number;
  /** number of a run */
  first_run: number;
  /** number of a run */
  last_run: number;
  first_seen_at: string;
  last_seen_at: string;
  /** as it was submitted */
  source: string;
}

export interface Timeline {
  run: string;
  submitted_at: string;
  started_at: string | null;
  ended_at: string | null;
  entries: ({
    task: string;
    index: number;
    attempt: number;
    outcome: string;
    code?: number;
    queued_at: string | null;
    started_at: string | null;
    ended_at: string | null;
  })[];
}

export interface LogReply {
  version: 1;
  lines: ({
    at: string | null;
    stream: "stdout" | "stderr" | "notice";
    text: string;
    /** the line goes on */
    partial: boolean;
  })[];
  /** send it as from to get what follows */
  position: number;
}

export interface Capacity {
  cpu_millicores?: number;
  memory_bytes?: number;
  disk_bytes?: number;
  gpu_milli?: number;
  countables?: Record<string, number>;
}

export interface Queue {
  name: string;
  weight: number;
  priority?: number;
  /** tasks */
  waiting: number;
  running_max?: number | null;
  queued_max?: number | null;
  preemptible?: boolean;
}

export interface Pool {
  name: string;
  up: boolean;
  capacity: Capacity;
}

export interface Node {
  name: string;
  pool: string;
  open: boolean;
  capacity: Capacity;
  used: Capacity;
  /** by whom, since when and why nothing starts there; null: it is not drained */
  drained: {
    by: string;
    why: string;
    since: string;
  } | null;
  /** attempts handed over beyond the free capacity */
  staged: number;
  /** of processors: kept from new work */
  load_permille: number;
  /** over the usual; learned */
  speed: number;
}

export interface FlagAnswer {
  on: boolean;
  why: string;
}

export interface Role {
  name: string;
  built_in: boolean;
  actions: string[];
}

export interface User {
  name: string;
  role: string;
  namespaces: string[];
  actions: string[] | null;
  created_at: string | null;
  disabled: boolean;
}

export interface SignOn {
  issuer: string;
  /** of browsers */
  client: string;
  /** of the device flow */
  device_client: string;
  /** what to ask for */
  scope: string;
  /** whether /v1/auth/oidc/login works */
  browsers: boolean;
}

export interface SignOnPlace {
  /** where the browser has to go */
  location: string;
}

export interface Session {
  user: string;
  /** goes into X-CSRF-Token with every change */
  csrf_token: string;
  expires_at: string;
}

export interface Quota {
  /** null: everyone, each for itself */
  user: string | null;
  /** null: in all queues together */
  queue: string | null;
  running_max: number | null;
  queued_max: number | null;
  cpu_seconds_a_day: number | null;
  refuse: boolean;
  /** the cluster file, or PUT */
  origin: "file" | "api";
  /** null: of the file */
  version: number | null;
  set_at: string | null;
  set_by: string | null;
}

export interface QuotaVersion {
  /** grows with every change of this quota */
  version: number;
  /** null: it was removed */
  value: {
    running_max: number | null;
    queued_max: number | null;
    cpu_seconds_a_day: number | null;
    refuse: boolean;
  } | null;
  set_at: string;
  set_by: string;
}

export interface SettingChange {
  name: string;
  before: string;
  after: string;
  /** false: it takes a restart */
  live: boolean;
}

export interface Lock {
  name: string;
  limit: number;
  in_use: number;
}

export class Client {
  private readonly base: string;
  private readonly options: ClientOptions;

  constructor(url: string, options: ClientOptions = {}) {
    this.base = url.replace(/\/+$/, "");
    this.options = options;
  }

  private headers(more: Record<string, string | undefined>): Record<string, string> {
    const out: Record<string, string> = {};
    for (const [name, value] of Object.entries(more)) if (value !== undefined) out[name] = value;
    if (this.options.token) out.Authorization = `Bearer ${this.options.token}`;
    return out;
  }

  private get fetch(): typeof fetch {
    return this.options.fetch ?? globalThis.fetch;
  }

  private async send(url: string, init: RequestInit): Promise<Response> {
    for (let attempt = 1; ; ++attempt) {
      let seconds = 0.1 * 2 ** attempt;
      try {
        const reply = await this.fetch(url, init);
        if ((reply.status !== 429 && reply.status !== 503) || attempt === TRIES) return reply;
        await reply.arrayBuffer();
        seconds = Number(reply.headers.get("Retry-After") ?? "1");
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
      await pause(Math.min(seconds, 30));
    }
  }

  private async ask(method: string, path: string, request: Request): Promise<any> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value === undefined) continue;
      for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
    }
    const headers = this.headers(request.headers ?? {});
    let body: string | undefined;
    if (request.body !== undefined) {
      headers["Content-Type"] = request.content ?? "application/json";
      const lines = headers["Content-Type"] === "application/x-ndjson";
      body = lines
        ? (request.body as unknown[]).map((item) => JSON.stringify(item) + "\n").join("")
        : JSON.stringify(request.body);
    }
    const text = query.toString();
    const url = this.base + path + (text ? `?${text}` : "");
    const reply = await this.send(url, { method, headers, body });
    const type = reply.headers.get("Content-Type") ?? "";
    if (reply.status >= 400) {
      throw new Refused(reply.status, type.includes("json") ? ((await reply.json()) as any) : {});
    }
    if (type.includes("json")) return reply.json();
    return type.startsWith("text/") ? reply.text() : reply.arrayBuffer();
  }

  private async *follow(path: string, after?: string): AsyncGenerator<StreamEvent> {
    let last = after;
    for (let failures = 0; ; ) {
      try {
        const headers = this.headers({ Accept: "text/event-stream", "Last-Event-ID": last });
        const reply = await this.fetch(this.base + path, { headers });
        if (reply.status >= 400) throw new Refused(reply.status, (await reply.json()) as any);
        if (reply.status === 204) return;
        for await (const event of events(reply)) {
          failures = 0;
          last = event.id || last;
          yield event;
        }
        return;
      } catch (error) {
        if (error instanceof Refused || ++failures === TRIES) throw error;
        await pause(0.1 * 2 ** failures);
      }
    }
  }

  /** Whether the process answers. */
  livez(): Promise<Probe> {
    return this.ask("GET", "/livez", {});
  }

  /** Whether the engine works and takes requests. */
  readyz(): Promise<Probe> {
    return this.ask("GET", "/readyz", {});
  }

  /** What this is. */
  version(): Promise<Version> {
    return this.ask("GET", "/version", {});
  }

  /** This description. */
  openapi(): Promise<Any> {
    return this.ask("GET", "/openapi.json", {});
  }

  /** JSON Schema of workflows. */
  workflowSchema(): Promise<Any> {
    return this.ask("GET", "/schema/workflow.json", {});
  }

  /** What is counted, as OpenMetrics. */
  metrics(): Promise<Text> {
    return this.ask("GET", "/metrics", {});
  }

  /** Start a run of a workflow, or of one command. */
  submitRun(
    body: Submission,
    options: {
      idempotencyKey?: string;
      name?: string;
      namespace?: string;
    } = {},
  ): Promise<SubmittedReply> {
    return this.ask("POST", "/v1/runs", {
      query: {
        "name": options.name,
        "namespace": options.namespace,
      },
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Runs, newest first; a page may hold fewer than asked for: go on while there is a next_cursor. */
  listRuns(
    options: {
      state?: readonly string[];
      name?: string;
      label?: string;
      namespace?: string;
      since?: string;
      limit?: number;
      cursor?: string;
    } = {},
  ): Promise<RunsReply> {
    return this.ask("GET", "/v1/runs", {
      query: {
        "state": options.state,
        "name": options.name,
        "label": options.label,
        "namespace": options.namespace,
        "since": options.since,
        "limit": options.limit,
        "cursor": options.cursor,
      },
    });
  }

  /** Start many runs: one submission a line. */
  submitRuns(
    body: readonly Submission[],
    options: {
      idempotencyKey?: string;
      mode?: "all" | "each";
    } = {},
  ): Promise<BulkReply> {
    return this.ask("POST", "/v1/runs:bulk", {
      query: {
        "mode": options.mode,
      },
      body,
      content: "application/x-ndjson",
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** One run with its groups. */
  getRun(
    run: string | number,
    options: {
      ifNoneMatch?: string;
    } = {},
  ): Promise<RunReply> {
    const path = `/v1/runs/${segment(run)}`;
    return this.ask("GET", path, {
      headers: {
        "If-None-Match": options.ifNoneMatch,
      },
    });
  }

  /** Stop a run or tasks of it. */
  cancelRun(
    run: string | number,
    body: Cancel = {},
    options: {
      idempotencyKey?: string;
      ifMatch?: string;
    } = {},
  ): Promise<RunReply> {
    const path = `/v1/runs/${segment(run)}/cancel`;
    return this.ask("POST", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
        "If-Match": options.ifMatch,
      },
    });
  }

  /** Try what did not succeed again. */
  retryRun(
    run: string | number,
    body: Retry = {},
    options: {
      idempotencyKey?: string;
      ifMatch?: string;
    } = {},
  ): Promise<RunReply> {
    const path = `/v1/runs/${segment(run)}/retry`;
    return this.ask("POST", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
        "If-Match": options.ifMatch,
      },
    });
  }

  /** Start nothing more of it. */
  pauseRun(
    run: string | number,
    body: OfTask = {},
    options: {
      idempotencyKey?: string;
      ifMatch?: string;
    } = {},
  ): Promise<RunReply> {
    const path = `/v1/runs/${segment(run)}/pause`;
    return this.ask("POST", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
        "If-Match": options.ifMatch,
      },
    });
  }

  /** Go on. */
  resumeRun(
    run: string | number,
    body: OfTask = {},
    options: {
      idempotencyKey?: string;
      ifMatch?: string;
    } = {},
  ): Promise<RunReply> {
    const path = `/v1/runs/${segment(run)}/resume`;
    return this.ask("POST", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
        "If-Match": options.ifMatch,
      },
    });
  }

  /** Allow a task that awaits approval, or deny it. */
  approveTask(
    run: string | number,
    body: Approve,
    options: {
      idempotencyKey?: string;
      ifMatch?: string;
    } = {},
  ): Promise<RunReply> {
    const path = `/v1/runs/${segment(run)}/approve`;
    return this.ask("POST", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
        "If-Match": options.ifMatch,
      },
    });
  }

  /** Groups and what they need. */
  getGraph(
    run: string | number,
  ): Promise<GraphReply> {
    const path = `/v1/runs/${segment(run)}/graph`;
    return this.ask("GET", path, {});
  }

  /** Attempts that ended, in order of their end. */
  getTimeline(
    run: string | number,
    options: {
      cursor?: string;
    } = {},
  ): Promise<TimelineReply> {
    const path = `/v1/runs/${segment(run)}/timeline`;
    return this.ask("GET", path, {
      query: {
        "cursor": options.cursor,
      },
    });
  }

  /** Why a run or a task is as it is. */
  explainRun(
    run: string | number,
    options: {
      task?: string;
    } = {},
  ): Promise<ExplanationReply> {
    const path = `/v1/runs/${segment(run)}/explain`;
    return this.ask("GET", path, {
      query: {
        "task": options.task,
      },
    });
  }

  /** What is not the same in two runs. */
  diffRuns(
    run: string | number,
    other: string | number,
    options: {
      only?: "all" | "changed";
      limit?: number;
      cursor?: string;
    } = {},
  ): Promise<DifferenceReply> {
    const path = `/v1/runs/${segment(run)}/diff/${segment(other)}`;
    return this.ask("GET", path, {
      query: {
        "only": options.only,
        "limit": options.limit,
        "cursor": options.cursor,
      },
    });
  }

  /** Tasks of a run. */
  listTasks(
    run: string | number,
    options: {
      state?: readonly string[];
      group?: string;
      limit?: number;
      cursor?: string;
    } = {},
  ): Promise<TasksReply> {
    const path = `/v1/runs/${segment(run)}/tasks`;
    return this.ask("GET", path, {
      query: {
        "state": options.state,
        "group": options.group,
        "limit": options.limit,
        "cursor": options.cursor,
      },
    });
  }

  /** One task and its attempts that ended. */
  getTask(
    run: string | number,
    task: string | number,
  ): Promise<TaskReply> {
    const path = `/v1/runs/${segment(run)}/tasks/${segment(task)}`;
    return this.ask("GET", path, {});
  }

  /** An attempt that ended. */
  getAttempt(
    run: string | number,
    task: string | number,
    attempt: string | number,
  ): Promise<AttemptReply> {
    const path = `/v1/runs/${segment(run)}/tasks/${segment(task)}/attempts/${segment(attempt)}`;
    return this.ask("GET", path, {});
  }

  /** Output of the latest attempt. */
  getTaskLog(
    run: string | number,
    task: string | number,
    options: {
      from?: number;
      limit?: number;
      tail?: number;
      grep?: string;
      stream?: "stdout" | "stderr";
    } = {},
  ): Promise<LogReply> {
    const path = `/v1/runs/${segment(run)}/tasks/${segment(task)}/logs`;
    return this.ask("GET", path, {
      query: {
        "from": options.from,
        "limit": options.limit,
        "tail": options.tail,
        "grep": options.grep,
        "stream": options.stream,
      },
    });
  }

  /** Output of an attempt. */
  getAttemptLog(
    run: string | number,
    task: string | number,
    attempt: string | number,
    options: {
      from?: number;
      limit?: number;
      tail?: number;
      grep?: string;
      stream?: "stdout" | "stderr";
    } = {},
  ): Promise<LogReply> {
    const path = `/v1/runs/${segment(run)}/tasks/${segment(task)}/attempts/${segment(attempt)}/logs`;
    return this.ask("GET", path, {
      query: {
        "from": options.from,
        "limit": options.limit,
        "tail": options.tail,
        "grep": options.grep,
        "stream": options.stream,
      },
    });
  }

  /** Files that its tasks handed on; a page holds whole tasks. */
  listRunArtifacts(
    run: string | number,
    options: {
      limit?: number;
      cursor?: string;
    } = {},
  ): Promise<ArtifactsReply> {
    const path = `/v1/runs/${segment(run)}/artifacts`;
    return this.ask("GET", path, {
      query: {
        "limit": options.limit,
        "cursor": options.cursor,
      },
    });
  }

  /** Files that it handed on. */
  listTaskArtifacts(
    run: string | number,
    task: string | number,
  ): Promise<ArtifactsReply> {
    const path = `/v1/runs/${segment(run)}/tasks/${segment(task)}/artifacts`;
    return this.ask("GET", path, {});
  }

  /** The bytes of a file. */
  getArtifact(
    run: string | number,
    task: string | number,
    artifact: string | number,
    options: {
      file?: string;
      range?: string;
      ifRange?: string;
      ifNoneMatch?: string;
    } = {},
  ): Promise<Bytes> {
    const path = `/v1/runs/${segment(run)}/tasks/${segment(task)}/artifacts/${segment(artifact)}`;
    return this.ask("GET", path, {
      query: {
        "file": options.file,
      },
      headers: {
        "Range": options.range,
        "If-Range": options.ifRange,
        "If-None-Match": options.ifNoneMatch,
      },
    });
  }

  /** What is wrong with a workflow. */
  lintWorkflow(
    body: WorkflowText,
  ): Promise<DiagnosticsReply> {
    return this.ask("POST", "/v1/lint", {
      body,
    });
  }

  /** What a workflow would run, and in which order. */
  planWorkflow(
    body: WorkflowText,
  ): Promise<PlanReply> {
    return this.ask("POST", "/v1/plan", {
      body,
    });
  }

  /** Workflows that have been run, by namespace and name. */
  listWorkflows(
    options: {
      namespace?: string;
      limit?: number;
      cursor?: string;
    } = {},
  ): Promise<WorkflowsReply> {
    return this.ask("GET", "/v1/workflows", {
      query: {
        "namespace": options.namespace,
        "limit": options.limit,
        "cursor": options.cursor,
      },
    });
  }

  /** One of them. */
  getWorkflow(
    workflow: string | number,
    options: {
      namespace?: string;
    } = {},
  ): Promise<WorkflowReply> {
    const path = `/v1/workflows/${segment(workflow)}`;
    return this.ask("GET", path, {
      query: {
        "namespace": options.namespace,
      },
    });
  }

  /** Its versions, newest first. */
  listWorkflowVersions(
    workflow: string | number,
    options: {
      namespace?: string;
      limit?: number;
      cursor?: string;
    } = {},
  ): Promise<WorkflowVersionsReply> {
    const path = `/v1/workflows/${segment(workflow)}/versions`;
    return this.ask("GET", path, {
      query: {
        "namespace": options.namespace,
        "limit": options.limit,
        "cursor": options.cursor,
      },
    });
  }

  /** A version with its text. */
  getWorkflowVersion(
    workflow: string | number,
    version: string | number,
    options: {
      namespace?: string;
    } = {},
  ): Promise<WorkflowTextReply> {
    const path = `/v1/workflows/${segment(workflow)}/versions/${segment(version)}`;
    return this.ask("GET", path, {
      query: {
        "namespace": options.namespace,
      },
    });
  }

  /** Queues and what waits in them. */
  listQueues(): Promise<QueuesReply> {
    return this.ask("GET", "/v1/queues", {});
  }

  /** Where attempts run. */
  listPools(): Promise<PoolsReply> {
    return this.ask("GET", "/v1/pools", {});
  }

  /** What attempts use that run now. */
  listUse(
    options: {
      run?: string;
    } = {},
  ): Promise<UseReply> {
    return this.ask("GET", "/v1/use", {
      query: {
        "run": options.run,
      },
    });
  }

  /** Machines of the pools. */
  listNodes(): Promise<NodesReply> {
    return this.ask("GET", "/v1/nodes", {});
  }

  /** Locks that are held. */
  listLocks(): Promise<LocksReply> {
    return this.ask("GET", "/v1/locks", {});
  }

  /** What changes, as it changes. */
  streamEvents(
    options: {
      lastEventId?: string;
    } = {},
  ): AsyncGenerator<StreamEvent> {
    return this.follow("/v1/events", options.lastEventId);
  }

  /** What changes in a run, to its end. */
  streamRunEvents(
    run: string | number,
    options: {
      lastEventId?: string;
    } = {},
  ): AsyncGenerator<StreamEvent> {
    const path = `/v1/runs/${segment(run)}/events`;
    return this.follow(path, options.lastEventId);
  }

  /** Output of the latest attempt, as it comes. */
  streamTaskLog(
    run: string | number,
    task: string | number,
    options: {
      lastEventId?: string;
    } = {},
  ): AsyncGenerator<StreamEvent> {
    const path = `/v1/runs/${segment(run)}/tasks/${segment(task)}/logs/stream`;
    return this.follow(path, options.lastEventId);
  }

  /** Who is asking, and what he may do. */
  whoami(): Promise<IdentityReply> {
    return this.ask("GET", "/v1/whoami", {});
  }

  /** Tokens, without their secrets. */
  listTokens(): Promise<TokensReply> {
    return this.ask("GET", "/v1/tokens", {});
  }

  /** Make a token; its text is shown this once. */
  createToken(
    body: NewToken,
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<NewTokenReply> {
    return this.ask("POST", "/v1/tokens", {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Let a token hold no more. */
  revokeToken(
    token: string | number,
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    const path = `/v1/tokens/${segment(token)}`;
    return this.ask("DELETE", path, {
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** A new token in the place of one, whose text is shown this once. */
  rotateToken(
    token: string | number,
    body: Rotation = {},
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<NewTokenReply> {
    const path = `/v1/tokens/${segment(token)}/rotate`;
    return this.ask("POST", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Names of secrets, never their values. */
  listSecrets(
    options: {
      namespace?: string;
    } = {},
  ): Promise<SecretsReply> {
    return this.ask("GET", "/v1/secrets", {
      query: {
        "namespace": options.namespace,
      },
    });
  }

  /** Set a secret. */
  setSecret(
    secret: string | number,
    body: NewSecret,
    options: {
      namespace?: string;
      ifMatch?: string;
      ifNoneMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<SecretReply> {
    const path = `/v1/secrets/${segment(secret)}`;
    return this.ask("PUT", path, {
      query: {
        "namespace": options.namespace,
      },
      body,
      headers: {
        "If-Match": options.ifMatch,
        "If-None-Match": options.ifNoneMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Remove a secret. */
  removeSecret(
    secret: string | number,
    options: {
      namespace?: string;
      ifMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    const path = `/v1/secrets/${segment(secret)}`;
    return this.ask("DELETE", path, {
      query: {
        "namespace": options.namespace,
      },
      headers: {
        "If-Match": options.ifMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Feature flags. */
  listFlags(): Promise<FlagsReply> {
    return this.ask("GET", "/v1/flags", {});
  }

  /** A feature flag. */
  getFlag(
    flag: string | number,
  ): Promise<FlagReply> {
    const path = `/v1/flags/${segment(flag)}`;
    return this.ask("GET", path, {});
  }

  /** A new version of a flag. */
  setFlag(
    flag: string | number,
    body: NewFlag = {},
    options: {
      ifMatch?: string;
      ifNoneMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<FlagReply> {
    const path = `/v1/flags/${segment(flag)}`;
    return this.ask("PUT", path, {
      body,
      headers: {
        "If-Match": options.ifMatch,
        "If-None-Match": options.ifNoneMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Remove a flag. */
  removeFlag(
    flag: string | number,
    options: {
      ifMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    const path = `/v1/flags/${segment(flag)}`;
    return this.ask("DELETE", path, {
      headers: {
        "If-Match": options.ifMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Its versions, newest first. */
  getFlagHistory(
    flag: string | number,
  ): Promise<FlagsReply> {
    const path = `/v1/flags/${segment(flag)}/history`;
    return this.ask("GET", path, {});
  }

  /** Whether it is on for a subject. */
  askFlag(
    flag: string | number,
    options: {
      subject?: string;
      namespace?: string;
      label?: readonly string[];
    } = {},
  ): Promise<FlagAnswerReply> {
    const path = `/v1/flags/${segment(flag)}/answer`;
    return this.ask("GET", path, {
      query: {
        "subject": options.subject,
        "namespace": options.namespace,
        "label": options.label,
      },
    });
  }

  /** Roles and what they may. */
  listRoles(): Promise<RolesReply> {
    return this.ask("GET", "/v1/roles", {});
  }

  /** Define a role. */
  setRole(
    role: string | number,
    body: NewRole,
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<RoleReply> {
    const path = `/v1/roles/${segment(role)}`;
    return this.ask("PUT", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Remove a role that nobody has. */
  removeRole(
    role: string | number,
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    const path = `/v1/roles/${segment(role)}`;
    return this.ask("DELETE", path, {
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Users. */
  listUsers(): Promise<UsersReply> {
    return this.ask("GET", "/v1/users", {});
  }

  /** Add a user, or change his rights or password. */
  setUser(
    user: string | number,
    body: NewUser = {},
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<UserReply> {
    const path = `/v1/users/${segment(user)}`;
    return this.ask("PUT", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Remove a user, and end his sessions. */
  removeUser(
    user: string | number,
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    const path = `/v1/users/${segment(user)}`;
    return this.ask("DELETE", path, {
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Open a session; it comes back as a cookie. */
  logIn(
    body: Login,
  ): Promise<SessionReply> {
    return this.ask("POST", "/v1/sessions", {
      body,
    });
  }

  /** End the session that asks. */
  logOut(): Promise<void> {
    return this.ask("DELETE", "/v1/sessions/current", {});
  }

  /** The session that asks, with what its changes need. */
  getSession(): Promise<SessionReply> {
    return this.ask("GET", "/v1/sessions/current", {});
  }

  /** Let nothing more start on a node, and stop what runs there if that is asked for. */
  drainNode(
    node: string | number,
    body: DrainNode = {},
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<NodeReply> {
    const path = `/v1/nodes/${segment(node)}/drain`;
    return this.ask("POST", path, {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Let a drained node work again. */
  resumeNode(
    node: string | number,
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<NodeReply> {
    const path = `/v1/nodes/${segment(node)}/resume`;
    return this.ask("POST", path, {
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** What users may have at most. */
  listQuotas(): Promise<QuotasReply> {
    return this.ask("GET", "/v1/quotas", {});
  }

  /** What one of them may have at most. */
  getQuota(
    user: string | number,
    options: {
      queue?: string;
    } = {},
  ): Promise<QuotaReply> {
    const path = `/v1/quotas/${segment(user)}`;
    return this.ask("GET", path, {
      query: {
        "queue": options.queue,
      },
    });
  }

  /** What a user may have at most; it goes before the cluster file. */
  setQuota(
    user: string | number,
    body: NewQuota = {},
    options: {
      queue?: string;
      ifMatch?: string;
      ifNoneMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<QuotaReply> {
    const path = `/v1/quotas/${segment(user)}`;
    return this.ask("PUT", path, {
      query: {
        "queue": options.queue,
      },
      body,
      headers: {
        "If-Match": options.ifMatch,
        "If-None-Match": options.ifNoneMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Remove a quota that was set so: what the cluster file says counts again. */
  removeQuota(
    user: string | number,
    options: {
      queue?: string;
      ifMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    const path = `/v1/quotas/${segment(user)}`;
    return this.ask("DELETE", path, {
      query: {
        "queue": options.queue,
      },
      headers: {
        "If-Match": options.ifMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** The versions of it that were set here, newest first. */
  getQuotaHistory(
    user: string | number,
    options: {
      queue?: string;
    } = {},
  ): Promise<QuotaVersionsReply> {
    const path = `/v1/quotas/${segment(user)}/history`;
    return this.ask("GET", path, {
      query: {
        "queue": options.queue,
      },
    });
  }

  /** Records of the audit log. */
  listAudit(
    options: {
      who?: string;
      action?: string;
      namespace?: string;
      order?: "oldest" | "newest";
      limit?: number;
      cursor?: number;
    } = {},
  ): Promise<AuditReply> {
    return this.ask("GET", "/v1/audit", {
      query: {
        "who": options.who,
        "action": options.action,
        "namespace": options.namespace,
        "order": options.order,
        "limit": options.limit,
        "cursor": options.cursor,
      },
    });
  }

  /** Whether the log is as it was written. */
  verifyAudit(
    options: {
      checkpoint?: string;
    } = {},
  ): Promise<ProofReply> {
    return this.ask("GET", "/v1/audit/verify", {
      query: {
        "checkpoint": options.checkpoint,
      },
    });
  }

  /** Records as lines of JSON or CSV. */
  exportAudit(
    options: {
      who?: string;
      action?: string;
      namespace?: string;
      format?: "jsonl" | "csv";
      cursor?: number;
    } = {},
  ): Promise<Text> {
    return this.ask("GET", "/v1/audit/export", {
      query: {
        "who": options.who,
        "action": options.action,
        "namespace": options.namespace,
        "format": options.format,
        "cursor": options.cursor,
      },
    });
  }

  /** The files of the log, to prove it elsewhere. */
  listAuditFiles(): Promise<AuditFilesReply> {
    return this.ask("GET", "/v1/audit/files", {});
  }

  /** A part of one of them, empty behind its end. */
  getAuditFile(
    file: string | number,
    options: {
      from?: number;
    } = {},
  ): Promise<Bytes> {
    const path = `/v1/audit/files/${segment(file)}`;
    return this.ask("GET", path, {
      query: {
        "from": options.from,
      },
    });
  }

  /** Write into the audit log that a backup is made, before its maker reads the files. */
  noteBackup(
    body: NewBackup,
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    return this.ask("POST", "/v1/backups", {
      body,
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** The settings that hold, and where they come from. */
  getConfig(): Promise<SettingsReply> {
    return this.ask("GET", "/v1/config", {});
  }

  /** Read the settings again. */
  reloadConfig(
    options: {
      idempotencyKey?: string;
    } = {},
  ): Promise<ChangesReply> {
    return this.ask("POST", "/v1/config/reload", {
      headers: {
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** A setting as it holds. */
  getSetting(
    setting: string | number,
  ): Promise<SettingReply> {
    const path = `/v1/config/${segment(setting)}`;
    return this.ask("GET", path, {});
  }

  /** A new version of a live setting, which holds at once. */
  setSetting(
    setting: string | number,
    body: NewSetting,
    options: {
      ifMatch?: string;
      ifNoneMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<SettingReply> {
    const path = `/v1/config/${segment(setting)}`;
    return this.ask("PUT", path, {
      body,
      headers: {
        "If-Match": options.ifMatch,
        "If-None-Match": options.ifNoneMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** Let what the file says hold again, or the default. */
  unsetSetting(
    setting: string | number,
    options: {
      ifMatch?: string;
      idempotencyKey?: string;
    } = {},
  ): Promise<void> {
    const path = `/v1/config/${segment(setting)}`;
    return this.ask("DELETE", path, {
      headers: {
        "If-Match": options.ifMatch,
        "Idempotency-Key": newKey(options.idempotencyKey),
      },
    });
  }

  /** The versions of it that were set here, newest first. */
  getSettingHistory(
    setting: string | number,
  ): Promise<SettingVersionsReply> {
    const path = `/v1/config/${segment(setting)}/history`;
    return this.ask("GET", path, {});
  }

  /** Which identity provider signs people on. */
  getSignOn(): Promise<SignOnReply> {
    return this.ask("GET", "/v1/auth/oidc", {});
  }

  /** Send a browser to the identity provider; who accepts application/json is told where. */
  beginSignOn(
    options: {
      returnTo?: string;
    } = {},
  ): Promise<SignOnPlaceReply> {
    return this.ask("GET", "/v1/auth/oidc/login", {
      query: {
        "return_to": options.returnTo,
      },
    });
  }

  /** Where it comes back from there; opens a session, as a cookie. */
  finishSignOn(
    options: {
      state?: string;
      code?: string;
      iss?: string;
      error?: string;
      errorDescription?: string;
    } = {},
  ): Promise<Text> {
    return this.ask("GET", "/v1/auth/oidc/callback", {
      query: {
        "state": options.state,
        "code": options.code,
        "iss": options.iss,
        "error": options.error,
        "error_description": options.errorDescription,
      },
    });
  }

  /** An ID token of the identity provider for a token of this service, once. */
  exchangeToken(
    body: Exchange,
  ): Promise<NewTokenReply> {
    return this.ask("POST", "/v1/auth/oidc/token", {
      body,
    });
  }
}

async function* events(reply: Response): AsyncGenerator<StreamEvent> {
  const reader = reply.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parse(block: string): StreamEvent | undefined {
  const event = { id: "", type: "message", data: undefined as any };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") event.id = value;
    if (name === "event") event.type = value;
    if (name === "data") data.push(value);
  }
  if (data.length === 0) return undefined;
  event.data = JSON.parse(data.join("\n"));
  return event;
}
