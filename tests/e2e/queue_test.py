"""`reeve queue`: what waits, in which order, why, and when it will start."""

import datetime
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


# Short tasks that are handed over early, before those of a queue with a limit.
FLOOD = """
name: both
tasks:
  w: {array: 200, run: "true", queue: other}
  a:
    array: 40
    queue: q
    run: |
      mkdir d.$REEVE_ARRAY_INDEX
      ls -d d.* | wc -l >> counts
      sleep 0.01
      rmdir d.$REEVE_ARRAY_INDEX
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

    def test_reasons_are_those_of_the_engine_at_work(self):
        day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][
            (datetime.datetime.now(datetime.timezone.utc).weekday() + 3) % 7]
        closed = f"[{{WHOSE, days: {day}, from: '08:00', to: '09:00'}}]"
        self.write("night.yaml", "name: night\nqueue: night\ntasks: {a: {run: echo a}}\n")
        for name, whose in (("queue", "queue: night"), ("pool", "pool: local")):
            self.write("cluster.yaml", "pools: {local: {}}\nqueues: {night: {}}\n"
                       "scheduling: {windows: " + closed.replace("WHOSE", whose) + "}\n")
            run = self.start("run", "--cluster", "cluster.yaml", "night.yaml")
            self.wait_for(lambda: self.reeve("queue", expect=None).returncode == 0, "the run")
            row = self.wait_for(lambda: [row for row in self.rows("--cluster", "cluster.yaml")
                                         if row["reason"] == "window_closed"], name)[0]
            self.assertIn("08:00:00 UTC", row["sentence"])
            self.assertIn("is closed", row["sentence"])
            self.assertEqual(self.rows()[0]["reason"], "window_closed", "the engine knows its file")
            said = self.reeve("explain", "last/a").stdout
            self.assertIn("it would start at", said)
            self.reeve("cancel", "last")
            run.wait(timeout=30)

    def test_what_is_beyond_the_cap_of_its_queue_is_refused(self):
        self.write("cluster.yaml", "queues: {q: {cap: {cpu: 500m}}}\n")
        self.write("q.yaml", "name: q\nqueue: q\ntasks: {a: {run: echo a}}\n")
        said = self.reeve("run", "--cluster", "cluster.yaml", "q.yaml", expect=8).stderr
        self.assertIn("a asks for 1 cpu, and queue q may have 0.5 cpu at once", said)

    def test_a_queue_never_has_more_at_work_than_it_may(self):
        self.write("cluster.yaml", "queues: {q: {max_running: 1}}\n")
        self.write("both.yaml", FLOOD)
        self.reeve("run", "-j", "2", "--cluster", "cluster.yaml", "both.yaml")
        counts = (self.directory / "counts").read_text(encoding="utf-8").split()
        self.assertEqual(set(counts), {"1"})
        self.assertEqual(len(counts), 40)

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
