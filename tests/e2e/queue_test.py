"""`reeve queue`: what waits, in which order, why, and when it will start."""

import json
import os
import unittest

from reeve_case import ReeveCase

FLOW = """
name: nightly
tasks:
  fetch: {run: "{WAIT}"}
  build: {needs: fetch, array: 4, run: sleep 0.1}
  test: {needs: build, run: sleep 0.1}
  other: {run: sleep 0.1, priority: 0}
"""


class Queue(ReeveCase):
    def rows(self, *words):
        done = self.reeve("queue", *words, "-o", "json")
        return json.loads(done.stdout)["queue"]

    def groups(self, *words):
        return {row["group"]: row for row in self.rows(*words)}

    def flow(self, wait):
        return FLOW.replace("{WAIT}", wait).replace(", priority: 0", "")

    def test_nothing_waits(self):
        self.assertIn("nothing has been run", self.reeve("queue", expect=3).stderr)
        self.reeve("run", "--", "true")
        self.assertIn("nothing waits here", self.reeve("queue").stderr)
        self.assertEqual(self.rows("--eta"), [])

    def test_order_reasons_and_times(self):
        self.reeve("run", "-j", "1", self.write("flow.yaml", self.flow("sleep 0.2")))
        took = {}
        for task in json.loads(self.reeve("show", "--tasks", "last", "-o", "json").stdout)["tasks"]:
            took.setdefault(task["group"], []).append(task["duration_seconds"])
        os.mkfifo(self.directory / "gate")
        self.write("flow.yaml", self.flow("read line < gate"))
        run = self.start("run", "-j", "1", "flow.yaml")
        rows = self.wait_for(lambda: [row for row in self.rows() if row["group"] == "other"
                                      and row["reason"] == "capacity"], "the queue")
        self.assertEqual((rows[0]["waiting"], rows[0]["running"]), (1, 0))
        self.assertIsNotNone(rows[0]["queued_at"])
        order = [row["group"] for row in self.rows()]
        self.assertEqual(order, ["other", "build", "test"])
        now = self.groups("--eta")
        self.assertEqual(now["build"]["waiting"], 4)
        self.assertIsNone(now["build"]["queued_at"])
        self.assertIn("waits for", now["test"]["sentence"])
        # All but what runs now is ahead, one at a time.
        least = sum(sum(took[group]) for group in ("build", "other"))
        self.assertGreater(now["test"]["start_seconds"], 0.8 * least)
        for row in now.values():
            self.assertLessEqual(row["start_low_seconds"], row["start_seconds"])
            self.assertLessEqual(row["start_seconds"], row["start_high_seconds"])
            self.assertLess(row["start_seconds"], row["end_seconds"])
        table = self.reeve("queue", "--eta").stdout
        self.assertIn("STARTS", table)
        self.assertNotIn("STARTS", self.reeve("queue").stdout)
        wide = self.groups("--eta", "-j", "8")
        self.assertLess(wide["other"]["start_seconds"], 0.01, "there is room for it at once")
        with open(self.directory / "gate", "w", encoding="utf-8") as gate:
            gate.write("go\n")
        run.wait(timeout=30)
        self.assertEqual(self.rows(), [])

    def test_what_was_never_seen_has_no_time(self):
        os.mkfifo(self.directory / "gate")
        self.write("flow.yaml", self.flow("read line < gate"))
        self.start("run", "-j", "1", "flow.yaml")
        self.wait_for(lambda: self.reeve("queue", expect=None).returncode == 0, "the store")
        rows = self.wait_for(lambda: self.groups("--eta").get("test") and self.groups("--eta"),
                             "the queue")
        self.assertIsNone(rows["test"]["start_seconds"])
        self.assertIn("-", self.reeve("queue", "--eta").stdout)


if __name__ == "__main__":
    unittest.main()
