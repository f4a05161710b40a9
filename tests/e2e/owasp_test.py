"""The OWASP API Security Top 10 (2023), five tests of each against a running service."""

import json
import os
import socket
import unittest
import uuid

from service_case import ServiceCase, UnixConnection

GATE = "name: gate\ntasks:\n  allow: {approval: {}}\n  then: {needs: allow, run: 'true'}\n"


class Case(ServiceCase):
    def run_in(self, name_space):
        run = self.submit(command=["echo", "private"], namespace=name_space)["id"]
        self.ended(run)
        return run


class ObjectLevelAuthorization(Case):  # API1
    def setUp(self):
        super().setUp()
        self.other = self.run_in("other")
        self.stranger = self.new_token("admin", "mine")

    def test_another_namespace_s_run_is_as_if_it_were_not_there(self):
        for path in ("", "/graph", "/timeline", "/explain", "/tasks", "/events"):
            there = self.ask("GET", f"/v1/runs/{self.other}{path}", token=self.stranger, expect=404)
            none = self.ask("GET", f"/v1/runs/run_{'0' * 26}{path}", token=self.stranger,
                            expect=404)
            self.assertEqual(there.body["title"], none.body["title"])

    def test_nor_can_it_be_acted_on(self):
        for act in ("cancel", "retry", "pause", "resume"):
            self.ask("POST", f"/v1/runs/{self.other}/{act}", {}, token=self.stranger, expect=404)

    def test_numbers_and_endings_and_last_lead_nowhere_else(self):
        for name in ("1", "last", self.other[-6:], self.other.upper()):
            self.ask("GET", f"/v1/runs/{name}", token=self.stranger, expect=(400, 404))

    def test_its_output_is_not_read_over_the_names_of_its_tasks(self):
        for path in ("tasks/main/logs", "tasks/main/attempts/1/logs", "tasks/main/logs/stream"):
            reply = self.ask("GET", f"/v1/runs/{self.other}/{path}", token=self.stranger,
                             expect=404)
            self.assertNotIn("private\n", str(reply.body))

    def test_tokens_of_others_are_neither_seen_nor_revoked(self):
        made = self.ask("POST", "/v1/tokens", {"label": "theirs", "namespaces": ["other"]},
                        expect=201).body
        self.ask("DELETE", f"/v1/tokens/{made['token']['id']}", token=self.stranger, expect=404)
        self.ask("POST", f"/v1/tokens/{made['token']['id']}/rotate", {}, token=self.stranger,
                 expect=404)
        seen = self.ask("GET", "/v1/tokens", token=self.stranger).body["tokens"]
        self.assertEqual({tuple(each["namespaces"]) for each in seen}, {("mine",)})
        self.ask("GET", "/v1/whoami", token=made["text"])


class Authentication(Case):  # API2
    def setUp(self):
        super().setUp()
        self.ask("PUT", "/v1/users/ann", {"password": "correct horse", "role": "developer"})

    def test_guessing_passwords_is_slowed_down(self):
        seen = [self.ask("POST", "/v1/sessions", {"user": "ann", "password": f"guess {n}"},
                         token=None, expect=(401, 429)) for n in range(8)]
        self.assertEqual(seen[-1].status, 429)
        self.assertIn("retry-after", seen[-1].headers)

    def test_unknown_users_and_wrong_passwords_look_alike(self):
        said = {self.ask("POST", "/v1/sessions", {"user": user, "password": "wrong"}, token=None,
                         expect=401).body["detail"] for user in ("ann", "nobody")}
        self.assertEqual(len(said), 1)

    def test_revoked_and_ended_tokens_are_refused_at_once(self):
        made = self.ask("POST", "/v1/tokens", {"label": "x"}, expect=201).body
        self.ask("GET", "/v1/whoami", token=made["text"])
        self.ask("DELETE", f"/v1/tokens/{made['token']['id']}", expect=204)
        self.ask("GET", "/v1/whoami", token=made["text"], expect=401)
        short = self.ask("POST", "/v1/tokens", {"label": "x", "expires_in_seconds": 0.5},
                         expect=201).body["text"]
        self.wait_for(lambda: self.ask("GET", "/v1/whoami", token=short, expect=None).status == 401,
                      "its end")

    def test_tokens_go_in_the_header_and_nowhere_else(self):
        for target in (f"/v1/runs?token={self.token}", f"/v1/runs?access_token={self.token}"):
            self.ask("GET", target, token=None, expect=(400, 401))
        self.ask("GET", "/v1/runs", token=None, headers={"authorization": f"Basic {self.token}"},
                 expect=401)
        self.ask("GET", "/v1/runs", token=None, headers={"cookie": f"reeve_session={self.token}"},
                 expect=401)

    def test_a_session_that_was_ended_stays_ended(self):
        made = self.ask("POST", "/v1/sessions", {"user": "ann", "password": "correct horse"},
                        token=None, expect=201)
        cookie = made.cookies[0].partition(";")[0]
        csrf = made.body["session"]["csrf_token"]
        self.assertIn("HttpOnly", made.cookies[0])
        self.assertIn("SameSite=Strict", made.cookies[0])
        self.ask("GET", "/v1/whoami", token=None, headers={"cookie": cookie})
        self.ask("DELETE", "/v1/sessions/current", token=None, expect=204,
                 headers={"cookie": cookie, "x-csrf-token": csrf})
        self.ask("GET", "/v1/whoami", token=None, headers={"cookie": cookie}, expect=401)


class PropertyLevelAuthorization(Case):  # API3
    def test_what_is_not_described_is_not_taken(self):
        for more in ({"submitter": "root"}, {"id": "run_1"}, {"state": "succeeded"},
                     {"idempotency_key": "x"}, {"uuid": str(uuid.uuid4())}):
            self.ask("POST", "/v1/runs", {"command": ["true"], **more}, expect=422)

    def test_who_submitted_follows_from_the_token(self):
        run = self.submit(command=["true"])
        self.assertTrue(run["submitter"].startswith("token:"))

    def test_the_label_of_the_namespace_cannot_be_set_beside_it(self):
        self.ask("POST", "/v1/runs", {"command": ["true"], "labels": {"namespace": "other"}},
                 token=self.new_token("developer", "mine"), expect=422)

    def test_secrets_and_tokens_are_never_shown(self):
        self.ask("PUT", "/v1/secrets/deep", {"value": "the-value-itself"})
        made = self.ask("POST", "/v1/tokens", {"label": "x"}, expect=201).body["text"]
        self.ask("PUT", "/v1/users/ann", {"password": "the-password", "role": "viewer"})
        for path in ("/v1/secrets", "/v1/tokens", "/v1/users", "/v1/audit", "/v1/audit/export",
                     "/v1/config"):
            text = self.ask("GET", path).raw.decode()
            for hidden in ("the-value-itself", made, "the-password", "argon2"):
                self.assertNotIn(hidden, text, path)

    def test_nobody_gives_more_than_he_has(self):
        for role, places in (("admin", ["*"]), ("admin", ["other"])):
            self.ask("POST", "/v1/tokens", {"label": "x", "role": role, "namespaces": places},
                     token=self.new_token("admin", "mine"), expect=403)
        narrow = self.new_token("admin", "mine", actions=["tokens.write", "runs.read"])
        self.ask("POST", "/v1/tokens", {"label": "x", "role": "developer", "namespaces": ["mine"]},
                 token=narrow, expect=403)


class ResourceConsumption(Case):  # API4
    def test_pages_have_a_size(self):
        for path in ("/v1/runs?limit=1000000000", "/v1/audit?limit=0", "/v1/audit?limit=99999999"):
            self.ask("GET", path, expect=400)

    def test_bodies_have_a_size(self):
        reply = self.raw("POST", "/v1/tokens", {"Authorization": f"Bearer {self.token}",
                                                "Content-Length": str(1 << 40)})
        self.assertEqual(reply.status, 413)

    def test_names_and_labels_have_a_size(self):
        self.ask("POST", "/v1/runs", {"command": ["true"], "name": "x" * 201}, expect=422)
        self.ask("POST", "/v1/runs", {"command": ["true"],
                                      "labels": {str(n): "x" for n in range(65)}}, expect=422)

    def test_patterns_that_take_for_ever_are_refused(self):
        run = self.run_in("default")
        for pattern in ("(a)%5C1", "a" * 257):
            self.ask("GET", f"/v1/runs/{run}/tasks/main/logs?grep={pattern}", expect=400)

    def test_nesting_and_aliases_do_not_grow(self):
        bomb = "name: x\na: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n"
            for n in range(9)) + "tasks: {t: {run: 'true'}}\n"
        for body in ({"workflow": bomb}, {"workflow": "[" * 100_000}):
            self.ask("POST", "/v1/lint", body, expect=(200, 422))
        self.ask("GET", "/livez", token=None)


class FunctionLevelAuthorization(Case):  # API5
    def test_methods_that_there_are_not(self):
        for method in ("PUT", "PATCH", "DELETE", "TRACE"):
            self.assertEqual(self.raw(method, "/v1/runs",
                                      {"Authorization": f"Bearer {self.token}"}).status, 405)

    def test_a_header_does_not_change_the_method(self):
        viewer = self.new_token("viewer", "default")
        run = self.run_in("default")
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            self.assertEqual(self.ask("GET", f"/v1/runs/{run}", token=viewer,
                                      headers={name: "DELETE"}).body["run"]["id"], run)

    def test_a_developer_is_no_administrator(self):
        developer = self.new_token("developer", "*")
        for method, path, body in (("POST", "/v1/tokens", {"label": "x"}),
                                   ("PUT", "/v1/users/x", {"password": "long enough"}),
                                   ("PUT", "/v1/flags/x", {"on": True}),
                                   ("GET", "/v1/audit", None), ("GET", "/v1/config", None),
                                   ("POST", "/v1/config/reload", None)):
            self.ask(method, path, body, token=developer, expect=403)

    def test_the_administrator_of_a_namespace_is_not_that_of_all(self):
        admin = self.new_token("admin", "mine")
        for method, path, body in (("PUT", "/v1/users/x", {"password": "long enough"}),
                                   ("PUT", "/v1/roles/x", {"actions": []}),
                                   ("GET", "/v1/users", None), ("PUT", "/v1/flags/x", {})):
            self.ask(method, path, body, token=admin, expect=403)

    def test_spellings_of_a_path_are_no_way_around(self):
        viewer = self.new_token("viewer", "default")
        for path in ("/V1/tokens", "/v1//tokens", "/v1/tokens/", "/v1/%74okens", "/v1/./tokens",
                     "/v1/runs/../tokens"):
            self.assertIn(self.raw("GET", path, {"Authorization": f"Bearer {viewer}"}).status,
                          (403, 404))


class BusinessFlows(Case):  # API6
    def test_what_was_submitted_once_runs_once(self):
        body = {"command": ["true"]}
        for _ in range(20):
            self.ask("POST", "/v1/runs", body, key="one", expect=(200, 201))
        self.assertEqual(len(self.ask("GET", "/v1/runs").body["runs"]), 1)

    def waiting(self):
        run = self.submit(workflow=GATE)["id"]
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run}/tasks?state=awaiting_approval")
                      .body["tasks"], "the approval to be awaited")
        return run

    def test_an_approval_counts_once(self):
        run = self.waiting()
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"})
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"}, expect=409)

    def test_a_viewer_cannot_approve_what_waits(self):
        run = self.waiting()
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"},
                 token=self.new_token("viewer", "default"), expect=403)

    def test_who_is_not_named_cannot_approve(self):
        run = self.submit(workflow=GATE.replace("{}}", "{by: [user:ann]}}"))["id"]
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run}/tasks?state=awaiting_approval")
                      .body["tasks"], "the approval to be awaited")
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"}, expect=403)

    def test_a_key_of_somebody_else_is_another_key(self):
        mine = self.ask("POST", "/v1/runs", {"command": ["true"]}, key="k", expect=201).body
        other = self.ask("POST", "/v1/runs", {"command": ["true"]}, key="k", expect=201,
                         token=self.new_token("developer", "default")).body
        self.assertNotEqual(mine["run"]["id"], other["run"]["id"])


class RequestForgery(Case):  # API7: of the server's own requests, and of a session's
    def cookie(self):
        self.ask("PUT", "/v1/users/ann", {"password": "correct horse", "role": "developer"})
        made = self.ask("POST", "/v1/sessions", {"user": "ann", "password": "correct horse"},
                        token=None, expect=201)
        return made.cookies[0].partition(";")[0], made.body["session"]["csrf_token"]

    def test_a_cookie_alone_changes_nothing(self):
        cookie, csrf = self.cookie()
        for sent in ({}, {"x-csrf-token": ""}, {"x-csrf-token": csrf[:-1]},
                     {"x-csrf-token": "0" * len(csrf)}):
            reply = self.ask("POST", "/v1/runs", {"command": ["true"]}, token=None, expect=403,
                             headers={"cookie": cookie, **sent})
            self.assertEqual(reply.body["type"], "urn:reeve:problem:csrf-token-missing")
        self.ask("POST", "/v1/runs", {"command": ["true"]}, token=None, expect=201,
                 headers={"cookie": cookie, "x-csrf-token": csrf})

    def test_the_token_of_one_session_is_of_no_use_to_another(self):
        _, first = self.cookie()
        second, _ = self.cookie()
        self.ask("POST", "/v1/runs", {"command": ["true"]}, token=None, expect=403,
                 headers={"cookie": second, "x-csrf-token": first})

    def test_forms_of_other_sites_are_not_read(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            self.ask("POST", "/v1/sessions", '{"user": "ann", "password": "x"}', token=None,
                     content_type=kind, expect=415)

    def test_tasks_do_not_reach_the_service_or_the_machine(self):
        host, port = self.address
        code = (f"import socket; s = socket.socket(); s.settimeout(2); "
                f"s.connect(('{host}', {port}))")
        run = self.submit(command=["python3", "-c", code])["id"]
        self.assertEqual(self.ended(run)["state"], "failed")

    def test_the_host_that_is_named_makes_no_link(self):
        reply = self.ask("POST", "/v1/runs", {"command": ["true"]}, expect=201,
                         headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
        self.assertNotIn("evil", str(reply.headers) + reply.raw.decode())
        self.assertTrue(reply.headers["location"].startswith("/v1/runs/"))


class Misconfiguration(Case):  # API8
    def test_files_of_the_state_are_private(self):
        self.ask("PUT", "/v1/secrets/x", {"value": "y"})
        for name in ("admin.token", "security.db", "answers.db", "secrets.key", "api.sock",
                     "audit/signing.key"):
            self.assertEqual(os.stat(self.state / name).st_mode & 0o077, 0, name)

    def test_other_machines_are_served_over_tls_only(self):
        done = self.reeve("serve", "--listen", "0.0.0.0:0", "--state", self.directory / "s2",
                          expect=2)
        self.assertIn("tls", done.stderr)

    def test_errors_say_nothing_of_the_inside(self):
        for target in ("/v1/runs/%2e%2e", "/v1/runs?cursor=%27%3B--", "/v1/runs?label=%27=1"):
            text = self.ask("GET", target, expect=None).raw.decode()
            for inside in ("sqlite", "SELECT", ".cc", str(self.state)):
                self.assertNotIn(inside, text)

    def test_other_origins_are_given_nothing(self):
        reply = self.ask("GET", "/v1/whoami", headers={"origin": "https://evil.example"})
        self.assertNotIn("access-control-allow-origin", reply.headers)
        options = self.raw("OPTIONS", "/v1/runs", {"Origin": "https://evil.example"})
        self.assertNotIn("access-control-allow-origin", options.headers)

    def test_two_lengths_are_no_request(self):
        for head in (b"Content-Length: 4\r\nContent-Length: 5\r\n",
                     b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                     b"Transfer-Encoding: chunked, identity\r\n"):
            with socket.create_connection(self.address, timeout=30) as connection:
                connection.sendall(b"POST /v1/runs HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n")
                connection.shutdown(socket.SHUT_WR)
                self.assertIn(connection.recv(4096).split(b" ")[1:2], ([b"400"], [b"501"], []))


class Inventory(Case):  # API9
    def test_there_is_one_version(self):
        self.assertEqual(self.ask("GET", "/version", token=None).body["api"], "v1")
        for path in ("/v0/runs", "/v2/runs", "/api/runs", "/internal/runs", "/debug", "/admin"):
            self.assertEqual(self.raw("GET", path).status, 404)

    def test_what_answers_is_described(self):
        paths = self.description.document["paths"]
        self.assertGreaterEqual(sum(len(each) for each in paths.values()), 58)

    def test_every_change_says_which_right_it_takes(self):
        for path, methods in self.description.document["paths"].items():
            for method, operation in methods.items():
                if method != "get" and not path.startswith(("/v1/sessions", "/v1/auth/")):
                    self.assertIn("x-reeve-action", operation, f"{method} {path}")

    def test_who_is_local_is_known_by_the_kernel(self):
        connection = UnixConnection(self.state / "api.sock")
        self.addCleanup(connection.close)
        who = self.ask("GET", "/v1/whoami", token=None, connection=connection,
                       headers={"x-user": "root", "forwarded": "for=1.2.3.4"}).body["identity"]
        self.assertEqual(who["subject"], f"local:{os.geteuid()}")

    def test_what_was_refused_is_in_the_audit_log(self):
        self.ask("GET", "/v1/users", token=self.new_token("viewer", "default"), expect=403)
        found = self.wait_for(lambda: [each for each in self.ask("GET", "/v1/audit").body["audit"]
                                       if each["result"] == "refused"], "the record")
        self.assertEqual(found[0]["object"], "/v1/users")
        self.assertTrue(self.ask("GET", "/v1/audit/verify").body["proof"]["is_sound"])


class UnsafeConsumption(Case):  # API10: of what others send
    def test_text_that_is_no_text(self):
        for body in (b'{"command": ["\xff\xfe"]}', b'{"command": ["\\u0000"]}', b"\xef\xbb\xbf{}",
                     b'{"command": ["a"], "command": ["b"]}'):
            reply = self.raw("POST", "/v1/runs",
                             {"Authorization": f"Bearer {self.token}", "Idempotency-Key": "x",
                              "Content-Type": "application/json"}, body.decode("latin-1"))
            self.assertIn(reply.status, (400, 422), body)

    def test_what_a_task_prints_stays_text(self):
        run = self.submit(command=["printf", "%s", "<script>alert(1)</script>\\033[2J"])["id"]
        self.ended(run)
        reply = self.ask("GET", f"/v1/runs/{run}/tasks/main/logs")
        self.assertTrue(reply.headers["content-type"].startswith("text/plain"))
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")

    def test_names_do_not_break_a_stream(self):
        run = self.submit(command=["true"], name="x\n\ndata: {}\n\nid: 9-9")["id"]
        self.ended(run)
        self.assertTrue(self.events(f"/v1/runs/{run}/events"))

    def test_expressions_in_inputs_are_values(self):
        flow = ("name: x\ninputs: {who: {type: string}}\n"
                "tasks: {a: {command: [echo, '${{ inputs.who }}']}}\n")
        for who in ("${{ secrets.x }}", "$(id)", "`id`"):
            run = self.submit(workflow=flow, inputs={"who": who})["id"]
            self.ended(run)
            self.assertEqual(self.ask("GET", f"/v1/runs/{run}/tasks/a/logs").body, who + "\n")

    def test_a_bulk_of_nonsense_is_refused_line_by_line(self):
        lines = ["{}", "[]", "nul", json.dumps({"command": ["true"]}), '{"command": 1}']
        reply = self.ask("POST", "/v1/runs:bulk?mode=each", "\n".join(lines),
                         content_type="application/x-ndjson", expect=207).body
        self.assertEqual(([each["index"] for each in reply["accepted"]],
                          [each["index"] for each in reply["refused"]]), ([3], [0, 1, 2, 4]))


if __name__ == "__main__":
    unittest.main()
