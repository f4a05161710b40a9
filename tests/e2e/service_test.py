"""The service as its clients see it: who may do what, runs over HTTP, streams that go on where
they broke off, hostile requests, and what a kill -9 leaves.
"""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import unittest

from reeve_case import BINARY, ReeveCase

WORKFLOW = """
version: 1
name: two
tasks:
  first: {run: "echo one; echo two"}
  second: {run: "echo $((6 * 7))", needs: first}
"""


class Service(ReeveCase):
    def setUp(self):
        super().setUp()
        self.state = pathlib.Path(self.directory, "state")
        self.keys = 0
        self.start()

    def start(self):
        self.server = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0", "--state", str(self.state)],
            cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.stop, self.server)
        address = self.server.stdout.readline().strip()
        self.assertRegex(address, r"^http://127\.0\.0\.1:\d+$", self.said_when_it_ended)
        self.port = int(address.rpartition(":")[2])
        self.token = (self.state / "admin.token").read_text(encoding="utf-8").strip()

    @property
    def said_when_it_ended(self):
        return "" if self.server.poll() is None else self.server.stderr.read()

    def stop(self, server):
        if server.poll() is None:
            server.terminate()
        server.wait(timeout=30)
        server.stdout.close()
        server.stderr.close()

    def call(self, method, path, body=None, token=None, headers=None, key=None):
        """(status, decoded body, headers) of one request."""
        sent = {"Authorization": f"Bearer {self.token if token is None else token}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body)
        if method == "POST":
            self.keys += 1
            sent["Idempotency-Key"] = key or f"key-{self.keys}"
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            reply = connection.getresponse()
            text = reply.read().decode()
            is_json = "json" in reply.headers.get("Content-Type", "")
            return reply.status, json.loads(text) if is_json and text else text, reply.headers
        finally:
            connection.close()

    def submit(self, body, **more):
        status, reply, _ = self.call("POST", "/v1/runs", body, **more)
        self.assertIn(status, (200, 201, 202), reply)
        return reply["run"]["id"]

    def wait_for_end(self, run):
        def ended():
            reply = self.call("GET", f"/v1/runs/{run}")[1]
            return reply["run"] if reply["run"]["ended_at"] else None
        return self.wait_for(ended, f"{run} ends")

    def new_token(self, **scope):
        status, reply, _ = self.call("POST", "/v1/tokens", {"label": "test", **scope})
        self.assertIn(status, (200, 201), reply)
        return re.search(r"reeve_[A-Za-z0-9_]+", json.dumps(reply)).group(0)


class Runs(Service):
    def test_a_workflow_runs_and_its_output_is_read(self):
        run = self.submit({"workflow": WORKFLOW})
        self.assertEqual(self.wait_for_end(run)["state"], "succeeded")
        tasks = self.call("GET", f"/v1/runs/{run}/tasks")[1]["tasks"]
        self.assertEqual([task["name"] for task in tasks], ["first", "second"])
        self.assertIn("42", json.dumps(self.call("GET", f"/v1/runs/{run}/tasks/second/logs")[1]))
        for part in ("graph", "timeline", "explain"):
            self.assertEqual(self.call("GET", f"/v1/runs/{run}/{part}")[0], 200, part)

    def test_a_key_makes_a_request_count_once(self):
        body = {"command": ["true"]}
        run = self.submit(body, key="once")
        self.assertEqual(self.submit(body, key="once"), run)
        status, problem, headers = self.call("POST", "/v1/runs", {"command": ["false"]}, key="once")
        self.assertEqual(status, 422, problem)
        self.assertEqual(headers["Content-Type"], "application/problem+json")
        status, problem, _ = self.call("POST", "/v1/runs", body, headers={"Idempotency-Key": ""})
        self.assertEqual(status, 400, problem)
        self.assertEqual(len(self.call("GET", "/v1/runs")[1]["runs"]), 1)

    def test_what_is_wrong_is_pointed_at(self):
        body = {"workflow": WORKFLOW, "priority": "high"}
        status, problem, _ = self.call("POST", "/v1/runs", body)
        self.assertIn(status, (400, 422), problem)
        self.assertIn("/priority", json.dumps(problem["errors"]))
        status, problem, _ = self.call("GET", "/v1/runs/run_00000000000000000000000000")
        self.assertEqual(status, 404)
        self.assertTrue(problem["type"].startswith("urn:reeve:problem:"), problem)

    def test_a_killed_service_has_lost_nothing_that_it_acknowledged(self):
        runs = [self.submit({"command": ["sleep", "0.2"]}) for _ in range(10)]
        self.server.send_signal(signal.SIGKILL)
        self.server.wait(timeout=30)
        self.start()
        for run in runs:
            self.assertEqual(self.wait_for_end(run)["state"], "succeeded")

    def test_a_run_is_cancelled(self):
        run = self.submit({"command": ["sleep", "600"]})
        status, reply, _ = self.call("POST", f"/v1/runs/{run}/cancel", {"reason": "enough"})
        self.assertIn(status, (200, 202), reply)
        self.assertEqual(self.wait_for_end(run)["state"], "cancelled")


class Streams(Service):
    def events(self, path, after=None):
        """[(id, type)] up to the end of the run."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.addCleanup(connection.close)
        headers = {"Authorization": f"Bearer {self.token}"}
        if after is not None:
            headers["Last-Event-ID"] = after
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        self.assertEqual(reply.headers["Content-Type"], "text/event-stream")
        found = []
        for line in reply:
            if line.startswith(b"id: "):
                found.append([line[4:].strip().decode(), None])
            if line.startswith(b"data: "):
                found[-1][1] = json.loads(line[6:])["type"]
                if found[-1][1] == "dev.reeve.run.succeeded":
                    return [tuple(one) for one in found]
        self.fail(f"the stream ended: {found}")

    def test_goes_on_where_it_broke_off(self):
        run = self.submit({"workflow": WORKFLOW})
        self.wait_for_end(run)
        whole = self.events(f"/v1/runs/{run}/events")
        self.assertEqual(whole[0][1], "dev.reeve.run.submitted")
        self.assertEqual(len(whole), len({one[0] for one in whole}))
        for at in (0, len(whole) // 2, len(whole) - 2):
            self.assertEqual(self.events(f"/v1/runs/{run}/events", whole[at][0]), whole[at + 1:])


class Access(Service):
    def test_only_its_user_can_read_the_first_token(self):
        mode = (self.state / "admin.token").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_who_does_not_say_who_they_are_gets_nothing(self):
        paths = json.loads(json.dumps(self.call("GET", "/openapi.json")[1]["paths"]))
        tried = 0
        for path, methods in paths.items():
            if not path.startswith("/v1/"):
                continue
            for method in methods.keys() & {"get", "post", "delete"}:
                filled = re.sub(r"\{\w+\}", "1", path)
                for token in ("", "reeve_nonsense", self.token[:-1]):
                    body = {} if method == "post" else None
                    status, _, _ = self.call(method.upper(), filled, body, token=token)
                    self.assertEqual(status, 401, f"{method} {filled} with {token!r}")
                    tried += 1
        self.assertGreater(tried, 60)

    def test_a_viewer_looks_and_does_not_touch(self):
        run = self.submit({"command": ["sleep", "600"]})
        viewer = self.new_token(role="viewer", namespaces=["default"])
        self.assertEqual(self.call("GET", f"/v1/runs/{run}", token=viewer)[0], 200)
        for path, body in ((f"/v1/runs/{run}/cancel", {}), ("/v1/runs", {"command": ["true"]}),
                           ("/v1/tokens", {"label": "more", "role": "admin"})):
            status, problem, _ = self.call("POST", path, body, token=viewer)
            self.assertEqual(status, 403, f"{path}: {problem}")
        self.call("POST", f"/v1/runs/{run}/cancel", {})
        self.wait_for_end(run)

    def test_another_namespace_is_not_there(self):
        run = self.submit({"command": ["true"]})
        stranger = self.new_token(role="developer", namespaces=["elsewhere"])
        self.assertIn(self.call("GET", f"/v1/runs/{run}", token=stranger)[0], (403, 404))
        self.assertEqual(self.call("GET", "/v1/runs", token=stranger)[1].get("runs", []), [])

    def test_the_environment_of_the_service_is_no_secret_store(self):
        workflow = ("version: 1\nname: thief\nsecrets: [HOME]\n"
                    "tasks: {a: {run: 'env', secrets: [HOME]}}\n")
        status, reply, _ = self.call("POST", "/v1/runs", {"workflow": workflow})
        if status < 300:
            self.assertNotEqual(self.wait_for_end(reply["run"]["id"])["state"], "succeeded")

    def test_what_changes_something_is_in_the_audit_log(self):
        run = self.submit({"command": ["true"]})
        self.wait_for_end(run)
        self.stop(self.server)
        checked = self.reeve("audit", "verify", "--state", str(self.state))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        listed = self.reeve("audit", "ls", "--state", str(self.state), "-o", "json")
        self.assertIn("runs.submit", listed.stdout)


class Hostile(Service):
    def raw(self, data):
        """What comes back for bytes, up to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
            return b"".join(parts)

    def test_malformed_requests_are_refused_and_the_service_goes_on(self):
        host = b"Host: a\r\n"
        for data in (b"\0" * 1000, b"GET / HTTP/9.9\r\n\r\n",
                     b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n",
                     b"POST /v1/runs HTTP/1.1\r\n" + host + b"Content-Length: 5\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /v1/runs HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",
                     b"POST /v1/runs HTTP/1.1\r\n" + host +
                     b"Content-Length: 99999999999999\r\n\r\n",
                     b"GET /version HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n"):
            try:
                reply = self.raw(data)
            except ConnectionError:
                reply = b""  # it was cut off
            self.assertNotIn(b" 200 ", reply.partition(b"\r\n")[0], data[:60])
        self.assertEqual(self.call("GET", "/livez")[0], 200)

    def test_no_path_leads_out(self):
        for path in ("/../../etc/passwd", "/v1/runs/..%2f..%2fetc%2fpasswd", "/v1/runs/%00",
                     "//etc/passwd", "/v1/runs/1/tasks/..%2F..%2F/logs"):
            status, reply, _ = self.call("GET", path)
            self.assertIn(status, (400, 404), path)
            self.assertNotIn("root:", str(reply))

    def test_json_that_is_no_json(self):
        for text in ("{", "[" * 10_000, '{"command": ["a", 1]}', "nul", '{"command": "\\ud800"}',
                     "\xff"):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request("POST", "/v1/runs", text.encode("latin-1"),
                               {"Authorization": f"Bearer {self.token}", "Idempotency-Key": "x",
                                "Content-Type": "application/json"})
            reply = connection.getresponse()
            self.assertIn(reply.status, (400, 422), text[:20])
            self.assertEqual(reply.headers["Content-Type"], "application/problem+json")
            connection.close()


if __name__ == "__main__":
    os.environ.pop("REEVE_STATE", None)
    unittest.main()
