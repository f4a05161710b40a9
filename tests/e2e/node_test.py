"""Nodes that people take out and let work again: with an engine here, at a service, with nobody."""

import json
import unittest

from reeve_case import ReeveCase
from service_case import ServiceCase

WAIT = """tasks:
  t: {{workdir: {0}, run: 'echo x >> begun; until [ -e go ]; do sleep 0.05; done'}}
"""


class AtService(ServiceCase):
    def node(self):
        return json.loads(self.reeve("node", "ls", "-o", "json").stdout)["nodes"][0]

    def test_a_drained_node_stays_so_over_a_kill_and_what_waits_says_why(self):
        self.reeve("node", "drain", "local", "--reason", "new kernel")
        run = self.submit(command=["true"])["id"]
        self.restart_service()
        node = self.node()
        self.assertEqual((node["open"], node["drained"]["why"]), (False, "new kernel"))
        self.assertRegex(self.reeve("explain", f"{run}/main").stdout,
                         "node local was drained by .*: new kernel")
        self.assertIn("its node is drained", self.reeve("explain", run).stdout.splitlines()[0])
        self.assertRegex(self.reeve("node", "ls").stdout, "local +drained")
        for at in ((), ("--server", f"unix:{self.state / 'api.sock'}")):
            queued = json.loads(self.reeve(*at, "queue", "--eta", "-o", "json").stdout)["queue"][0]
            self.assertEqual((queued["reason"], queued["start_seconds"]), ("node_drained", None))
        self.reeve("node", "resume", "local")
        self.assertEqual(self.ended(run)["state"], "succeeded")
        self.assertIsNone(self.node()["drained"])

    def test_stop_queues_what_runs_again(self):
        run = self.submit(workflow=WAIT.format(self.directory))["id"]
        self.wait_for(lambda: self.lines("begun"), "the task")
        drained = self.ask("POST", "/v1/nodes/local/drain", {"stop": True, "grace_seconds": 1})
        self.assertFalse(drained.body["node"]["open"])
        (self.directory / "go").touch()
        self.wait_for(lambda: "drained" in self.reeve("explain", f"{run}/t").stdout, "its end")
        self.ask("POST", "/v1/nodes/local/resume")
        self.assertEqual(self.ended(run)["state"], "succeeded")
        self.assertEqual(len(self.lines("begun")), 2)
        actions = [record["action"] for record in self.ask("GET", "/v1/audit").body["audit"]]
        self.assertEqual(actions.count("nodes.write"), 2)

    def test_what_cannot_be_done_is_said(self):
        self.assertIn("there is no node", self.ask("POST", "/v1/nodes/x/drain", {}, expect=404)
                      .body["detail"])
        self.ask("POST", "/v1/nodes/local/resume", expect=409)
        self.ask("POST", "/v1/nodes/local/drain", {"stop": "yes"}, expect=422)
        self.assertIn("is of drain", self.reeve("node", "ls", "--stop", expect=2).stderr)


class Alone(ReeveCase):
    def test_without_an_engine_it_is_recorded_for_the_next(self):
        self.reeve("run", "--", "true")
        self.assertIn("no engine works on", self.reeve("node", "ls", expect=7).stderr)
        self.reeve("node", "drain", "local")
        engine = self.start("run", "--", "true")
        self.wait_for(lambda: "is drained" in self.reeve("explain", "2/main", expect=None).stdout,
                      "the task to wait")
        self.reeve("node", "resume", "local")
        self.assertEqual(engine.wait(60), 0)
        self.assertEqual(self.query("SELECT count(*) FROM drains"), [(1,)])


if __name__ == "__main__":
    unittest.main()
