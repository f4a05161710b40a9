"""Machines that others use too, and users who had much: by the built program."""

import subprocess
import sys
import unittest

from service_case import ServiceCase

CLUSTER = """version: 1
scheduling:
  load: {others: 5%, most: 100%}
"""
QUOTA = """version: 1
scheduling:
  quotas: [{user: "*", cpu_hours_a_day: 0.001}]
"""


class SharedMachine(ServiceCase):
    def setUp(self):
        super().setUp()
        self.stop_service()
        self.write(".reeve/cluster.yaml", CLUSTER)
        self.start_service("-j", "4")

    def node(self):
        return self.ask("GET", "/v1/nodes").body["nodes"][0]

    def test_what_others_use_is_taken_from_new_work_and_explained(self):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
        try:
            wait = f"{{run: 'until [ -e go ]; do sleep 0.1; done', workdir: {self.directory}}}"
            first = self.submit(workflow=f"tasks: {{hold: {wait}}}")["id"]
            self.wait_for(lambda: self.node()["load_permille"] >= 250, "the load to be seen")
            wide = "{run: 'true', resources: {cpu: 3}}"
            second = self.submit(workflow=f"tasks: {{wide: {wide}}}")["id"]
            why = self.reeve("explain", f"{second}/wide").stdout
            self.assertRegex(why, "machine is saturated: others use [0-9.]+ % of the processors")
        finally:
            for one in others:
                one.kill()
                one.wait()
        (self.directory / "go").touch()
        for run in (first, second):  # what is alone has the machine, whatever others use
            self.assertEqual(self.ended(run)["state"], "succeeded")


class UsedUp(ServiceCase):
    def test_a_restart_gives_nobody_a_new_day(self):
        self.stop_service()
        self.write(".reeve/cluster.yaml", QUOTA)
        self.start_service()
        first = self.submit(workflow="tasks: {a: {run: 'sleep 4'}}")["id"]
        self.assertEqual(self.ended(first)["state"], "succeeded")
        self.restart_service()
        second = self.submit(workflow="tasks: {b: {run: 'true'}}")["id"]
        shown = self.reeve("explain", f"{second}/b").stdout
        self.assertRegex(shown, "has used the processor time of the day; some comes back at")
        self.assertEqual(self.query("SELECT count(*) FROM usage WHERE is_user = 1"), [(1,)])
        self.ask("POST", f"/v1/runs/{second}/cancel")


if __name__ == "__main__":
    unittest.main()
