"""Runs that follow others: what waits, starts and is ended, by the API and by the command line; who
may follow what; over kills of the service; and a replay of all of it."""

import json
import unittest
import uuid

from service_case import ServiceCase

GATED = "name: gated\ntasks:\n  gate: {approval: {}}\n"


class After(ServiceCase):
    def gated(self):
        """A run that a person ends."""
        run = self.submit(workflow=GATED)

        def waits():
            return self.shown(run)["tasks"].get("awaiting_approval") == 1
        self.wait_for(waits, "the gate")
        return run

    def shown(self, run):
        return self.ask("GET", f"/v1/runs/{run['id']}").body["run"]

    def end(self, run, *, well=True):
        self.ask("POST", f"/v1/runs/{run['id']}/approve", {"task": "gate", "approved": well},
                 expect=(200, 202))
        self.assertEqual(self.ended(run["id"])["state"], "succeeded" if well else "failed")

    def follow(self, *runs, condition="success", **more):
        after = [{"run": run["id"], "condition": condition} for run in runs]
        return self.submit(command=["true"], after=after, **more)

    def explained(self, run):
        return self.ask("GET", f"/v1/runs/{run['id']}/explain").body["explanation"]

    def replays(self):
        self.assertEqual(self.stop_service(), 0)
        done = self.reeve("replay")
        self.assertNotIn("diverge", done.stdout + done.stderr)

    def test_each_condition_and_each_end(self):
        for well, ends in ((True, {"success": "succeeded", "failure": "cancelled"}),
                           (False, {"success": "cancelled", "failure": "succeeded"})):
            first = self.gated()
            runs = {each: self.follow(first, condition=each)
                    for each in ("success", "failure", "end")}
            for condition, run in runs.items():
                self.assertEqual((run["state"], run["reason"]), ("queued", "after_run"))
                self.assertEqual(run["after"], [{"run": first["id"], "number": first["number"],
                                                 "condition": condition, "state": None}])
                self.assertEqual(self.shown(run)["tasks"], {"total": 1, "blocked": 1})
            self.end(first, well=well)
            for condition, run in runs.items():
                over = self.ended(run["id"])
                self.assertEqual(over["state"], ends.get(condition, "succeeded"), condition)
                self.assertEqual(over["after"][0]["state"], "succeeded" if well else "failed")
                if over["state"] == "cancelled":
                    self.assertEqual(over["reason"], "after_unmet")
                    self.assertIn(f"run {first['number']},", over["sentence"])
                    self.assertEqual(over["tasks"], {"total": 1, "aborted": 1})
                    self.assertIn(f"run {first['number']} is to", self.explained(run)["facts"][0])
        self.replays()

    def test_what_has_ended_already_counts_at_once(self):
        well = self.submit(command=["true"])
        ill = self.submit(command=["false"])
        self.ended(well["id"])
        self.ended(ill["id"])
        self.assertEqual(self.ended(self.follow(well)["id"])["state"], "succeeded")
        self.assertEqual(self.follow(well, ill)["state"], "cancelled")
        ended = self.ended(self.follow(well, ill, condition="end")["id"])
        self.assertEqual(ended["state"], "succeeded")
        self.assertEqual([each["state"] for each in ended["after"]], ["succeeded", "failed"])
        self.assertEqual(self.ended(self.follow(ill, condition="failure")["id"])["state"],
                         "succeeded")
        self.replays()

    def test_explains_for_whom_it_waits(self):
        first, second = self.gated(), self.gated()
        run = self.follow(first, second)
        why = self.explained(run)
        self.assertEqual((why["reason"], why["live"]), ("after_run", True))
        self.assertEqual(why["facts"], [f"run {each['number']} is to succeed; it is queued"
                                        for each in (first, second)])
        self.ask("POST", f"/v1/runs/{second['id']}/pause", {})
        self.end(first)
        self.assertEqual(self.explained(run)["facts"],
                         [f"run {second['number']} is to succeed; it is paused"])
        (task,) = self.ask("GET", f"/v1/runs/{run['id']}/tasks").body["tasks"]
        self.assertEqual(task["state"], "blocked")
        why = self.ask("GET", f"/v1/runs/{run['id']}/explain?task={task['name']}")
        self.assertEqual(why.body["explanation"]["reason"], "after_run")

    def test_what_cannot_be_followed_is_refused_and_leaves_nothing(self):
        def refused(after, status):
            return self.ask("POST", "/v1/runs", {"command": ["true"], "after": after},
                            expect=status).body
        unknown = "run_01m8hay842eb5btnhxxgcapk6m"
        self.assertIn(unknown, refused([{"run": unknown}], 404)["detail"])
        self.assertIn(" 77 ", refused([{"run": "77"}], 404)["detail"])
        problem = refused([{"run": "1", "condition": "afterok"}, "1", {"conditon": "end"}], 422)
        self.assertEqual([each["pointer"] for each in problem["errors"]],
                         ["/after/0/condition", "/after/1", "/after/2/run", "/after/2/conditon"])
        self.assertEqual(refused({"run": "1"}, 422)["errors"][0]["pointer"], "/after")
        self.assertIn("256", refused([{"run": "1"}] * 257, 422)["detail"])
        self.assertEqual(self.ask("GET", "/v1/runs").body["runs"], [])
        first = self.submit(command=["true"])
        most = self.submit(command=["true"], after=[{"run": first["id"]}] * 256)
        self.assertEqual(self.ended(most["id"])["state"], "succeeded")

    def test_only_what_one_may_read_can_be_followed(self):
        theirs = self.submit(command=["true"], namespace="theirs")
        token = self.new_token("developer", "mine")
        own = self.ask("POST", "/v1/runs", {"command": ["true"]}, token=token, expect=201)
        body = {"command": ["true"], "after": [{"run": theirs["id"]}]}
        problem = self.ask("POST", "/v1/runs", body, token=token, expect=404).body
        self.assertIn(f"there is no run {theirs['id']}", problem["detail"])
        body["after"] = [{"run": own.body["run"]["id"]}]
        self.ask("POST", "/v1/runs", body, token=token, expect=201)
        blind = self.new_token("developer", "mine", actions=["runs.submit"])
        self.ask("POST", "/v1/runs", {"command": ["true"]}, token=blind, expect=201)
        self.ask("POST", "/v1/runs", body, token=blind, expect=403)

    def test_lines_of_a_bulk_follow_too(self):
        first = self.gated()
        lines = [{"command": ["true"], "after": [{"run": first["id"]}]},
                 {"command": ["true"], "after": [{"run": "4711"}]}]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        problem = self.ask("POST", "/v1/runs:bulk", text, expect=422,
                           content_type="application/x-ndjson").body
        self.assertIn("4711", problem["errors"][0]["detail"])
        reply = self.ask("POST", "/v1/runs:bulk?mode=each", text, expect=207,
                         content_type="application/x-ndjson").body
        self.assertEqual([each["problem"]["status"] for each in reply["refused"]], [404])
        (run,) = reply["accepted"]
        self.assertEqual(self.shown(run)["reason"], "after_run")
        self.end(first)
        self.assertEqual(self.ended(run["id"])["state"], "succeeded")

    def test_a_key_stands_for_what_is_followed_too(self):
        first = self.gated()
        body = {"command": ["true"], "after": [{"run": first["id"]}]}
        key = str(uuid.uuid4())
        run = self.ask("POST", "/v1/runs", body, expect=201, key=key).body["run"]
        self.restart_service()
        again = self.ask("POST", "/v1/runs", body, expect=(200, 201), key=key)
        self.assertEqual(again.body["run"]["id"], run["id"])
        body["after"][0]["condition"] = "end"
        self.ask("POST", "/v1/runs", body, expect=422, key=key)

    def test_kills_of_the_service_lose_no_follower(self):
        first = self.gated()
        runs = [self.follow(first)]
        for _ in range(3):
            self.restart_service()
            runs.append(self.follow(runs[-1]))
        self.assertEqual(self.explained(runs[0])["reason"], "after_run")
        self.end(first)
        self.restart_service()
        for run in runs:
            self.assertEqual(self.ended(run["id"])["state"], "succeeded")
        self.replays()

    def test_a_chain_of_a_thousand_falls_with_its_first(self):
        first = last = self.gated()
        connection = self.connection()
        self.addCleanup(connection.close)
        for _ in range(1000):
            reply = self.ask("POST", "/v1/runs", {"command": ["true"],
                                                  "after": [{"run": last["id"]}]},
                             connection=connection, expect=201)
            last = reply.body["run"]
        self.end(first, well=False)
        over = self.ended(last["id"])
        self.assertEqual(over["reason"], "after_unmet")
        self.assertEqual(self.query("SELECT state, count(*) FROM runs GROUP BY state"),
                         [(3, 1), (4, 1000)])
        self.replays()

    def test_a_retry_of_both_waits_again(self):
        first = self.gated()
        run = self.follow(first)
        self.end(first, well=False)
        self.assertEqual(self.ended(run["id"])["state"], "cancelled")
        self.reeve("retry", first["number"], "--failed")
        self.reeve("retry", run["number"], "--failed")
        self.assertEqual(self.shown(run)["reason"], "after_run")
        self.end(first)
        self.assertEqual(self.ended(run["id"])["state"], "succeeded")

    def test_the_command_line(self):
        first = self.gated()
        number = first["number"]
        name = self.reeve("submit", "--after", f"{number}:end", "--after", first["id"], "-q", "--",
                          "true").stdout.strip()
        self.assertIn(f"queued after {number}", self.reeve("ls").stdout)
        shown = self.reeve("show", name).stdout
        self.assertRegex(shown, rf"after +{number} \(end\), {number} \(success\)")
        self.assertRegex(shown, rf"because +waits until run {number} has ended")
        self.assertIn(f"run {number} is to end; it is queued", self.reeve("explain", name).stdout)
        run = json.loads(self.reeve("show", name, "-o", "json").stdout)["run"]
        watching = self.start("watch", "--plain", name)
        self.assertIn(f"waits until run {number} has ended", watching.stdout.readline())
        self.end(first)
        self.assertEqual(watching.wait(timeout=30), 0)
        self.assertEqual(self.ended(run["id"])["state"], "succeeded")
        self.assertIn("999", self.reeve("submit", "--after", "999", "--", "true", expect=3).stderr)
        self.assertIn("afterok", self.reeve("submit", "--after", "1:afterok", "--", "true",
                                            expect=2).stderr)
        self.assertIn("a run is missing", self.reeve("submit", "--after", ":end", "--", "true",
                                                     expect=2).stderr)


if __name__ == "__main__":
    unittest.main()
