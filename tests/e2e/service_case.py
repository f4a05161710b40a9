"""A service of a test's own. Every request to it that was taken, and every reply, is held against
the description that the service itself gives (/openapi.json)."""

import http.client
import json
import signal
import socket
import uuid

from openapi_check import Description
from reeve_case import ReeveCase


class Reply:
    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.cookies = [value for name, value in headers if name.lower() == "set-cookie"]
        self.raw = raw
        kind = self.headers.get("content-type", "")
        self.body = json.loads(raw) if "ndjson" not in kind and "json" in kind and raw \
            else raw.decode("utf-8", "replace")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("unix", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ServiceCase(ReeveCase):
    options = ()
    listen = ("--listen", "127.0.0.1:0")

    def setUp(self):
        super().setUp()
        self.start_service()

    def start_service(self, *more):
        self.service = self.start("serve", *self.listen, *self.options, *more)
        self.address = None
        lines = []
        while self.address is None:
            line = self.service.stdout.readline()
            if not line:
                self.fail(f"the service did not start:\n{''.join(lines)}")
            lines.append(line)
            if line.startswith("http"):
                host, _, port = line.strip().partition("://")[2].rpartition(":")
                self.address = (host, int(port))
        self.token = (self.state / "admin.token").read_text(encoding="utf-8").strip()
        self.description = None
        self.description = Description(self.raw("GET", "/openapi.json").body)

    def stop_service(self, number=signal.SIGTERM):
        self.service.send_signal(number)
        return self.service.wait(timeout=30)

    def restart_service(self, number=signal.SIGKILL, *more):
        self.stop_service(number)
        self.start_service(*more)

    def connection(self):
        return http.client.HTTPConnection(*self.address, timeout=30)

    def raw(self, method, target, headers=None, body=None, connection=None):
        """One request as it is."""
        own = connection or self.connection()
        own.request(method, target, body=body, headers=headers or {})
        answer = own.getresponse()
        reply = Reply(answer.status, answer.getheaders(), answer.read())
        if connection is None:
            own.close()
        if self.description is not None:
            self.check(method, target, headers or {}, body, reply)
        return reply

    def check(self, method, target, headers, body, reply):
        if (method, reply.status) == ("OPTIONS", 204):
            return
        kind = reply.headers.get("content-type", "")
        self.description.check_reply(method, target, reply.status, kind, reply.body)
        if reply.status < 400 and method != "HEAD":
            sent = {name.lower(): value for name, value in headers.items()}
            text = body.decode() if isinstance(body, bytes) else body
            self.description.check_request(method, target, sent, text,
                                           sent.get("content-type", ""))

    def ask(self, method, target, body=None, *, token="", expect=200, key=None, headers=None,
            content_type="application/json", connection=None):
        """A request with all that belongs to it. `token`: None for nobody, "" the administrator;
        `expect`: a status, several of them, or None for any."""
        given = {} if token is None else {"authorization": f"Bearer {token or self.token}"}
        if method != "GET":
            given["idempotency-key"] = key or str(uuid.uuid4())
        given.update(headers or {})
        data = None
        if body is not None:
            given["content-type"] = content_type
            data = json.dumps(body) if content_type == "application/json" else body
        reply = self.raw(method, target, given, data, connection)
        if expect is not None:
            self.assertIn(reply.status, expect if isinstance(expect, tuple) else (expect,),
                          f"{method} {target}: {reply.body}")
        return reply

    def submit(self, body=None, /, **fields):
        return self.ask("POST", "/v1/runs", body or fields, expect=201).body["run"]

    def ended(self, run, seconds=30):
        """The run, once it is over."""
        def look():
            shown = self.ask("GET", f"/v1/runs/{run}").body["run"]
            return shown if shown["state"] in ("succeeded", "failed", "cancelled") else None
        return self.wait_for(look, f"the end of {run}", seconds)

    def new_token(self, role, *namespaces, **more):
        return self.ask("POST", "/v1/tokens", {"label": f"{role} test", "role": role,
                                               "namespaces": list(namespaces) or ["default"],
                                               **more}, expect=201).body["text"]

    def events(self, path, after=None, until=None, count=None, token=""):
        """[event] of a stream, each held against the description: up to the end of the stream, the
        first of a type in `until` or of that id, or so many."""
        connection = self.connection()
        self.addCleanup(connection.close)
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if after is not None:
            headers["Last-Event-ID"] = after
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "text/event-stream"))
        found, name = [], None
        for line in reply:
            if line.startswith(b"id: "):
                name = line[4:].strip().decode()
            if not line.startswith(b"data: "):
                continue
            event = json.loads(line[6:])
            self.description.check(event, {"$ref": "#/components/schemas/Event"}, path)
            self.assertEqual(event["id"], name)
            found.append(event)
            if event["id"] == until or len(found) == count or \
                    isinstance(until, tuple) and event["type"] in until:
                break
        connection.close()
        return found
