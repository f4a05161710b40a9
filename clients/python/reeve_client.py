"""A client of Reeve's HTTP API: one file, the standard library alone, Python 3.9 or newer.

Made by tools/clients from /openapi.json; change that, not this.

    from reeve_client import Client
    with Client("http://127.0.0.1:7433", token="reeve_...") as reeve:
        run = reeve.submit_run({"command": ["make", "test"]})["run"]
        for event in reeve.stream_run_events(run["id"]):
            print(event.type, event.data["data"].get("task", ""))

An address is http://HOST:PORT, https://HOST:PORT or unix:/PATH. Answers are what JSON gives; what
is refused raises Problem. Requests that change something carry an Idempotency-Key, and are sent
again, with the same key, when the connection breaks or the service is busy: they count once. Streams go
on where they broke off. A Client is for one thread.
"""

import dataclasses
import http.client
import json
import socket
import ssl
import time
import urllib.parse
import uuid

TRIES = 5


class Problem(Exception):
    """The service refuses: application/problem+json."""

    def __init__(self, status, body):
        self.status = status
        self.type = body.get("type", "")
        self.title = body.get("title", "")
        self.detail = body.get("detail", "")
        self.errors = body.get("errors", [])
        super().__init__(f"{status} {self.title}: {self.detail}")


@dataclasses.dataclass(frozen=True)
class Event:
    """One event of a stream; `data` is decoded JSON."""

    id: str
    type: str
    data: object


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _path(pattern, *parts):
    return pattern.format(*(urllib.parse.quote(str(part), safe="") for part in parts))


class Client:
    """Asks one service. `ca_file`: certificates to trust, PEM."""

    def __init__(self, url, token=None, *, timeout=60, ca_file=None):
        self._url = url
        self._token = token
        self._timeout = timeout
        self._ca_file = ca_file
        self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self):
        if self._url.startswith("unix:"):
            return _UnixConnection(self._url[5:], self._timeout)
        parts = urllib.parse.urlsplit(self._url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{self._url}: http://, https:// or unix:/ is meant")
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname, parts.port or 7433,
                                              timeout=self._timeout)
        return http.client.HTTPSConnection(
            parts.hostname, parts.port or 7433, timeout=self._timeout,
            context=ssl.create_default_context(cafile=self._ca_file))

    def _headers(self, more):
        headers = {name: str(value) for name, value in more.items() if value is not None}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _send(self, method, target, body, headers):
        """The reply, its body not read yet; tries again what may be."""
        for attempt in range(1, TRIES + 1):
            try:
                if self._connection is None:
                    self._connection = self._connect()
                self._connection.request(method, target, body, headers)
                reply = self._connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if isinstance(error, ssl.SSLError) or attempt == TRIES:
                    raise
                pause = 0.1 * 2 ** attempt
            else:
                if reply.status not in (429, 503) or attempt == TRIES:
                    return reply
                reply.read()
                pause = float(reply.headers.get("Retry-After", "1"))
            time.sleep(min(pause, 30))
        raise AssertionError("not reached")

    def _ask(self, method, path, query=(), body=None, headers=None, content="application/json"):
        target = path
        pairs = [(name, each) for name, value in query if value is not None
                 for each in (value if isinstance(value, (list, tuple)) else [value])]
        if pairs:
            target += "?" + urllib.parse.urlencode(pairs)
        headers = self._headers(headers or {})
        if body is not None:
            headers["Content-Type"] = content
            if content == "application/json":
                body = json.dumps(body)
            elif not isinstance(body, (bytes, str)):
                body = "".join(json.dumps(item) + "\n" for item in body)
            body = body.encode() if isinstance(body, str) else body
        reply = self._send(method, target, body, headers)
        raw = reply.read()
        kind = reply.headers.get_content_type()
        if reply.status >= 400:
            is_problem = kind == "application/problem+json"
            raise Problem(reply.status, json.loads(raw) if is_problem else {})
        if not raw:
            return None
        if kind.endswith("json"):
            return json.loads(raw)
        return raw.decode() if kind.startswith("text/") else raw

    def _follow(self, path, last_event_id):
        """Events as they come, to the end of the stream; goes on after a break."""
        failures = 0
        while True:
            connection = self._connect()
            try:
                connection.request("GET", path, headers=self._headers(
                    {"Accept": "text/event-stream", "Last-Event-ID": last_event_id}))
                reply = connection.getresponse()
                if reply.status >= 400:
                    raise Problem(reply.status, json.loads(reply.read() or b"{}"))
                for event in _events(reply):
                    failures = 0
                    last_event_id = event.id or last_event_id
                    yield event
                return
            except (OSError, http.client.HTTPException):
                failures += 1
                if failures == TRIES:
                    raise
                time.sleep(0.1 * 2 ** failures)
            finally:
                connection.close()

    def livez(self):
        """Whether the process answers."""
        return self._ask("GET", "/livez")

    def readyz(self):
        """Whether the engine works and takes requests."""
        return self._ask("GET", "/readyz")

    def version(self):
        """What this is."""
        return self._ask("GET", "/version")

    def openapi(self):
        """This description."""
        return self._ask("GET", "/openapi.json")

    def workflow_schema(self):
        """JSON Schema of workflows."""
        return self._ask("GET", "/schema/workflow.json")

    def metrics(self):
        """What is counted, as OpenMetrics."""
        return self._ask("GET", "/metrics")

    def submit_run(self, body, *, idempotency_key=None, name=None, namespace=None):
        """Start a run of a workflow, or of one command."""
        return self._ask("POST", "/v1/runs", query=[
            ("name", name),
            ("namespace", namespace),
        ], body=body, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def list_runs(self, *, state=None, name=None, label=None, namespace=None, since=None,
                  limit=None, cursor=None):
        """Runs, newest first; a page may hold fewer than asked for: go on while there is a next_cursor."""
        return self._ask("GET", "/v1/runs", query=[
            ("state", state),
            ("name", name),
            ("label", label),
            ("namespace", namespace),
            ("since", since),
            ("limit", limit),
            ("cursor", cursor),
        ])

    def submit_runs(self, body, *, idempotency_key=None, mode=None):
        """Start many runs: one submission a line."""
        return self._ask("POST", "/v1/runs:bulk", query=[
            ("mode", mode),
        ], body=body, content="application/x-ndjson", headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def get_run(self, run, *, if_none_match=None):
        """One run with its groups."""
        path = _path("/v1/runs/{}", run)
        return self._ask("GET", path, headers={
            "If-None-Match": if_none_match,
        })

    def cancel_run(self, run, body=None, *, idempotency_key=None, if_match=None):
        """Stop a run or tasks of it."""
        path = _path("/v1/runs/{}/cancel", run)
        return self._ask("POST", path, body=body or {}, headers={
            "Idempotency-Key": _new_key(idempotency_key),
            "If-Match": if_match,
        })

    def retry_run(self, run, body=None, *, idempotency_key=None, if_match=None):
        """Try what did not succeed again."""
        path = _path("/v1/runs/{}/retry", run)
        return self._ask("POST", path, body=body or {}, headers={
            "Idempotency-Key": _new_key(idempotency_key),
            "If-Match": if_match,
        })

    def pause_run(self, run, body=None, *, idempotency_key=None, if_match=None):
        """Start nothing more of it."""
        path = _path("/v1/runs/{}/pause", run)
        return self._ask("POST", path, body=body or {}, headers={
            "Idempotency-Key": _new_key(idempotency_key),
            "If-Match": if_match,
        })

    def resume_run(self, run, body=None, *, idempotency_key=None, if_match=None):
        """Go on."""
        path = _path("/v1/runs/{}/resume", run)
        return self._ask("POST", path, body=body or {}, headers={
            "Idempotency-Key": _new_key(idempotency_key),
            "If-Match": if_match,
        })

    def approve_task(self, run, body, *, idempotency_key=None, if_match=None):
        """Allow a task that awaits approval, or deny it."""
        path = _path("/v1/runs/{}/approve", run)
        return self._ask("POST", path, body=body, headers={
            "Idempotency-Key": _new_key(idempotency_key),
            "If-Match": if_match,
        })

    def get_graph(self, run):
        """Groups and what they need."""
        path = _path("/v1/runs/{}/graph", run)
        return self._ask("GET", path)

    def get_timeline(self, run, *, cursor=None):
        """Attempts that ended, in order of their end."""
        path = _path("/v1/runs/{}/timeline", run)
        return self._ask("GET", path, query=[
            ("cursor", cursor),
        ])

    def explain_run(self, run, *, task=None):
        """Why a run or a task is as it is."""
        path = _path("/v1/runs/{}/explain", run)
        return self._ask("GET", path, query=[
            ("task", task),
        ])

    def diff_runs(self, run, other, *, only=None, limit=None, cursor=None):
        """What is not the same in two runs."""
        path = _path("/v1/runs/{}/diff/{}", run, other)
        return self._ask("GET", path, query=[
            ("only", only),
            ("limit", limit),
            ("cursor", cursor),
        ])

    def list_tasks(self, run, *, state=None, group=None, limit=None, cursor=None):
        """Tasks of a run."""
        path = _path("/v1/runs/{}/tasks", run)
        return self._ask("GET", path, query=[
            ("state", state),
            ("group", group),
            ("limit", limit),
            ("cursor", cursor),
        ])

    def get_task(self, run, task):
        """One task and its attempts that ended."""
        path = _path("/v1/runs/{}/tasks/{}", run, task)
        return self._ask("GET", path)

    def get_attempt(self, run, task, attempt):
        """An attempt that ended."""
        path = _path("/v1/runs/{}/tasks/{}/attempts/{}", run, task, attempt)
        return self._ask("GET", path)

    def get_task_log(self, run, task, *, from_=None, limit=None, tail=None, grep=None, stream=None):
        """Output of the latest attempt."""
        path = _path("/v1/runs/{}/tasks/{}/logs", run, task)
        return self._ask("GET", path, query=[
            ("from", from_),
            ("limit", limit),
            ("tail", tail),
            ("grep", grep),
            ("stream", stream),
        ])

    def get_attempt_log(self, run, task, attempt, *, from_=None, limit=None, tail=None, grep=None,
                        stream=None):
        """Output of an attempt."""
        path = _path("/v1/runs/{}/tasks/{}/attempts/{}/logs", run, task, attempt)
        return self._ask("GET", path, query=[
            ("from", from_),
            ("limit", limit),
            ("tail", tail),
            ("grep", grep),
            ("stream", stream),
        ])

    def list_run_artifacts(self, run, *, limit=None, cursor=None):
        """Files that its tasks handed on; a page holds whole tasks."""
        path = _path("/v1/runs/{}/artifacts", run)
        return self._ask("GET", path, query=[
            ("limit", limit),
            ("cursor", cursor),
        ])

    def list_task_artifacts(self, run, task):
        """Files that it handed on."""
        path = _path("/v1/runs/{}/tasks/{}/artifacts", run, task)
        return self._ask("GET", path)

    def get_artifact(self, run, task, artifact, *, file=None, range=None, if_range=None,
                     if_none_match=None):
        """The bytes of a file."""
        path = _path("/v1/runs/{}/tasks/{}/artifacts/{}", run, task, artifact)
        return self._ask("GET", path, query=[
            ("file", file),
        ], headers={
            "Range": range,
            "If-Range": if_range,
            "If-None-Match": if_none_match,
        })

    def lint_workflow(self, body):
        """What is wrong with a workflow."""
        return self._ask("POST", "/v1/lint", body=body)

    def plan_workflow(self, body):
        """What a workflow would run, and in which order."""
        return self._ask("POST", "/v1/plan", body=body)

    def list_workflows(self, *, namespace=None, limit=None, cursor=None):
        """Workflows that have been run, by namespace and name."""
        return self._ask("GET", "/v1/workflows", query=[
            ("namespace", namespace),
            ("limit", limit),
            ("cursor", cursor),
        ])

    def get_workflow(self, workflow, *, namespace=None):
        """One of them."""
        path = _path("/v1/workflows/{}", workflow)
        return self._ask("GET", path, query=[
            ("namespace", namespace),
        ])

    def list_workflow_versions(self, workflow, *, namespace=None, limit=None, cursor=None):
        """Its versions, newest first."""
        path = _path("/v1/workflows/{}/versions", workflow)
        return self._ask("GET", path, query=[
            ("namespace", namespace),
            ("limit", limit),
            ("cursor", cursor),
        ])

    def get_workflow_version(self, workflow, version, *, namespace=None):
        """A version with its text."""
        path = _path("/v1/workflows/{}/versions/{}", workflow, version)
        return self._ask("GET", path, query=[
            ("namespace", namespace),
        ])

    def list_queues(self):
        """Queues and what waits in them."""
        return self._ask("GET", "/v1/queues")

    def list_pools(self):
        """Where attempts run."""
        return self._ask("GET", "/v1/pools")

    def list_use(self, *, run=None):
        """What attempts use that run now."""
        return self._ask("GET", "/v1/use", query=[
            ("run", run),
        ])

    def list_nodes(self):
        """Machines of the pools."""
        return self._ask("GET", "/v1/nodes")

    def list_locks(self):
        """Locks that are held."""
        return self._ask("GET", "/v1/locks")

    def stream_events(self, *, last_event_id=None):
        """What changes, as it changes."""
        return self._follow("/v1/events", last_event_id)

    def stream_run_events(self, run, *, last_event_id=None):
        """What changes in a run, to its end."""
        path = _path("/v1/runs/{}/events", run)
        return self._follow(path, last_event_id)

    def stream_task_log(self, run, task, *, last_event_id=None):
        """Output of the latest attempt, as it comes."""
        path = _path("/v1/runs/{}/tasks/{}/logs/stream", run, task)
        return self._follow(path, last_event_id)

    def whoami(self):
        """Who is asking, and what he may do."""
        return self._ask("GET", "/v1/whoami")

    def list_tokens(self):
        """Tokens, without their secrets."""
        return self._ask("GET", "/v1/tokens")

    def create_token(self, body, *, idempotency_key=None):
        """Make a token; its text is shown this once."""
        return self._ask("POST", "/v1/tokens", body=body, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def revoke_token(self, token, *, idempotency_key=None):
        """Let a token hold no more."""
        path = _path("/v1/tokens/{}", token)
        return self._ask("DELETE", path, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def rotate_token(self, token, body=None, *, idempotency_key=None):
        """A new token in the place of one, whose text is shown this once."""
        path = _path("/v1/tokens/{}/rotate", token)
        return self._ask("POST", path, body=body or {}, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def list_secrets(self, *, namespace=None):
        """Names of secrets, never their values."""
        return self._ask("GET", "/v1/secrets", query=[
            ("namespace", namespace),
        ])

    def set_secret(self, secret, body, *, namespace=None, if_match=None, if_none_match=None,
                   idempotency_key=None):
        """Set a secret."""
        path = _path("/v1/secrets/{}", secret)
        return self._ask("PUT", path, query=[
            ("namespace", namespace),
        ], body=body, headers={
            "If-Match": if_match,
            "If-None-Match": if_none_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def remove_secret(self, secret, *, namespace=None, if_match=None, idempotency_key=None):
        """Remove a secret."""
        path = _path("/v1/secrets/{}", secret)
        return self._ask("DELETE", path, query=[
            ("namespace", namespace),
        ], headers={
            "If-Match": if_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def list_flags(self):
        """Feature flags."""
        return self._ask("GET", "/v1/flags")

    def get_flag(self, flag):
        """A feature flag."""
        path = _path("/v1/flags/{}", flag)
        return self._ask("GET", path)

    def set_flag(self, flag, body=None, *, if_match=None, if_none_match=None, idempotency_key=None):
        """A new version of a flag."""
        path = _path("/v1/flags/{}", flag)
        return self._ask("PUT", path, body=body or {}, headers={
            "If-Match": if_match,
            "If-None-Match": if_none_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def remove_flag(self, flag, *, if_match=None, idempotency_key=None):
        """Remove a flag."""
        path = _path("/v1/flags/{}", flag)
        return self._ask("DELETE", path, headers={
            "If-Match": if_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def get_flag_history(self, flag):
        """Its versions, newest first."""
        path = _path("/v1/flags/{}/history", flag)
        return self._ask("GET", path)

    def ask_flag(self, flag, *, subject=None, namespace=None, label=None):
        """Whether it is on for a subject."""
        path = _path("/v1/flags/{}/answer", flag)
        return self._ask("GET", path, query=[
            ("subject", subject),
            ("namespace", namespace),
            ("label", label),
        ])

    def list_roles(self):
        """Roles and what they may."""
        return self._ask("GET", "/v1/roles")

    def set_role(self, role, body, *, idempotency_key=None):
        """Define a role."""
        path = _path("/v1/roles/{}", role)
        return self._ask("PUT", path, body=body, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def remove_role(self, role, *, idempotency_key=None):
        """Remove a role that nobody has."""
        path = _path("/v1/roles/{}", role)
        return self._ask("DELETE", path, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def list_users(self):
        """Users."""
        return self._ask("GET", "/v1/users")

    def set_user(self, user, body=None, *, idempotency_key=None):
        """Add a user, or change his rights or password."""
        path = _path("/v1/users/{}", user)
        return self._ask("PUT", path, body=body or {}, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def remove_user(self, user, *, idempotency_key=None):
        """Remove a user, and end his sessions."""
        path = _path("/v1/users/{}", user)
        return self._ask("DELETE", path, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def log_in(self, body):
        """Open a session; it comes back as a cookie."""
        return self._ask("POST", "/v1/sessions", body=body)

    def log_out(self):
        """End the session that asks."""
        return self._ask("DELETE", "/v1/sessions/current")

    def get_session(self):
        """The session that asks, with what its changes need."""
        return self._ask("GET", "/v1/sessions/current")

    def drain_node(self, node, body=None, *, idempotency_key=None):
        """Let nothing more start on a node, and stop what runs there if that is asked for."""
        path = _path("/v1/nodes/{}/drain", node)
        return self._ask("POST", path, body=body or {}, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def resume_node(self, node, *, idempotency_key=None):
        """Let a drained node work again."""
        path = _path("/v1/nodes/{}/resume", node)
        return self._ask("POST", path, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def list_quotas(self):
        """What users may have at most."""
        return self._ask("GET", "/v1/quotas")

    def get_quota(self, user, *, queue=None):
        """What one of them may have at most."""
        path = _path("/v1/quotas/{}", user)
        return self._ask("GET", path, query=[
            ("queue", queue),
        ])

    def set_quota(self, user, body=None, *, queue=None, if_match=None, if_none_match=None,
                  idempotency_key=None):
        """What a user may have at most; it goes before the cluster file."""
        path = _path("/v1/quotas/{}", user)
        return self._ask("PUT", path, query=[
            ("queue", queue),
        ], body=body or {}, headers={
            "If-Match": if_match,
            "If-None-Match": if_none_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def remove_quota(self, user, *, queue=None, if_match=None, idempotency_key=None):
        """Remove a quota that was set so: what the cluster file says counts again."""
        path = _path("/v1/quotas/{}", user)
        return self._ask("DELETE", path, query=[
            ("queue", queue),
        ], headers={
            "If-Match": if_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def get_quota_history(self, user, *, queue=None):
        """The versions of it that were set here, newest first."""
        path = _path("/v1/quotas/{}/history", user)
        return self._ask("GET", path, query=[
            ("queue", queue),
        ])

    def list_audit(self, *, who=None, action=None, namespace=None, order=None, limit=None,
                   cursor=None):
        """Records of the audit log."""
        return self._ask("GET", "/v1/audit", query=[
            ("who", who),
            ("action", action),
            ("namespace", namespace),
            ("order", order),
            ("limit", limit),
            ("cursor", cursor),
        ])

    def verify_audit(self, *, checkpoint=None):
        """Whether the log is as it was written."""
        return self._ask("GET", "/v1/audit/verify", query=[
            ("checkpoint", checkpoint),
        ])

    def export_audit(self, *, who=None, action=None, namespace=None, format=None, cursor=None):
        """Records as lines of JSON or CSV."""
        return self._ask("GET", "/v1/audit/export", query=[
            ("who", who),
            ("action", action),
            ("namespace", namespace),
            ("format", format),
            ("cursor", cursor),
        ])

    def list_audit_files(self):
        """The files of the log, to prove it elsewhere."""
        return self._ask("GET", "/v1/audit/files")

    def get_audit_file(self, file, *, from_=None):
        """A part of one of them, empty behind its end."""
        path = _path("/v1/audit/files/{}", file)
        return self._ask("GET", path, query=[
            ("from", from_),
        ])

    def note_backup(self, body, *, idempotency_key=None):
        """Write into the audit log that a backup is made, before its maker reads the files."""
        return self._ask("POST", "/v1/backups", body=body, headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def get_config(self):
        """The settings that hold, and where they come from."""
        return self._ask("GET", "/v1/config")

    def reload_config(self, *, idempotency_key=None):
        """Read the settings again."""
        return self._ask("POST", "/v1/config/reload", headers={
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def get_setting(self, setting):
        """A setting as it holds."""
        path = _path("/v1/config/{}", setting)
        return self._ask("GET", path)

    def set_setting(self, setting, body, *, if_match=None, if_none_match=None,
                    idempotency_key=None):
        """A new version of a live setting, which holds at once."""
        path = _path("/v1/config/{}", setting)
        return self._ask("PUT", path, body=body, headers={
            "If-Match": if_match,
            "If-None-Match": if_none_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def unset_setting(self, setting, *, if_match=None, idempotency_key=None):
        """Let what the file says hold again, or the default."""
        path = _path("/v1/config/{}", setting)
        return self._ask("DELETE", path, headers={
            "If-Match": if_match,
            "Idempotency-Key": _new_key(idempotency_key),
        })

    def get_setting_history(self, setting):
        """The versions of it that were set here, newest first."""
        path = _path("/v1/config/{}/history", setting)
        return self._ask("GET", path)

    def get_sign_on(self):
        """Which identity provider signs people on."""
        return self._ask("GET", "/v1/auth/oidc")

    def begin_sign_on(self, *, return_to=None):
        """Send a browser to the identity provider; who accepts application/json is told where."""
        return self._ask("GET", "/v1/auth/oidc/login", query=[
            ("return_to", return_to),
        ])

    def finish_sign_on(self, *, state=None, code=None, iss=None, error=None,
                       error_description=None):
        """Where it comes back from there; opens a session, as a cookie."""
        return self._ask("GET", "/v1/auth/oidc/callback", query=[
            ("state", state),
            ("code", code),
            ("iss", iss),
            ("error", error),
            ("error_description", error_description),
        ])

    def exchange_token(self, body):
        """An ID token of the identity provider for a token of this service, once."""
        return self._ask("POST", "/v1/auth/oidc/token", body=body)


def _new_key(given):
    return given or str(uuid.uuid4())


def _events(reply):
    identity, kind, data = "", "message", []
    while line := reply.readline():
        text = line.decode().rstrip("\r\n")
        if not text:
            if data:
                yield Event(identity, kind, json.loads("\n".join(data)))
            identity, kind, data = "", "message", []
            continue
        name, _, value = text.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "id":
            identity = value
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)
