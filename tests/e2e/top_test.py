"""`reeve top`: what running tasks use, as numbers that are right, and as a table that fits."""

import json
import os
import pathlib
import time
import unittest

from reeve_case import ReeveCase, processes_of
from terminal_case import CONTROL, TerminalCase

BURN = """\
import pathlib, time
held = bytearray(64 << 20)
pathlib.Path("begun").touch()
while not pathlib.Path("go").exists():
    pass
"""
FLOW = """\
tasks:
  burn: {resources: {memory: 256Mi}, run: python3 burn.py}
  idle:
    run: |
      echo '::progress 40 half of it'
      while [ ! -e go ]; do sleep 0.05; done
"""


class Top(ReeveCase):
    def setUp(self):
        super().setUp()
        self.write("burn.py", BURN)
        self.write("flow.yaml", FLOW)

    def top(self, *words):
        done = self.reeve("top", "--once", "-o", "json", *words)
        return {item["name"]: item for item in json.loads(done.stdout)["use"]}

    def check_numbers(self, engine):
        self.wait_for((self.directory / "begun").exists, "the task")
        use = self.wait_for(lambda: self.settled(self.top()), "two samples")
        burn, idle = use["burn"], use["idle"]
        self.assertLess(burn["cpu_cores"], 1.3)
        self.assertGreater(burn["cpu_seconds"], idle["cpu_seconds"])
        for field in ("memory_bytes", "memory_peak_bytes"):
            self.assertGreater(burn[field], 60 << 20)
            self.assertLess(burn[field], 100 << 20)
        self.assertEqual(burn["memory_limit_bytes"], 256 << 20)
        self.assertIsNone(idle["memory_limit_bytes"])
        self.assertIn(burn["processes"], (1, 2))
        self.assertEqual((idle["percent"], idle["message"]), (40, "half of it"))
        self.assertEqual(list(self.top("last", "--sort", "name")), ["burn", "idle"])
        table = self.reeve("top").stdout.splitlines()
        self.assertTrue(table[0].startswith("TASK"), table)
        self.assertIn("1/burn", table[1])  # what uses most comes first
        lines = self.reeve("top", "-o", "jsonl", "--json", "name,cpu_cores").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.write("go", "")
        engine.wait(30)
        attempt = json.loads(self.reeve("show", "last/burn", "-o", "json").stdout)
        attempt = attempt["task"]["attempts"][0]
        self.assertGreater(attempt["user_cpu_seconds"], 0)
        self.assertGreater(attempt["memory_peak_bytes"], 60 << 20)
        self.assertGreater(attempt["context_switches"], 0)
        self.assertIn("written_bytes", attempt)

    @staticmethod
    def settled(use):
        """However little of the machine it gets: the one that burns uses more."""
        return use if len(use) == 2 and use["idle"]["percent"] == 40 and \
            (use["burn"]["cpu_cores"] or 0) > (use["idle"]["cpu_cores"] or 0) else None

    def test_of_sandboxes(self):
        self.check_numbers(self.start("run", "-j", "cpu=4,memory=1Gi", "flow.yaml"))

    def test_of_processes_without_a_sandbox(self):
        self.check_numbers(self.start("run", "-j", "cpu=4,memory=1Gi", "--sandbox", "none",
                                      "flow.yaml"))

    def test_where_nothing_runs(self):
        self.reeve("top", expect=3)
        self.reeve("run", "--", "true")
        done = self.reeve("top", "--once", "-o", "json")
        self.assertEqual(json.loads(done.stdout), {"version": 1, "use": []})
        self.assertIn("nothing is running here", done.stderr)
        self.reeve("top", "99", expect=3)
        self.reeve("top", "--sort", "colour", expect=2)

    def test_the_supervisor_pays_little_for_many(self):
        self.write("many.yaml", "tasks: {a: {array: 1-60, run: 'touch begun.$REEVE_ARRAY_INDEX; "
                                "while [ ! -e go ]; do sleep 1; done'}}\n")
        engine = self.start("run", "-j", "100", "many.yaml")
        self.wait_for(lambda: len(list(self.directory.glob("begun.*"))) == 60, "all to run", 60)
        self.wait_for(lambda: len(self.top()) == 60, "all in the table")
        pid = next(iter(processes_of(self.state)))

        def cpu_seconds():
            text = pathlib.Path("/proc", str(pid), "stat").read_text(encoding="utf-8")
            words = text.rsplit(")", 1)[1].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        before, begun = cpu_seconds(), time.monotonic()
        self.wait_for(lambda: time.monotonic() - begun > 4, "four seconds")
        share = (cpu_seconds() - before) / (time.monotonic() - begun)
        self.assertLess(share, 0.04, "the aim is 0.01 on a quiet machine")
        self.write("go", "")
        engine.wait(60)


class Picture(TerminalCase):
    def test_it_never_exceeds_the_terminal(self):
        self.write("many.yaml", "tasks: {a_task_with_a_long_name: {array: 1-30, run: 'while [ ! "
                                "-e go ]; do sleep 0.1; done'}}\n")
        engine = self.start("run", "-j", "40", "many.yaml")
        self.wait_for(lambda: self.reeve("top", "--once", expect=None).stdout.count("\n") == 31,
                      "all to run")
        terminal = self.on_terminal("top", columns=60, rows=12)

        def frame():
            """The newest whole one; each begins by hiding the cursor."""
            terminal.read()
            frames = terminal.output.decode().split("\x1b[?25l")
            lines = CONTROL.sub("", frames[-2]).replace("\r", "").splitlines() if frames[2:] else []
            return lines if lines and "30 running" in lines[0] else None
        lines = self.wait_for(frame, "the table")
        self.assertLessEqual(len(lines), 11)
        self.assertEqual([line for line in lines if len(line) > 60], [])
        self.assertIn("more", lines[-1])
        terminal.type("\x03")
        self.assertEqual(terminal.process.wait(10), 130)
        self.write("go", "")
        engine.wait(60)


if __name__ == "__main__":
    unittest.main()
