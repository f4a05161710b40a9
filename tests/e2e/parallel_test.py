"""`parallel: auto`: steps that touch nothing in common run at once; others wait for each other."""

import json
import os
import unittest

from reeve_case import ROOT, ReeveCase

# Each of the first two goes on only once the other has begun: one after the other they would hang.
FLOW = """
name: steps
parallel: auto
defaults: {resources: {cpu: 100m}, timeout: 60s}
tasks:
  left: {writes: left.txt, run: "echo l > to-right; read line < to-left; echo $line > left.txt"}
  right:
    writes: right.txt
    run: echo r > to-left & read line < to-right; echo $line > right.txt; wait
  both:
    reads: ["*.txt"]
    writes: both
    run: cat left.txt right.txt > both
"""


class Parallel(ReeveCase):
    def test_two_run_at_once_and_a_third_waits(self):
        os.mkfifo(self.directory / "to-left")
        os.mkfifo(self.directory / "to-right")
        flow = self.write("flow.yaml", FLOW)
        self.reeve("run", flow, timeout=100)
        self.assertEqual(self.lines("both"), ["r", "l"])

    def test_plan_says_what_was_found(self):
        flow = self.write("flow.yaml", FLOW)
        text = self.reeve("plan", flow).stdout
        self.assertIn("2 of 3 steps may run at once\n", text)
        self.assertIn("  both waits for left: both touch left.txt\n", text)
        rows = json.loads(self.reeve("plan", flow, "-o", "json").stdout)["plan"]
        found = {row["group"]: row["found_needs"] for row in rows}
        self.assertEqual(found["left"], [])
        self.assertEqual({need["need"]: need["why"] for need in found["both"]},
                         {"left": "both touch left.txt", "right": "both touch right.txt"})

    def test_lint_warns(self):
        flow = self.write("flow.yaml", FLOW.replace("parallel: auto", ""))
        done = self.reeve("lint", flow)
        self.assertIn("warning: 'both' and 'left' may run at the same time, and both touch "
                      "left.txt", done.stdout)
        self.assertIn("no errors", done.stderr)

    def test_the_example(self):
        self.reeve("run", ROOT / "examples" / "parallel-steps.yaml")
        report = self.directory / "reports" / "parallel-steps" / "report.md"
        self.assertIn("programs,", report.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
