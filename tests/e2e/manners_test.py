"""What a service says of itself and takes from others: methods, bodies, the settings that hold, and
logs that are followed over a break."""

import gzip
import http.client
import json
import signal
import unittest

from service_case import ServiceCase


class HttpTest(ServiceCase):
    def test_options_and_allow_name_all_methods(self):
        for path, methods in (("/v1/runs", "POST, GET, HEAD, OPTIONS"),
                              ("/v1/quotas/ann", "GET, HEAD, PUT, DELETE, OPTIONS"),
                              ("/livez", "GET, HEAD, OPTIONS"),
                              ("/v1/lint", "POST, OPTIONS")):
            reply = self.raw("OPTIONS", path)
            self.assertEqual((reply.status, reply.headers["allow"], reply.raw),
                             (204, methods, b""))
            for method in methods.split(", "):
                self.assertNotEqual(self.raw(method, path).status, 405, f"{method} {path}")
            reply = self.raw("PATCH", path)
            self.assertEqual((reply.status, reply.headers["allow"]), (405, methods))
        self.assertEqual(self.raw("OPTIONS", "/nothing").status, 404)

    def test_a_body_that_is_packed_is_refused_and_says_so(self):
        body = gzip.compress(json.dumps({"command": ["true"]}).encode())
        for coding in ("gzip", "zstd", "identity, gzip"):
            reply = self.ask("POST", "/v1/runs", body, headers={"content-encoding": coding},
                             content_type="application/json; charset=utf-8", expect=415)
            self.assertIn("Content-Encoding", reply.body["detail"])
        self.ask("POST", "/v1/runs", {"command": ["true"]}, expect=201,
                 headers={"Content-Encoding": "identity"})

    def test_a_field_that_is_there_twice_is_refused(self):
        for text in ('{"command":["true"],"command":["false"]}',
                     '{"command":["true"],"\\u0063ommand":["false"]}',
                     '{"command":["true"],"labels":{"a":"1","a":"2"}}'):
            for path, kind in (("/v1/runs", "application/json"),
                               ("/v1/runs:bulk", "application/x-ndjson")):
                reply = self.ask("POST", path, text, content_type=f"{kind}; charset=utf-8",
                                 expect=(400, 422))
                self.assertIn("twice", json.dumps(reply.body))
        self.assertEqual(self.ask("GET", "/v1/runs").body["runs"], [])
        odd = {"command": ["sh", "-c", 'echo "a:b" \\ :'], "labels": {"a:b": ":", '"': "\\"}}
        self.ask("POST", "/v1/runs", odd, expect=(201, 422))
        odd.pop("labels")
        self.submit(odd)

    def test_what_is_expected_and_not_done_has_its_name(self):
        connection = self.connection()
        self.addCleanup(connection.close)
        connection.putrequest("GET", "/livez")
        connection.putheader("Expect", "200-ok")
        connection.endheaders()
        reply = connection.getresponse()
        self.assertEqual((reply.status, reply.reason), (417, "Expectation Failed"))
        self.assertEqual(json.loads(reply.read())["title"], "Expectation Failed")


class AddressTest(ServiceCase):
    def refused(self, address, status):
        return self.reeve("serve", "--listen", address, "--state", self.directory / "other",
                          expect=status).stderr

    def test_an_address_that_is_none_or_taken_is_said(self):
        self.assertIn("no address to listen at", self.refused("7433", 2))
        self.assertIn("no address to listen at", self.refused("127.0.0.1:port", 6))
        self.assertIn("another program listens there",
                      self.refused("{}:{}".format(*self.address), 6))


class SettingsTest(ServiceCase):
    options = ("-j", "2")

    def settings(self):
        return {each["name"]: each for each in self.ask("GET", "/v1/config").body["settings"]}

    def write_settings(self, text):
        (self.state / "reeve.toml").write_text(text, encoding="utf-8")
        return self.ask("POST", "/v1/config/reload").body["changes"]

    def test_options_are_shown_as_settings(self):
        shown = self.settings()
        self.assertEqual((shown["server.listen"]["value"], shown["server.listen"]["origin"],
                          shown["server.listen"]["place"]), ("127.0.0.1:0", "flag", "--listen"))
        self.assertEqual((shown["engine.jobs"]["value"], shown["engine.jobs"]["place"]),
                         ("2", "--jobs"))
        self.write_settings("[engine]\nsandbox = 'native'\n")
        self.restart_service(signal.SIGTERM)
        self.ask("POST", "/v1/config/reload")
        self.assertEqual(self.settings()["engine.sandbox"]["origin"], "file")

    def test_what_takes_a_restart_is_shown_as_it_holds(self):
        before = self.settings()["server.connections_max"]
        for _ in range(2):
            changes = self.write_settings("[server]\nconnections_max = 77\nstreams_max = 9\n")
            self.assertIn(("server.connections_max", "77", False),
                          [(each["name"], each["after"], each["live"]) for each in changes])
        self.assertEqual(self.settings()["server.connections_max"], before)
        self.assertEqual(self.settings()["server.streams_max"]["value"], 9)
        self.restart_service(signal.SIGTERM)
        self.assertEqual(self.settings()["server.connections_max"]["value"], 77)

    def test_a_cluster_file_that_is_gone_rules_no_more(self):
        file = self.state / "cluster.yaml"
        file.write_text("scheduling: {quotas: [{user: ann, max_running: 7}]}\n"
                        "queues: {fast: {weight: 3}}\n", encoding="utf-8")
        self.ask("POST", "/v1/config/reload")
        self.wait_for(lambda: self.ask("GET", "/v1/quotas").body["quotas"], "the quota")
        file.unlink()
        self.ask("POST", "/v1/config/reload")
        self.wait_for(lambda: not self.ask("GET", "/v1/quotas").body["quotas"], "no quota")
        self.assertNotIn("fast", [each["name"] for each in
                                  self.ask("GET", "/v1/queues").body["queues"]])
        self.ended(self.submit(command=["true"])["id"])

    def test_what_was_never_set_is_said_alike_everywhere(self):
        at_service = ("--server", f"unix:{self.state / 'api.sock'}")
        for name, status in (("log.level", 0), ("log.levle", 3)):
            there = self.reeve(*at_service, "config", "history", name, expect=None)
            here = self.reeve("config", "history", name, "--state", self.state, expect=None)
            self.assertEqual((there.returncode, there.stdout, there.stderr),
                             (here.returncode, here.stdout, here.stderr))
            self.assertEqual(there.returncode, status)
        self.assertIn("did you mean 'log.level'", there.stderr)
        refused = self.reeve(*at_service, "config", "unset", "log.level", expect=3)
        self.assertIn("log.level is not set here", refused.stderr)

    def test_commands_without_a_verb_show_what_there_is(self):
        for command, verb in (("config", "show"), ("secret", "ls"), ("flag", "ls"),
                              ("audit", "ls")):
            at = ("--server", f"unix:{self.state / 'api.sock'}", command)
            self.assertEqual(self.reeve(*at, "-o", "name").stdout,
                             self.reeve(*at, verb, "-o", "name").stdout)

    def test_who_gives_no_token_is_told_how_to(self):
        address = "http://{}:{}".format(*self.address)
        refused = self.reeve("--server", address, "ls", expect=4)
        self.assertIn("REEVE_TOKEN", refused.stderr)


class LogStreamTest(ServiceCase):
    def follow(self, task, last=None, seconds=30):
        """(status, {attempt: text}, ids of events, last id for going on)"""
        connection = http.client.HTTPConnection(*self.address, timeout=seconds)
        self.addCleanup(connection.close)
        headers = {"Authorization": f"Bearer {self.token}"}
        if last is not None:
            headers["Last-Event-ID"] = last
        connection.request("GET", f"{task}/logs/stream", headers=headers)
        reply = connection.getresponse()
        texts, ids = {}, []
        for line in reply:
            if line.startswith(b"id: "):
                last = line[4:].strip().decode()
            if line.startswith(b"data: {\"specversion"):
                event = json.loads(line[6:])
                ids.append(event["id"])
                data = event["data"]
                texts[data["attempt"]] = texts.get(data["attempt"], "") + data["text"]
        return reply.status, texts, ids, last

    def test_goes_on_without_a_gap_and_ends_for_good(self):
        script = 'printf "1\\n2\\n" >&2; echo 3'
        run = self.submit(workflow=f"name: f\ntasks: {{a: {{run: '{script}'}}}}\n")
        self.ended(run["id"])
        task = f"/v1/runs/{run['id']}/tasks/a"
        status, texts, ids, last = self.follow(task)
        self.assertEqual((status, sorted("".join(texts.values()).split())), (200, ["1", "2", "3"]))
        self.assertGreater(len(ids), 1)
        self.assertEqual(len(set(ids)), len(ids), "ids of events are all different")
        self.assertEqual(self.follow(task, last)[:2], (204, {}), "no browser comes again")
        self.assertEqual(self.follow(task, "")[1], texts)
        for bad in ("x", "1", "0-9", "99999-1", f"{2**63}-1", "1-1-1", "-1-1"):
            self.assertEqual(self.follow(task, bad)[0], 400, bad)

    def test_what_another_attempt_has_followed_is_told_to_its_end(self):
        script = "echo one; if [ -e ../../mark ]; then echo two; else touch ../../mark; exit 1; fi"
        run = self.submit(workflow=f"name: f\ntasks: {{a: {{run: '{script}'}}}}\n")
        self.ended(run["id"])
        task = f"/v1/runs/{run['id']}/tasks/a"
        _, first, _, last = self.follow(task)
        self.ask("POST", f"/v1/runs/{run['id']}/retry", {})
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run['id']}").body["run"]["round"] == 2,
                      "the retry")
        self.ended(run["id"])
        self.assertEqual(list(first), [1])
        self.assertEqual(self.follow(task, last)[:2], (204, {}))
        self.assertEqual(self.follow(task, "0-1")[1], first)
        self.assertEqual(list(self.follow(task)[1]), [2])

    def test_a_task_that_waits_is_followed_into_its_attempt(self):
        self.ask("PUT", "/v1/quotas/*", {"running_max": 0})
        run = self.submit(command=["echo", "at last"])["id"]
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run}/tasks").body["tasks"], "the task")
        connection = self.connection()
        self.addCleanup(connection.close)
        connection.request("GET", f"/v1/runs/{run}/tasks/main/logs/stream",
                           headers={"Authorization": f"Bearer {self.token}"})
        reply = connection.getresponse()
        self.assertEqual(reply.readline(), b": reeve\n")
        self.ask("DELETE", "/v1/quotas/*", expect=204)
        self.assertIn(b"at last", reply.read())


if __name__ == "__main__":
    unittest.main()
