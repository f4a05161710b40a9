"""Second attempts of tasks that take too long: the first hangs, the second ends the task."""

import json
import unittest

from reeve_case import ReeveCase

# The first that comes hangs; whoever comes next finds the mark.
HANGS_ONCE = """
name: straggler
tasks:
  fetch:
    idempotent: true
    hedge: {after: 300ms}
    run: |
      if mkdir mark 2>/dev/null; then echo first hangs; sleep 600; fi
      echo second ends
      echo done > result
    artifacts: [result]
  after: {needs: fetch, run: cat result}
"""


class Hedge(ReeveCase):
    def attempts(self, task):
        return json.loads(self.reeve("show", task, "-o", "json").stdout)["task"]["attempts"]

    def test_a_task_that_hangs_ends_through_its_second_attempt(self):
        self.write("flow.yaml", HANGS_ONCE)
        self.reeve("run", "flow.yaml")
        first, second = self.attempts("1/fetch")
        self.assertEqual((first["number"], first["outcome"], first["reason"]),
                         (1, "signalled", "hedge_lost"))
        self.assertEqual((second["number"], second["outcome"], second["code"]), (2, "exited", 0))
        self.assertIn("second attempt", second["placed"])
        self.assertIn("second ends", self.reeve("logs", "1/fetch").stdout)
        self.assertIn("first hangs", self.reeve("logs", "1/fetch", "--attempt", "1").stdout)
        self.assertEqual(self.reeve("logs", "1/after").stdout.strip(), "done")

    def test_one_that_ends_in_time_has_one_attempt(self):
        self.write("flow.yaml", HANGS_ONCE.replace("sleep 600", "true"))
        self.reeve("run", "flow.yaml")
        self.assertEqual(len(self.attempts("1/fetch")), 1)

    def test_an_engine_that_is_killed_finds_both(self):
        self.write("flow.yaml", HANGS_ONCE.replace("echo second ends", "sleep 2; echo second ends"))
        run = self.start("run", "flow.yaml")
        self.wait_for(lambda: self.reeve("explain", "1/fetch", expect=None).returncode == 0,
                      "the run")
        self.wait_for(lambda: "beside attempt 1" in self.reeve("explain", "1/fetch").stdout,
                      "the second attempt")
        logs = self.reeve("logs", "1/fetch").stdout
        self.assertIn("first hangs", logs)
        run.kill()
        run.wait()
        self.reeve("resume", "1")
        first, second = self.attempts("1/fetch")
        self.assertEqual((first["reason"], second["reason"]), ("hedge_lost", "completed"))
        self.assertEqual(self.query("SELECT count(*) FROM estimates"), [(2,)])

    def test_it_needs_a_word_of_the_author(self):
        self.write("flow.yaml", "tasks: {a: {run: x, hedge: true}}\n")
        lint = self.reeve("lint", "flow.yaml", expect=6)
        self.assertIn("idempotent: true", lint.stdout + lint.stderr)


if __name__ == "__main__":
    unittest.main()
