"""Single flight on the built program: what is the same is executed once, also across runs."""

import signal
import unittest

from reeve_case import SUCCEEDED, ReeveCase
from service_case import ServiceCase


class Flow:
    def text(self, tasks, fails=0):
        """Tasks that do the same; how often that was done is a line each in `done`."""
        return "name: flow\ntasks:" + "".join(f"""
  {name}:
    single_flight: true
    workdir: {self.directory}
    run: |
      echo x >> {self.directory}/done
      until [ -e {self.directory}/go ]; do sleep 0.05; done
      [ $(wc -l < {self.directory}/done) -gt {fails} ] || exit 1
      echo "version=42" >> "$REEVE_OUTPUT"
""" for name in tasks)


class SingleFlight(ReeveCase, Flow):
    def test_two_tasks_of_a_run_are_executed_once(self):
        engine = self.start("run", "-j", "4", self.write("flow.yaml", self.text("ab")))
        self.wait_for(lambda: self.lines("done"), "the first of them")
        self.assertRegex(self.reeve("explain", "1/b").stdout, "executes the same")
        (self.directory / "go").touch()
        self.assertEqual(engine.wait(60), 0)
        self.assertEqual(len(self.lines("done")), 1)
        self.assertEqual(set(self.task_states().values()), {SUCCEEDED})
        self.assertEqual(self.query("SELECT count(*) FROM attempts"), [(1,)])
        for task in ("a", "b"):
            self.assertIn("42", self.reeve("show", f"1/{task}").stdout)

    def test_an_engine_that_is_killed_shares_on(self):
        engine = self.start("run", "-j", "4", self.write("flow.yaml", self.text("abc")))
        self.wait_for(lambda: self.lines("done"), "the first of them")
        engine.send_signal(signal.SIGKILL)
        engine.wait(60)
        (self.directory / "go").touch()
        self.reeve("resume", "-j", "4", timeout=60)
        self.assertEqual(set(self.task_states().values()), {SUCCEEDED})
        self.assertEqual(len(self.lines("done")), 1)


class OverRuns(ServiceCase, Flow):
    def test_one_that_fails_lets_the_next_try_and_the_third_shares_that(self):
        first = self.submit(workflow=self.text("a", fails=1))["id"]
        self.wait_for(lambda: self.lines("done"), "the first of them")
        others = [self.submit(workflow=self.text("a", fails=1))["id"] for _ in range(2)]
        (self.directory / "go").touch()
        self.assertEqual(self.ended(first)["state"], "failed")
        for run in others:
            self.assertEqual(self.ended(run)["state"], "succeeded")
            self.assertIn("42", str(self.ask("GET", f"/v1/runs/{run}/tasks/a").body))
        self.assertEqual(len(self.lines("done")), 2)


if __name__ == "__main__":
    unittest.main()
