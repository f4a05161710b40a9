"""What is given by name and who may have it, over HTTP: secrets, flags, roles, users and their
sessions, tokens, the audit log, and the settings."""

import json
import os
import pathlib
import signal
import unittest

from service_case import ServiceCase

USES = ("name: uses\nsecrets: [DEPLOY]\ntasks:\n  a:\n    run: |\n"
        "      test \"$(cat $REEVE_SECRET_DEPLOY)\" = s3cret-value\n")


class SecretTest(ServiceCase):
    def test_a_secret_is_set_used_and_removed(self):
        made = self.ask("PUT", "/v1/secrets/DEPLOY", {"value": "s3cret-value"})
        self.assertEqual((made.body["secret"]["version"], made.headers["etag"]), (1, '"1"'))
        listed = self.ask("GET", "/v1/secrets").body["secrets"]
        self.assertEqual([(each["name"], each["size_bytes"]) for each in listed], [("DEPLOY", 12)])
        run = self.submit(workflow=USES)["id"]
        self.assertEqual(self.ended(run)["state"], "succeeded")
        self.ask("DELETE", "/v1/secrets/DEPLOY", expect=204)
        self.ask("DELETE", "/v1/secrets/DEPLOY", expect=404)

    def test_versions(self):
        self.ask("PUT", "/v1/secrets/x", {"value": "1"}, headers={"if-none-match": "*"})
        self.ask("PUT", "/v1/secrets/x", {"value": "1"}, headers={"if-none-match": "*"}, expect=412)
        self.ask("PUT", "/v1/secrets/x", {"value": "2"}, headers={"if-match": '"1"'})
        self.ask("PUT", "/v1/secrets/x", {"value": "3"}, headers={"if-match": '"1"'}, expect=412)
        self.ask("DELETE", "/v1/secrets/x", headers={"if-match": '"1"'}, expect=412)
        self.ask("DELETE", "/v1/secrets/x", headers={"if-match": '"2"'}, expect=204)

    def test_namespaces(self):
        token = self.new_token("developer", "mine")
        self.ask("PUT", "/v1/secrets/x", {"value": "1"}, token=token)
        self.ask("PUT", "/v1/secrets/x?namespace=other", {"value": "1"}, token=token, expect=403)
        self.assertEqual(self.ask("GET", "/v1/secrets?namespace=mine").body["secrets"][0]["name"],
                         "x")
        self.assertEqual(self.ask("GET", "/v1/secrets").body["secrets"], [])

    def test_who_may_not_use_secrets_may_not_submit_what_does(self):
        self.ask("PUT", "/v1/secrets/DEPLOY", {"value": "s3cret-value"})
        self.ask("PUT", "/v1/roles/runner", {"actions": ["runs.submit", "runs.read"]})
        runner = self.new_token("runner", "default")
        self.ask("POST", "/v1/runs", {"command": ["true"]}, token=runner, expect=201)
        self.ask("POST", "/v1/runs", {"workflow": USES}, token=runner, expect=403)
        line = json.dumps({"workflow": USES})
        self.ask("POST", "/v1/runs:bulk", line, token=runner, expect=422,
                 content_type="application/x-ndjson")

    def test_wrong_names_and_values(self):
        self.ask("PUT", "/v1/secrets/a.b", {"value": "x"}, expect=(400, 422))
        self.ask("PUT", "/v1/secrets/x", {}, expect=422)
        self.ask("PUT", "/v1/secrets/x", {"value": "x" * 70_000}, expect=422)


ASKS = """
name: asks
tasks:
  a:
    secrets: [REEVE_TOKEN]
    run: |
      cp "$REEVE_SECRET_REEVE_TOKEN" token.part && mv token.part token
      cat "$REEVE_SECRET_REEVE_TOKEN"
      until test -e go; do sleep 0.05; done
  b: {run: 'env | grep -c REEVE_SECRET || true'}
"""


class AttemptTest(ServiceCase):
    def setUp(self):
        super().setUp()
        self.work = self.state / "work" / "default"

    def start_attempt(self):
        run = self.submit(workflow=ASKS)["id"]
        self.wait_for((self.work / "token").exists, "the token")
        return run, (self.work / "token").read_text(encoding="utf-8").strip()

    def test_its_token_reaches_its_own_run_only(self):
        other = self.submit(command=["true"])["id"]
        self.ended(other)
        run, token = self.start_attempt()
        who = self.ask("GET", "/v1/whoami", token=token).body["identity"]
        self.assertEqual(who["subject"], f"attempt:{run}/a#1")
        for path in ("", "/tasks", "/graph", "/tasks/b/logs"):
            self.ask("GET", f"/v1/runs/{run}{path}", token=token)
        for path in (f"/v1/runs/{other}", f"/v1/runs/{other}/tasks/main/logs",
                     f"/v1/runs/{other}/events", "/v1/runs", "/v1/events", "/v1/secrets",
                     "/v1/queues", "/v1/tokens"):
            self.ask("GET", path, token=token, expect=403)
        for path, body in ((f"/v1/runs/{run}/cancel", {}), ("/v1/runs", {"command": ["true"]}),
                           ("/v1/tokens", {"label": "x"})):
            self.ask("POST", path, body, token=token, expect=403)
        self.assertTrue(self.events(f"/v1/runs/{run}/events", count=2, token=token))

    def test_it_ends_with_the_attempt_and_is_masked(self):
        run, token = self.start_attempt()
        self.ask("GET", f"/v1/runs/{run}", token=token)
        self.restart_service()
        self.ask("GET", f"/v1/runs/{run}", token=token)
        (self.work / "go").touch()
        self.assertEqual(self.ended(run)["state"], "succeeded")
        for path in (f"/v1/runs/{run}", "/v1/whoami", f"/v1/runs/{run}/events"):
            self.ask("GET", path, token=token, expect=401)
        log = self.ask("GET", f"/v1/runs/{run}/tasks/a/logs").body
        self.assertNotIn(token, log)
        self.assertIn("***", log)
        self.assertEqual(self.ask("GET", f"/v1/runs/{run}/tasks/b/logs").body.strip(), "0")

    def test_a_stream_ends_with_the_attempt_that_opened_it(self):
        run, token = self.start_attempt()
        connection = self.connection()
        self.addCleanup(connection.close)
        connection.request("GET", f"/v1/runs/{run}/events",
                           headers={"Authorization": f"Bearer {token}"})
        reply = connection.getresponse()
        self.assertEqual(reply.status, 200)
        (self.work / "go").touch()
        self.assertNotIn(b"dev.reeve.run.succeeded", reply.read())

    def test_no_secret_takes_its_name(self):
        for name in ("REEVE_TOKEN", "REEVE_URL"):
            self.ask("PUT", f"/v1/secrets/{name}", {"value": "x"}, expect=422)

    def test_the_address_is_given_where_it_is_known(self):
        flow = ASKS.replace("[REEVE_TOKEN]", "[REEVE_TOKEN, REEVE_URL]").replace(
            "until test -e go; do sleep 0.05; done", 'cp "$REEVE_SECRET_REEVE_URL" url')
        self.assertEqual(self.ended(self.submit(workflow=flow)["id"])["state"], "failed")
        self.restart_service(signal.SIGTERM, "--set", "server.public_url=https://reeve.example")
        self.assertEqual(self.ended(self.submit(workflow=flow)["id"])["state"], "succeeded")
        self.assertEqual((self.work / "url").read_text(encoding="utf-8"), "https://reeve.example")


class FlagTest(ServiceCase):
    def test_a_flag_has_versions_and_answers(self):
        rule = {"namespaces": ["team"], "labels": {"tier": "x"}, "rollout_percent": 100}
        made = self.ask("PUT", "/v1/flags/fast", {"on": True, "rollout_percent": 0,
                                                  "rules": [rule]})
        self.assertEqual(made.headers["etag"], '"1"')
        self.ask("PUT", "/v1/flags/fast", {"on": False}, headers={"if-match": '"7"'}, expect=412)
        self.assertFalse(self.ask("GET", "/v1/flags/fast/answer?subject=a").body["answer"]["on"])
        self.assertTrue(self.ask("GET", "/v1/flags/fast/answer?subject=a&namespace=team"
                                        "&label=tier=x").body["answer"]["on"])
        self.ask("PUT", "/v1/flags/fast", {"on": False}, headers={"if-match": '"1"'})
        self.assertEqual([each["version"] for each in
                          self.ask("GET", "/v1/flags/fast/history").body["flags"]], [2, 1])
        self.ask("DELETE", "/v1/flags/fast", expect=204)
        self.ask("GET", "/v1/flags/fast", expect=404)
        self.ask("PUT", "/v1/flags/fast", {"onn": True}, expect=422)


class PeopleTest(ServiceCase):
    def login(self, user, password, expect=201):
        reply = self.ask("POST", "/v1/sessions", {"user": user, "password": password}, token=None,
                         expect=expect)
        if expect != 201:
            return None
        return {"cookie": reply.cookies[0].partition(";")[0],
                "x-csrf-token": reply.body["session"]["csrf_token"]}

    def test_a_user_logs_in_acts_and_is_changed(self):
        self.ask("PUT", "/v1/users/ann", {"password": "correct horse", "role": "developer",
                                          "namespaces": ["default"]})
        self.login("ann", "wrong", 401)
        session = self.login("ann", "correct horse")
        who = self.ask("GET", "/v1/whoami", token=None, headers=session).body["identity"]
        self.assertEqual((who["subject"], who["role"]), ("user:ann", "developer"))
        run = self.ask("POST", "/v1/runs", {"command": ["true"]}, token=None, headers=session,
                       expect=201).body["run"]
        self.assertEqual(run["submitter"], "user:ann")
        self.ask("PUT", "/v1/users/ann", {"role": "viewer"})
        self.ask("GET", "/v1/whoami", token=None, headers=session, expect=401)
        self.ask("PUT", "/v1/users/ann", {"disabled": True})
        self.login("ann", "correct horse", 401)
        self.ask("DELETE", "/v1/users/ann", expect=204)
        self.ask("DELETE", "/v1/users/ann", expect=404)

    def test_a_user_approves_by_name(self):
        self.ask("PUT", "/v1/users/ann", {"password": "correct horse", "role": "operator"})
        run = self.submit(workflow="name: g\ntasks: {allow: {approval: {by: [ann]}}}\n")["id"]
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run}/tasks?state=awaiting_approval")
                      .body["tasks"], "the approval to be awaited")
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"}, expect=403)
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"}, token=None,
                 headers=self.login("ann", "correct horse"))
        self.assertEqual(self.ended(run)["state"], "succeeded")

    def test_roles(self):
        self.ask("PUT", "/v1/roles/reader", {"actions": ["runs.read"]})
        token = self.new_token("reader", "default")
        self.ask("GET", "/v1/runs", token=token)
        self.ask("GET", "/v1/queues", token=token, expect=403)
        self.ask("DELETE", "/v1/roles/reader", expect=409)
        self.ask("PUT", "/v1/roles/admin", {"actions": []}, expect=(409, 422))
        self.ask("PUT", "/v1/roles/x", {"actions": ["runs.raed"]}, expect=422)
        names = [each["name"] for each in self.ask("GET", "/v1/roles").body["roles"]]
        self.assertEqual(names, ["viewer", "operator", "developer", "admin", "reader"])

    def test_a_token_is_rotated(self):
        made = self.ask("POST", "/v1/tokens", {"label": "x"}, expect=201).body
        next_one = self.ask("POST", f"/v1/tokens/{made['token']['id']}/rotate", {},
                            expect=201).body["text"]
        self.ask("GET", "/v1/whoami", token=next_one)
        self.ask("GET", "/v1/whoami", token=made["text"], expect=401)


class AuditTest(ServiceCase):
    def test_it_is_listed_exported_and_proved(self):
        self.submit(command=["true"])
        self.ask("PUT", "/v1/secrets/x", {"value": "y"})
        page = self.ask("GET", "/v1/audit?limit=1").body
        self.assertEqual(page["audit"][0]["action"], "runs.submit")
        rest = self.ask("GET", f"/v1/audit?cursor={page['next_cursor']}").body
        self.assertEqual([each["action"] for each in rest["audit"]], ["secrets.write"])
        lines = self.ask("GET", "/v1/audit/export").body.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("secrets.write", self.ask("GET", "/v1/audit/export?format=csv").body)
        proof = self.ask("GET", "/v1/audit/verify").body["proof"]
        self.assertEqual((proof["is_sound"], proof["records"]), (True, 2))

    def test_who_has_one_namespace_sees_its_records(self):
        admin = self.new_token("admin", "mine")
        self.ask("PUT", "/v1/secrets/a", {"value": "y"}, token=admin)
        self.ask("PUT", "/v1/secrets/b", {"value": "y"})
        seen = self.ask("GET", "/v1/audit", token=admin).body["audit"]
        self.assertEqual({each["namespace"] for each in seen}, {"mine"})


class SettingsTest(ServiceCase):
    def values(self):
        return {each["name"]: each for each in self.ask("GET", "/v1/config").body["settings"]}

    def test_the_file_counts_and_is_read_again(self):
        file = self.write(".reeve/reeve.toml", "[server]\nbody_bytes_max = '1Mi'\n")
        self.restart_service(signal.SIGTERM)
        shown = self.values()["server.body_bytes_max"]
        self.assertEqual((shown["value"], shown["origin"]), (1 << 20, "file"))
        self.ask("POST", "/v1/lint", {"workflow": "x" * (2 << 20)}, expect=413)
        file.write_text("[server]\nbody_bytes_max = '2Mi'\n[engine]\ncluster = 'c.yaml'\n",
                        encoding="utf-8")
        self.ask("POST", "/v1/config/reload", expect=(400, 422))
        self.write("c.yaml", "queues: {fast: {weight: 3}}\n")
        changes = self.ask("POST", "/v1/config/reload").body["changes"]
        self.assertEqual({(each["name"], each["live"]) for each in changes},
                         {("server.body_bytes_max", False), ("engine.cluster", True)})
        self.wait_for(lambda: "fast" in [each["name"] for each in
                                         self.ask("GET", "/v1/queues").body["queues"]], "the queue")

    def test_sighup_reads_it_too(self):
        self.write(".reeve/reeve.toml", "[engine]\ncluster = 'c.yaml'\n")
        self.write("c.yaml", "queues: {slow: {weight: 1}}\n")
        self.service.send_signal(signal.SIGHUP)
        self.wait_for(lambda: "slow" in [each["name"] for each in
                                         self.ask("GET", "/v1/queues").body["queues"]], "the queue")

    def test_a_live_setting_is_set_with_versions_and_stays(self):
        name = "/v1/config/engine.runs_max"
        before = self.ask("GET", name)
        self.assertEqual(before.body["setting"]["origin"], "default")
        made = self.ask("PUT", name, {"value": 1}, headers={"If-None-Match": "*"})
        self.assertEqual((made.body["setting"]["value"], made.body["setting"]["origin"],
                          made.headers["etag"]), (1, "api", '"1"'))
        # It holds at once: one run that waits, and no second.
        gate = "tasks: {main: {approval: {}}}"
        self.submit(workflow=gate)
        self.ask("POST", "/v1/runs", {"workflow": gate}, expect=429)
        self.ask("PUT", name, {"value": 2}, headers={"If-None-Match": "*"}, expect=412)
        self.ask("PUT", name, {"value": 2}, headers={"If-Match": '"1"'})
        self.ask("PUT", name, {"value": 3}, headers={"If-Match": '"1"'}, expect=412)
        self.restart_service()
        self.assertEqual(self.ask("GET", name).body["setting"]["value"], 2)
        self.assertIn("version 2 by token:", self.ask("GET", name).body["setting"]["place"])
        self.ask("DELETE", name, expect=204)
        self.assertEqual(self.ask("GET", name).body["setting"]["origin"], "default")
        versions = self.ask("GET", f"{name}/history").body["versions"]
        self.assertEqual([each["value"] for each in versions], [None, "2", "1"])
        changes = [each["object"] for each in self.ask("GET", "/v1/audit").body["audit"]
                   if each["action"] == "settings.write" and each["result"] == "allowed"]
        self.assertGreaterEqual(changes.count("setting/engine.runs_max"), 3)

    def test_what_may_not_be_set_over_the_api_says_why(self):
        for name, value, status, said in (
                ("engine.runs_maxx", 1, 404, "did you mean 'engine.runs_max'?"),
                ("engine.runs_max", "many", 422, "number"),
                ("engine.runs_max", -1, 422, ""),
                ("engine.runs_max", [1], 422, "number"),
                ("server.listen", "0.0.0.0:80", 422, "reeve.toml"),
                ("secrets.key_file", "/etc/shadow", 422, "reeve.toml"),
                ("engine.cluster", "/etc/shadow", 422, "reeve.toml"),
                ("auth.oidc.issuer", "https://evil.example", 422, "reeve.toml")):
            reply = self.ask("PUT", f"/v1/config/{name}", {"value": value}, expect=status)
            self.assertIn(said, json.dumps(reply.body), name)
        self.restart_service(signal.SIGTERM, "--set", "engine.runs_max=5")
        over = self.ask("PUT", "/v1/config/engine.runs_max", {"value": 1}, expect=409).body
        self.assertIn("--set", over["detail"])
        self.ask("PUT", "/v1/config/log.level", {"value": "debug"},
                 token=self.new_token("operator"), expect=403)

    def test_what_is_wrong_is_refused_with_its_place(self):
        self.stop_service()
        for text, said in (("[server]\nlisten = 7\n", "reeve.toml:2"),
                           ("[server]\nlsten = 'x'\n", "did you mean 'server.listen'?"),
                           ("[sever]\n", "sever"), ("[log]\nlevel = 'loud'\n", "log.level")):
            self.write(".reeve/reeve.toml", text)
            done = self.reeve("serve", "--listen", "127.0.0.1:0", expect=6)
            self.assertIn(said, done.stderr)

    def test_the_command_line_is_stronger(self):
        self.write(".reeve/reeve.toml", "[auth]\nlogin_failures = 2\n")
        self.restart_service(signal.SIGTERM, "--set", "auth.login_failures=3")
        shown = self.values()["auth.login_failures"]
        self.assertEqual((shown["value"], shown["origin"]), (3, "flag"))

    def test_the_key_of_secrets_may_lie_elsewhere(self):
        key = pathlib.Path(self.directory, "key")
        self.restart_service(signal.SIGTERM, "--set", f"secrets.key_file={key}")
        self.ask("PUT", "/v1/secrets/DEPLOY", {"value": "s3cret-value"})
        self.assertEqual(os.stat(key).st_mode & 0o077, 0)
        run = self.submit(workflow=USES)["id"]
        self.assertEqual(self.ended(run)["state"], "succeeded")


if __name__ == "__main__":
    unittest.main()
