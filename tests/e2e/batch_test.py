"""Batches on the built program: one sandbox start for many, and an end of its own for each."""

import os
import signal
import unittest

from reeve_case import (EXITED, FAILED, SUCCEEDED, TIMED_OUT, ReeveCase, is_running,
                        processes_of)


class Batches(ReeveCase):
    def inits(self):
        """Process 1 of each sandbox is told apart by its pid namespace."""
        return {line.split("ns=")[1] for line in self.output_lines() if "ns=" in line}

    def output_lines(self):
        return self.reeve("logs", "1").stdout.splitlines()

    def test_each_has_its_own_end_log_output_and_retry(self):
        path = self.write("own.yaml", """
name: own
tasks:
  t:
    array: 0-5
    batch: {max: 6}
    retry: {max: 1, backoff: 10ms}
    run: |
      echo "number $REEVE_ARRAY_INDEX ns=$(readlink /proc/self/ns/pid)"
      echo "square=$((REEVE_ARRAY_INDEX * REEVE_ARRAY_INDEX))" >> "$REEVE_OUTPUT"
      echo "files: $(ls /run/reeve)"
      [ "$REEVE_ARRAY_INDEX" != 2 ] || exit 3
""")
        self.reeve("run", "-j", "1", path, expect=1)
        states = {index: FAILED if index == 2 else SUCCEEDED for index in range(6)}
        self.assertEqual(self.task_states(), states)
        self.assertEqual(len(self.inits()), 2, "the batch, and the retry alone")
        self.assertEqual([line for line in self.reeve("logs", "1/t[4]").stdout.splitlines()
                          if "number" in line and "number 4" not in line], [])
        self.assertEqual(self.query("SELECT outcome, code FROM attempts WHERE code != 0"),
                         [(EXITED, 3), (EXITED, 3)])
        batches = self.query("SELECT count(*) FROM attempts WHERE placed_a = "
                             "(SELECT placed_a FROM attempts ORDER BY token LIMIT 1)")
        self.assertEqual(batches, [(6,)])
        self.assertIn("batch", self.reeve("explain", "1/t[4]").stdout)
        self.assertIn("square", self.reeve("show", "1/t[4]").stdout)
        self.assertIn("16", self.reeve("show", "1/t[4]").stdout)

    def test_nothing_of_one_is_left_when_the_next_begins(self):
        path = self.write("left.yaml", """
name: left
tasks:
  t:
    array: 0-2
    batch: {max: 3}
    run: |
      for one in /proc/[0-9]*; do
        [ "${one#/proc/}" = 1 ] || [ "${one#/proc/}" = $$ ] || echo "beside: $(cat $one/cmdline)"
      done
      echo left > /run/reeve/mine; mkdir -p /run/reeve/a/b; echo x > /run/reeve/a/b/c
      setsid sleep 611.0625 > /dev/null 2>&1 < /dev/null &
""")
        self.reeve("run", "-j", "1", path)
        self.assertEqual(self.task_states(), {0: SUCCEEDED, 1: SUCCEEDED, 2: SUCCEEDED})
        self.assertEqual([line for line in self.output_lines() if "sleep" in line], [])
        self.wait_for(lambda: not is_running("611.0625"), "all of it to be gone")

    def test_a_limit_ends_one_alone(self):
        path = self.write("limit.yaml", """
name: limit
tasks:
  t:
    array: 0-3
    batch: {max: 4}
    timeout: {run: 300ms, grace: 100ms}
    run: |
      echo "ns=$(readlink /proc/self/ns/pid)"
      [ "$REEVE_ARRAY_INDEX" != 1 ] || sleep 612.0625
""")
        self.reeve("run", "-j", "1", path, expect=None)
        self.assertEqual(self.task_states(),
                         {0: SUCCEEDED, 1: TIMED_OUT, 2: SUCCEEDED, 3: SUCCEEDED})
        self.assertEqual(len(self.inits()), 2, "the next has another sandbox")

    def test_memory_ends_one_alone(self):
        path = self.write("memory.yaml", """
name: memory
tasks:
  t:
    array: 0-2
    batch: {max: 3}
    resources: {memory: 64Mi}
    shell: python3
    run: |
      import os
      if os.environ["REEVE_ARRAY_INDEX"] == "1":
          bytearray(256 << 20)
""")
        done = self.reeve("run", "-j", "1", path, expect=None)
        if "memory cannot be limited" in done.stdout + done.stderr:
            return  # a machine without such groups
        self.assertEqual(self.task_states(), {0: SUCCEEDED, 1: FAILED, 2: SUCCEEDED})

    def test_an_engine_that_is_killed_finds_its_batch_again(self):
        path = self.write("engine.yaml", """
name: engine
tasks:
  t:
    array: 0-4
    batch: {max: 5}
    run: |
      echo "$REEVE_ARRAY_INDEX" >> begun
      while ! [ -e go ]; do sleep 0.05; done
""")
        run = self.start("run", "-j", "1", path)
        self.wait_for(lambda: (self.directory / "begun").exists(), "the first to begin")
        run.kill()
        run.wait()
        (self.directory / "go").write_text("")
        self.reeve("resume", "1", expect=0)
        self.wait_for(lambda: self.task_states() == dict.fromkeys(range(5), SUCCEEDED),
                      "all to have ended")
        self.assertEqual((self.directory / "begun").read_text().split(), list("01234"))
        self.assertEqual(self.query("SELECT max(number) FROM attempts"), [(1,)])

    def test_a_supervisor_that_is_killed_charges_what_had_begun_only(self):
        path = self.write("supervisor.yaml", """
name: supervisor
tasks:
  t:
    array: 0-3
    batch: {max: 4}
    run: |
      echo "$REEVE_ARRAY_INDEX" >> begun
      [ "$REEVE_ARRAY_INDEX" != 1 ] || while ! [ -e go ]; do sleep 0.05; done
""")
        run = self.start("run", "-j", "1", path)
        begun = self.directory / "begun"
        self.wait_for(lambda: begun.exists() and begun.read_text().split() == ["0", "1"],
                      "the second to begin")
        self.wait_for(lambda: self.task_states().get(0) == SUCCEEDED, "the end of the first")
        os.kill(next(iter(processes_of(self.state))), signal.SIGKILL)
        (self.directory / "go").write_text("")
        self.assertEqual(run.wait(timeout=60), 0)
        self.assertEqual(self.task_states(), dict.fromkeys(range(4), SUCCEEDED))
        self.assertEqual(sorted(begun.read_text().split()), ["0", "1", "1", "2", "3"])


if __name__ == "__main__":
    unittest.main()
