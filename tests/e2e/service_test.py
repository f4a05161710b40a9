"""The service as its clients see it: runs over HTTP, keys, streams that go on where they broke off,
hostile requests, and what a kill -9 leaves. Each request and reply is held against /openapi.json.
Who may do what is in access_test.py and owasp_test.py."""

import json
import os
import signal
import socket
import stat
import threading
import unittest
import uuid

from service_case import ServiceCase, UnixConnection

BUILD = """
name: build
inputs:
  target: {type: string, default: x86}
tasks:
  compile:
    run: echo compiling ${{ inputs.target }}; echo warned >&2
  test:
    needs: [compile]
    array: 0-2
    run: echo testing $REEVE_ARRAY_INDEX
"""
APPROVAL = """
name: release
tasks:
  allow:
    approval: {}
  deploy:
    needs: [allow]
    run: echo deployed
"""
FAILS = """
name: fails
tasks:
  first:
    run: test -e "$PWD/again" || { touch "$PWD/again"; exit 3; }
"""


class Case(ServiceCase):
    def awaited(self, run):
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run}/tasks?state=awaiting_approval")
                      .body["tasks"], "the approval to be awaited")


class ProbeTest(Case):
    def test_probes_need_no_token(self):
        for path in ("/livez", "/readyz", "/version", "/openapi.json", "/schema/workflow.json"):
            self.ask("GET", path, token=None)

    def test_everything_else_does(self):
        for path, operations in self.description.document["paths"].items():
            if not path.startswith("/v1/"):
                continue
            for method in operations:
                if operations[method].get("security") == []:
                    continue
                reply = self.raw(method.upper(), path.replace("{", "").replace("}", ""))
                self.assertEqual(reply.status, 401, f"{method} {path}")
                self.assertEqual(reply.headers["www-authenticate"], "Bearer")

    def test_wrong_tokens_are_refused_alike(self):
        said = set()
        for token in ("x", self.token[:-1], self.token[:-1] + "0", "reeve_" + "0" * 72, "a" * 5000):
            reply = self.ask("GET", "/v1/runs", token=token, expect=401)
            said.add(reply.body["detail"])
        self.assertEqual(len(said), 1, said)

    def test_the_token_of_the_administrator_is_private(self):
        mode = os.stat(self.state / "admin.token").st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.state / "api.sock").st_mode), 0o600)

    def test_the_unix_socket_knows_who_comes(self):
        connection = UnixConnection(self.state / "api.sock")
        self.addCleanup(connection.close)
        reply = self.ask("GET", "/v1/whoami", token=None, connection=connection)
        self.assertEqual(reply.body["identity"]["subject"], f"local:{os.geteuid()}")

    def test_what_is_not_there(self):
        self.assertEqual(self.raw("GET", "/").status, 404)
        self.assertEqual(self.raw("GET", "/v1/runs/../../etc/passwd").status, 404)
        reply = self.raw("PUT", "/v1/runs")
        self.assertEqual((reply.status, reply.headers["allow"]), (405, "POST, GET, HEAD, OPTIONS"))

    def test_it_ends_when_told_to(self):
        self.assertEqual(self.stop_service(), 0)


class RunTest(Case):
    def test_a_command(self):
        run = self.submit(command=["sh", "-c", "echo out; echo err >&2"], name="two lines",
                          labels={"team": "x"}, priority=3)
        self.assertEqual((run["name"], run["priority"], run["labels"]),
                         ("two lines", 3, {"team": "x"}))
        self.assertEqual(self.ended(run["id"])["state"], "succeeded")
        path = f"/v1/runs/{run['id']}/tasks/main"
        self.assertEqual(self.ask("GET", f"{path}/logs").body, "out\nerr\n")
        self.assertEqual(self.ask("GET", f"{path}/logs?stream=stderr").body, "err\n")
        self.assertEqual(self.ask("GET", f"{path}/attempts/1/logs?grep=^o").body, "out\n")
        self.assertEqual(self.ask("GET", f"{path}/logs?tail=1").body, "err\n")
        lines = self.ask("GET", f"{path}/logs", headers={"accept": "application/json"}).body
        self.assertEqual([each["text"] for each in lines["lines"]], ["out", "err"])
        behind = self.ask("GET", f"{path}/logs?from={lines['position']}")
        self.assertEqual(behind.body, "")
        self.ask("GET", f"{path}/logs?from=25", expect=422)
        self.ask("GET", f"{path}/logs?grep=(a)%5C1", expect=400)
        self.assertEqual(self.ask("GET", f"{path}/attempts/1").body["attempt"]["number"], 1)
        self.ask("GET", f"{path}/attempts/2", expect=404)

    def test_a_workflow_and_its_views(self):
        run = self.submit(workflow=BUILD, inputs={"target": "arm"})
        self.assertEqual(self.ended(run["id"])["state"], "succeeded")
        shown = self.ask("GET", f"/v1/runs/{run['number']}").body["run"]
        self.assertEqual([group["name"] for group in shown["groups"]], ["compile", "test"])
        graph = self.ask("GET", f"/v1/runs/{run['id']}/graph").body["graph"]
        self.assertEqual(graph["edges"],
                         [{"from": "compile", "to": "test", "condition": "success"}])
        timeline = self.ask("GET", f"/v1/runs/{run['id']}/timeline").body["timeline"]
        self.assertEqual(len(timeline["entries"]), 4)
        tasks = self.ask("GET", f"/v1/runs/{run['id']}/tasks?group=test&limit=2").body
        self.assertEqual([task["name"] for task in tasks["tasks"]], ["test[0]", "test[1]"])
        more = self.ask("GET", f"/v1/runs/{run['id']}/tasks?group=test&cursor="
                               f"{tasks['next_cursor']}").body
        self.assertEqual(([task["name"] for task in more["tasks"]], more["next_cursor"]),
                         (["test[2]"], None))
        self.assertEqual(self.ask("GET", f"/v1/runs/{run['id']}/tasks/test%5B1%5D/logs").body,
                         "testing 1\n")
        self.ask("GET", f"/v1/runs/{run['id']}/explain?task=test")
        self.ask("GET", f"/v1/runs/{run['id']}/explain")
        self.ask("GET", f"/v1/runs/{run['id']}/tasks/nothing", expect=404)

    def test_the_command_line_prints_the_same_objects(self):
        run = self.submit(workflow=BUILD)
        self.ended(run["id"])
        shown = self.ask("GET", f"/v1/runs/{run['id']}").body
        self.assertEqual(json.loads(self.reeve("show", "last", "-o", "json").stdout), shown)
        listed = self.ask("GET", "/v1/runs").body
        del listed["next_cursor"]
        self.assertEqual(json.loads(self.reeve("ls", "-o", "json").stdout), listed)
        explained = self.ask("GET", "/v1/runs/last/explain?task=compile").body
        self.assertEqual(json.loads(self.reeve("explain", "last/compile", "-o", "json").stdout),
                         explained)
        task = self.ask("GET", "/v1/runs/last/tasks/compile").body
        self.assertEqual(json.loads(self.reeve("show", "last/compile", "-o", "json").stdout), task)

    def test_yaml_as_it_is_in_a_file(self):
        run = self.ask("POST", "/v1/runs?name=mine", BUILD, content_type="application/yaml",
                       expect=201).body["run"]
        self.assertEqual((run["name"], run["workflow"]), ("mine", "build"))
        self.ended(run["id"])

    def test_lists(self):
        ids = [self.submit(command=["true"], labels={"n": str(n % 2)})["id"] for n in range(5)]
        for run in ids:
            self.ended(run)
        found, cursor = [], ""
        while cursor is not None:
            page = self.ask("GET", "/v1/runs?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            found += [run["id"] for run in page.body["runs"]]
            cursor = page.body["next_cursor"]
        self.assertEqual(found, ids[::-1])
        self.assertEqual(len(self.ask("GET", "/v1/runs?label=n=1").body["runs"]), 2)
        self.assertEqual(len(self.ask("GET", "/v1/runs?state=failed").body["runs"]), 0)
        self.assertEqual(len(self.ask("GET", "/v1/runs?name=true&state=succeeded").body["runs"]), 5)
        for bad in ("?limit=0", "?limit=x", "?cursor=zzz", "?state=odd", "?satte=failed",
                    "?since=soon", "?limit=1&limit=2", "?name=%zz"):
            self.ask("GET", f"/v1/runs{bad}", expect=400)

    def test_what_is_wrong_is_said_where(self):
        def errors(body, expect=422):
            return self.ask("POST", "/v1/runs", body, expect=expect).body
        self.assertEqual([each["pointer"] for each in
                          errors({"command": ["x"], "priorty": 1})["errors"]], ["/priorty"])
        self.assertIn("did you mean priority", errors({"command": ["x"], "priorty": 1})["detail"])
        self.assertEqual(errors({})["errors"][0]["pointer"], "")
        wrong = errors({"workflow": "name: x\ntasks:\n  a:\n    rum: echo\n"})
        self.assertEqual((wrong["type"], wrong["errors"][0]["line"]),
                         ("urn:reeve:problem:invalid-workflow", 4))
        self.assertEqual(errors({"workflow": BUILD, "inputs": {"nope": 1}})["errors"][0]["pointer"],
                         "/inputs")
        self.assertEqual(errors({"command": ["x"], "labels": {"a/b": 1}})["errors"][0]["pointer"],
                         "/labels/a~1b")
        self.assertEqual(errors({"command": ["x"], "namespace": "Not One"})["errors"][0]["pointer"],
                         "/namespace")
        big = {"command": ["x"], "resources": {"cpu": 1000}}
        self.assertEqual(errors(big)["type"], "urn:reeve:problem:unplaceable")
        free = "name: x\ntasks:\n  a:\n    run: id\n    sandbox: {tier: none}\n"
        self.assertEqual(errors({"workflow": free}, 403)["type"],
                         "urn:reeve:problem:permission-denied")

    def test_lint_and_plan(self):
        found = self.ask("POST", "/v1/lint", {"workflow": "name: x\ntasks: {a: {rum: b}}\n"}).body
        self.assertEqual(found["diagnostics"][0]["severity"], "error")
        planned = self.ask("POST", "/v1/plan", {"workflow": BUILD}).body["plan"]
        self.assertEqual([each["group"] for each in planned], ["compile", "test"])
        self.ask("POST", "/v1/plan", "nonsense: [", content_type="application/yaml", expect=422)

    def test_operations(self):
        for kind in ("queues", "pools", "nodes", "locks"):
            self.assertIn(kind, self.ask("GET", f"/v1/{kind}").body)


class ActTest(Case):
    def test_cancel(self):
        run = self.submit(command=["sleep", "60"])["id"]
        self.ask("POST", f"/v1/runs/{run}/cancel", {"reason": "enough", "grace_seconds": 1})
        self.assertEqual(self.ended(run)["cancel_reason"], "enough")
        self.ask("POST", f"/v1/runs/{run}/cancel", {}, expect=409)
        self.ask("POST", "/v1/runs/99/cancel", {}, expect=404)
        self.ask("POST", f"/v1/runs/{run}/cancel", {"reson": "x"}, expect=422)

    def test_approve_pause_resume(self):
        run = self.submit(workflow=APPROVAL)["id"]
        self.awaited(run)
        self.assertTrue(self.ask("POST", f"/v1/runs/{run}/pause", {}).body["run"]["paused"])
        self.assertFalse(self.ask("POST", f"/v1/runs/{run}/resume", {}).body["run"]["paused"])
        self.ask("POST", f"/v1/runs/{run}/approve", {}, expect=422)
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "deploy"}, expect=409)
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"})
        self.assertEqual(self.ended(run)["state"], "succeeded")

    def test_who_approves_is_who_was_named(self):
        """By the id of a token or by a role: never a label, which anybody may choose."""
        gate = APPROVAL.replace("approval: {}", "approval: {by: [ann, role:admin]}")
        other = self.new_token("operator", "default")
        made = self.ask("POST", "/v1/tokens", {"label": "ann", "role": "operator"},
                        expect=201).body
        named, name = made["text"], made["token"]["id"]
        for token, expect in ((other, 403), (named, 403), ("", 200)):
            run = self.submit(workflow=gate)["id"]
            self.awaited(run)
            self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"}, token=token,
                     expect=expect)
        exact = APPROVAL.replace("approval: {}", f"approval: {{by: ['token:{name}']}}")
        run = self.submit(workflow=exact)["id"]
        self.awaited(run)
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"}, expect=403)
        self.ask("POST", f"/v1/runs/{run}/approve", {"task": "allow"}, token=named)
        self.assertEqual(self.ended(run)["state"], "succeeded")

    def test_retry(self):
        run = self.submit(workflow=FAILS)["id"]
        self.assertEqual(self.ended(run)["state"], "failed")
        again = self.ask("POST", f"/v1/runs/{run}/retry", {})
        self.assertEqual(again.body["run"]["round"], 2)
        self.assertEqual(self.ended(run)["state"], "succeeded")

    def test_etags(self):
        run = self.submit(workflow=APPROVAL)["id"]
        self.awaited(run)
        shown = self.ask("GET", f"/v1/runs/{run}")
        etag = shown.headers["etag"]
        same = self.ask("GET", f"/v1/runs/{run}", headers={"if-none-match": etag}, expect=304)
        self.assertEqual(same.raw, b"")
        self.ask("POST", f"/v1/runs/{run}/pause", {}, headers={"if-match": '"old"'}, expect=412)
        self.ask("POST", f"/v1/runs/{run}/pause", {}, headers={"if-match": etag})
        self.ask("POST", f"/v1/runs/{run}/resume", {}, headers={"if-match": etag}, expect=412)
        self.ask("POST", f"/v1/runs/{run}/cancel", {"kill": True})
        self.ended(run)


class KeyTest(Case):
    def test_missing_malformed_reused(self):
        body = {"command": ["true"]}
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        reply = self.raw("POST", "/v1/runs", headers, json.dumps(body))
        self.assertEqual((reply.status, reply.body["type"]),
                         (400, "urn:reeve:problem:idempotency-key-missing"))
        reply = self.raw("POST", "/v1/runs", {**headers, "idempotency-key": "x" * 300},
                         json.dumps(body))
        self.assertEqual(reply.status, 400)
        first = self.ask("POST", "/v1/runs", body, key="one", expect=201)
        again = self.ask("POST", "/v1/runs", body, key="one", expect=201)
        self.assertEqual(again.body, first.body)
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.ask("POST", "/v1/runs", {"command": ["false"]}, key="one", expect=422)
        self.assertEqual(len(self.ask("GET", "/v1/runs").body["runs"]), 1)

    def test_keys_of_what_is_asked_of_runs_outlive_it_too(self):
        run = self.submit(workflow=APPROVAL)["id"]
        self.awaited(run)
        first = self.ask("POST", f"/v1/runs/{run}/pause", {}, key="stop it").body
        self.restart_service()
        again = self.ask("POST", f"/v1/runs/{run}/pause", {}, key="stop it")
        self.assertEqual((again.body, again.headers["idempotency-replayed"]), (first, "true"))
        self.ask("POST", f"/v1/runs/{run}/resume", {}, key="stop it", expect=422)
        self.ask("POST", f"/v1/runs/{run}/pause", {}, key="again", expect=409)

    def test_keys_outlive_the_service(self):
        body = {"command": ["true"], "labels": {"a": "b"}, "priority": 2}
        first = self.ask("POST", "/v1/runs", body, key="one", expect=201).body["run"]
        self.restart_service()
        again = self.ask("POST", "/v1/runs", body, key="one", expect=200)
        self.assertEqual(again.body["run"]["id"], first["id"])
        self.ask("POST", "/v1/runs", {**body, "priority": 3}, key="one", expect=422)
        self.assertEqual(len(self.ask("GET", "/v1/runs").body["runs"]), 1)

    def test_keys_belong_to_who_sends_them(self):
        other = self.new_token("developer", "default")
        self.ask("POST", "/v1/runs", {"command": ["true"]}, key="one", expect=201)
        self.ask("POST", "/v1/runs", {"command": ["echo"]}, key="one", token=other, expect=201)

    def test_many_at_once_are_one(self):
        replies = []
        body = {"command": ["true"]}

        def send():
            replies.append(self.ask("POST", "/v1/runs", body, key="same", expect=None))
        threads = [threading.Thread(target=send) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue({reply.status for reply in replies} <= {200, 201, 409})
        self.assertEqual(len(self.ask("GET", "/v1/runs").body["runs"]), 1)


class BulkTest(Case):
    options = ("-j", "1")

    def send(self, items, expect, mode="all", key=None):
        return self.ask("POST", f"/v1/runs:bulk?mode={mode}",
                        "\n".join(map(json.dumps, items)) + "\n", expect=expect,
                        key=key, content_type="application/x-ndjson").body

    def test_all_or_nothing_or_each(self):
        good = {"command": ["true"]}
        items = [good, {"command": []}, good]
        refused = self.send(items, 422)
        self.assertEqual([each["pointer"] for each in refused["errors"]], ["/1"])
        self.assertEqual(self.ask("GET", "/v1/runs").body["runs"], [])
        taken = self.send(items, 207, "each")
        self.assertEqual(([each["index"] for each in taken["accepted"]],
                          [each["index"] for each in taken["refused"]]), ([0, 2], [1]))

    def test_a_bulk_that_is_sent_again_is_there_once(self):
        workflow = {"workflow": APPROVAL.split("  deploy:")[0]}
        key = str(uuid.uuid4())
        first = self.send([workflow] * 2000, 200, key=key)
        self.assertEqual(len(first["accepted"]), 2000)
        self.restart_service()
        again = self.send([workflow] * 2000, 200, key=key)
        self.assertEqual([each["number"] for each in again["accepted"]],
                         [each["number"] for each in first["accepted"]])
        self.assertEqual([each["id"] for each in again["accepted"]],
                         [each["id"] for each in first["accepted"]])
        self.assertEqual(self.query("SELECT count(*) FROM runs"), [(2000,)])

    def test_a_bulk_with_the_key_of_another_is_refused(self):
        key = str(uuid.uuid4())
        self.send([{"command": ["true"]}] * 3, 200, key=key)
        self.send([{"command": ["false"]}] * 3, 422, key=key)
        self.restart_service()
        self.send([{"command": ["false"]}] * 3, (207, 422), key=key)
        self.assertEqual(self.query("SELECT count(*) FROM runs"), [(3,)])


class CrashTest(Case):
    def test_a_killed_service_has_lost_nothing_that_it_acknowledged(self):
        runs = [self.submit(command=["sleep", "0.2"])["id"] for _ in range(10)]
        self.restart_service()
        for run in runs:
            self.assertEqual(self.ended(run)["state"], "succeeded")


class StreamTest(Case):
    def test_goes_on_where_it_broke_off(self):
        run = self.submit(workflow=BUILD)["id"]
        self.ended(run)
        whole = self.events(f"/v1/runs/{run}/events")
        self.assertEqual(whole[0]["type"], "dev.reeve.run.submitted")
        self.assertEqual(whole[-1]["type"], "dev.reeve.run.succeeded")
        self.assertEqual(len(whole), len({each["id"] for each in whole}))
        for at in (0, len(whole) // 2, len(whole) - 2):
            self.assertEqual(self.events(f"/v1/runs/{run}/events", whole[at]["id"]),
                             whole[at + 1:])

    def test_a_stream_goes_on_after_a_restart(self):
        """What was before comes from the journal, what is new from the engine: all of it once."""
        before = self.submit(workflow=BUILD)["id"]
        self.ended(before)
        whole = self.events("/v1/events", "0-0", count=5)
        rest = self.events("/v1/events", whole[-1]["id"], until=("dev.reeve.run.succeeded",))
        held = self.submit(workflow=APPROVAL)["id"]
        self.awaited(held)
        self.restart_service()
        self.ask("POST", f"/v1/runs/{held}/approve", {"task": "allow"})
        self.ended(held)
        again = self.events("/v1/events", "0-0", count=len(whole) + len(rest))
        self.assertEqual(again, whole + rest)
        last = self.events("/v1/events", again[-1]["id"], until=("dev.reeve.run.succeeded",))
        self.assertEqual([(each["data"]["run"], each["type"]) for each in last
                          if each["type"].startswith("dev.reeve.run.")],
                         [(held, "dev.reeve.run.submitted"), (held, "dev.reeve.run.started"),
                          (held, "dev.reeve.run.succeeded")])
        ids = [each["id"] for each in whole + rest + last]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(self.events(f"/v1/runs/{held}/events"),
                         [each for each in last if each["data"]["run"] == held])
        self.assertEqual(self.events(f"/v1/runs/{before}/events", whole[0]["id"]),
                         (whole + rest)[1:])

    def test_a_stream_goes_on_beyond_what_is_kept(self):
        """More events than the service keeps at hand, while more of them come."""
        first = self.submit(command=["true"])["id"]
        self.ended(first)
        begun = self.events(f"/v1/runs/{first}/events")
        many = {"workflow": "name: many\ntasks:\n  a: {array: 0-11999, run: 'true', if: 'false'}\n"}
        gate = {"workflow": APPROVAL}
        for _ in range(12):
            self.ask("POST", "/v1/runs:bulk", (json.dumps(gate) + "\n") * 1000,
                     content_type="application/x-ndjson")
        self.submit(many)
        last = self.submit(command=["true"])["id"]
        self.ended(last)
        end = self.events(f"/v1/runs/{last}/events")[-1]["id"]
        found = self.events("/v1/events", begun[-1]["id"], until=end)
        self.assertEqual(found[-1]["id"], end)
        self.assertIn(last, {each["data"]["run"] for each in found})
        steps = [tuple(map(int, each["id"].split("-"))) for each in found]
        self.assertEqual(steps, sorted(set(steps)))
        submitted = [each for each in found if each["type"] == "dev.reeve.run.submitted"]
        self.assertEqual(len({each["data"]["run"] for each in submitted}), len(submitted))
        self.assertGreaterEqual(len(submitted), 12_001)

    def test_runs_that_were_tried_again_are_told_of_as_they_were(self):
        """The journal holds runs that ended and came back; some before a restart, some after."""
        run = self.submit(workflow=FAILS)["id"]
        self.ended(run)
        self.ask("POST", f"/v1/runs/{run}/retry", {})
        self.ended(run)
        before = self.events(f"/v1/runs/{run}/events")
        self.assertEqual([each["type"] for each in before
                          if each["type"].startswith("dev.reeve.run.")][-1],
                         "dev.reeve.run.succeeded")
        self.restart_service()
        self.assertEqual(self.events(f"/v1/runs/{run}/events"), before)
        self.ask("POST", f"/v1/runs/{run}/retry", {"from": "first"})
        self.ended(run)
        after = self.events(f"/v1/runs/{run}/events")
        self.assertEqual(after[:len(before)], before)
        self.assertGreater(len(after), len(before))
        self.restart_service(signal.SIGTERM)
        self.assertEqual(self.events(f"/v1/runs/{run}/events", before[-1]["id"]),
                         after[len(before):])

    def test_an_id_of_another_life_is_a_gap_and_then_goes_on(self):
        connection = self.connection()
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {self.token}",
                                                         "Last-Event-ID": "999999-0"})
        reply = connection.getresponse()
        run = self.submit(command=["true"])["id"]
        lines = []
        while not lines or run not in lines[-1]:
            lines.append(reply.readline().decode())
        self.assertIn("event: dev.reeve.stream.gap\n", lines)

    def test_an_id_that_cannot_be(self):
        for wrong in ("x", "1", "1-2-3", "-1-0", "99999999999999999999-0"):
            self.ask("GET", "/v1/events", headers={"last-event-id": wrong}, expect=400)


class PlaceTest(Case):
    def test_each_namespace_works_in_a_directory_of_its_own(self):
        def where(**more):
            run = self.submit(command=["pwd"], **more)["id"]
            self.assertEqual(self.ended(run)["state"], "succeeded")
            return self.ask("GET", f"/v1/runs/{run}/tasks/main/logs").body.strip()
        own, other = where(), where(namespace="other")
        self.assertEqual((own, other), (str(self.state / "work" / "default"),
                                        str(self.state / "work" / "other")))
        self.assertEqual(stat.S_IMODE(os.stat(other).st_mode), 0o700)

    def test_a_run_does_not_see_the_directory_of_another_namespace(self):
        here = self.submit(command=["sh", "-c", "echo mine > note; sleep 0.1"])["id"]
        self.ended(here)
        there = str(self.state / "work" / "default" / "note")
        run = self.submit(command=["cat", there], namespace="other")["id"]
        self.assertEqual(self.ended(run)["state"], "failed")

    def test_only_who_may_names_a_directory(self):
        developer = self.new_token("developer", "default")
        self.ask("POST", "/v1/runs", {"command": ["pwd"], "directory": str(self.directory)},
                 token=developer, expect=422)
        run = self.submit(command=["pwd"], directory=str(self.directory))["id"]
        self.ended(run)
        self.assertEqual(self.ask("GET", f"/v1/runs/{run}/tasks/main/logs").body.strip(),
                         str(self.directory))


class HostileTest(Case):
    def send(self, data):
        """What comes back for bytes, up to the end."""
        with socket.create_connection(self.address, timeout=30) as connection:
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
                reply = self.send(data)
            except ConnectionError:
                reply = b""  # it was cut off
            self.assertNotIn(b" 200 ", reply.partition(b"\r\n")[0], data[:60])
        self.ask("GET", "/livez", token=None)

    def test_no_path_leads_out(self):
        for path in ("/../../etc/passwd", "/v1/runs/..%2f..%2fetc%2fpasswd", "/v1/runs/%00",
                     "//etc/passwd", "/v1/runs/1/tasks/..%2F..%2F/logs"):
            reply = self.ask("GET", path, expect=(400, 404))
            self.assertNotIn("root:", str(reply.body))

    def test_json_that_is_no_json(self):
        for text in ("{", "[" * 10_000, '{"command": ["a", 1]}', "nul", '{"command": "\\ud800"}',
                     "\xff"):
            reply = self.raw("POST", "/v1/runs",
                             {"Authorization": f"Bearer {self.token}", "Idempotency-Key": "x",
                              "Content-Type": "application/json"}, text.encode("latin-1"))
            self.assertIn(reply.status, (400, 422), text[:20])


if __name__ == "__main__":
    unittest.main()
