"""A cluster file: queues, limits, breakers and making room, by the built program."""

import json
import unittest

from reeve_case import ReeveCase

QUEUES = """version: 1
queues:
  default: {max_running: 1, preemptible: true}
scheduling:
  preemption: {gap: 100, grace: 1s}
"""


class Cluster(ReeveCase):
    def test_a_limit_of_a_queue_holds_and_explain_names_it(self):
        self.write("cluster.yaml", QUEUES)
        self.write("flow.yaml", "tasks: {t: {array: 2, run: 'test -e go || sleep 60'}}\n")
        run = self.start("run", "-j", "4", "--cluster", "cluster.yaml", "flow.yaml")
        self.wait_for(lambda: "queue default is at its limit" in
                      self.reeve("explain", "1/t[1]", expect=None).stdout, "the second to wait")
        self.write("go", "")
        self.reeve("cancel", "1/t[0]")
        run.wait()

    def test_the_file_of_the_state_directory_counts(self):
        self.reeve("run", "--", "true")
        self.write(".reeve/cluster.yaml", "version: 1\nqueues: {defualt: {max_runing: 1}}\n")
        refused = self.reeve("run", "--", "true", expect=6)
        self.assertIn("cluster.yaml:2:", refused.stderr)
        self.assertIn("did you mean 'max_running'?", refused.stderr)

    def test_nodes_without_an_executor_and_unknown_rates_are_refused(self):
        self.write("cluster.yaml", "version: 1\npools: {gpu: {nodes: [{name: g, cpu: 8}]}}\n")
        refused = self.reeve("run", "--cluster", "cluster.yaml", "--", "true", expect=6)
        self.assertIn("node g of pool gpu has no executor yet", refused.stderr)
        self.write("flow.yaml", "tasks: {t: {run: x, rate_limit: web}}\n")
        unknown = self.reeve("run", "flow.yaml", expect=None)
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn("rate limit web", unknown.stderr)

    def test_what_could_never_run_is_said_at_once(self):
        self.write("flow.yaml", "tasks: {t: {run: x, placement: {require: zone=b}}}\n")
        refused = self.reeve("run", "flow.yaml", expect=8)
        self.assertIn("t asks for 1 cpu, where zone in (b)", refused.stderr)
        self.write("cluster.yaml", "version: 1\npools: {local: {labels: {zone: b}}}\n")
        self.write("flow.yaml", "tasks: {t: {run: 'true', placement: {require: zone=b}}}\n")
        self.reeve("run", "--cluster", "cluster.yaml", "flow.yaml")

    def test_simulate_replays_a_log_under_the_file(self):
        self.write("cluster.yaml", "version: 1\n"
                   "pools: {p: {nodes: [{name: n, count: 4, cpu: 32}]}}\n"
                   "scheduling: {order: {length: 10m}}\n")
        done = self.reeve("simulate", "--generate", "poisson", "--count", "500", "--processors",
                          "128", "--largest", "64", "--policy", "easy", "--cluster",
                          "cluster.yaml", "-o", "json")
        rows = json.loads(done.stdout)["simulations"]
        self.assertEqual([row["policy"] for row in rows], ["easy", "planner"])
        self.assertTrue(all(row["jobs"] == 500 for row in rows))


if __name__ == "__main__":
    unittest.main()
