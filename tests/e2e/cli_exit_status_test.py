"""The exit statuses of CONVENTIONS §1, one row after the other, against the built program."""

import os
import signal
import unittest

from reeve_case import ReeveCase

GOOD = "tasks: {a: {run: 'true'}}\n"
BAD = "tasks: {a: {run: 'exit 3'}}\n"
SLOW = "tasks: {a: {run: sleep 60}}\n"


class RunACommand(ReeveCase):
    """`reeve run -- CMD` ends as the command does."""

    def test_statuses(self):
        script = self.write("not-executable", "echo\n")
        for expected, words in {
            0: ["true"],
            1: ["false"],
            3: ["sh", "-c", "exit 3"],
            255: ["sh", "-c", "exit 255"],
            126: [script],
            127: ["no-such-command"],
            128 + 9: ["sh", "-c", "kill -9 $$"],
            128 + 15: ["sh", "-c", "kill -15 $$"],
        }.items():
            with self.subTest(words):
                self.reeve("run", "--", *words, expect=expected)

    def test_timed_out(self):
        done = self.reeve("run", "--timeout", "100ms", "--", "sleep", "60", expect=124)
        self.assertIn("limit of 100ms", done.stderr)

    def test_what_cannot_start_says_why(self):
        done = self.reeve("run", "--", "no-such-command", expect=127)
        self.assertIn("no-such-command", done.stderr)
        self.assertIn("not found", done.stderr)

    def test_retried_until_it_succeeds(self):
        script = "echo x >> tries; [ $(wc -l < tries) -ge 3 ]"
        self.reeve("run", "--retry", "5", "--", "sh", "-c", script, expect=0)
        self.assertEqual(len(self.lines("tries")), 3)

    def test_interrupted(self):
        engine = self.start("run", "--", "sh", "-c", "touch begun; sleep 60")
        self.wait_for((self.directory / "begun").exists, "the command")
        os.kill(engine.pid, signal.SIGINT)
        self.assertEqual(engine.wait(30), 130)

    def test_terminated(self):
        engine = self.start("run", "--", "sh", "-c", "touch begun; sleep 60")
        self.wait_for((self.directory / "begun").exists, "the command")
        os.kill(engine.pid, signal.SIGTERM)
        self.assertEqual(engine.wait(30), 143)

    def test_engine_fault_is_125(self):
        """The directory of the database is full from the start."""
        # A state directory whose database is something else: nothing can be recorded.
        self.state.mkdir(mode=0o700)
        (self.state / "reeve.db").write_bytes(b"not a database" * 1000)
        done = self.reeve("run", "--", "true", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("reeve.db", done.stderr)


class RunAWorkflow(ReeveCase):
    def test_statuses(self):
        self.write("good.yaml", GOOD)
        self.write("bad.yaml", BAD)
        self.write("late.yaml", "tasks: {a: {run: sleep 60, timeout: 100ms}}\n")
        self.write("invalid.yaml", "tasks: {a: {rum: x}}\n")
        self.write("large.yaml", "tasks: {a: {run: x, resources: {cpu: 100000}}}\n")
        self.write("inputs.yaml", "inputs: {n: {type: number, required: true}}\n" + GOOD)
        for expected, words in [
            (0, ["good.yaml"]),
            (1, ["bad.yaml"]),
            (124, ["late.yaml"]),
            (2, []),
            (2, ["good.yaml", "--no-such-option"]),
            (2, ["good.yaml", "--retry", "1"]),
            (2, ["good.yaml", "--jobs", "many"]),
            (2, ["good.yaml", "--", "true"]),
            (3, ["missing.yaml"]),
            (6, ["invalid.yaml"]),
            (6, ["inputs.yaml"]),
            (6, ["inputs.yaml", "--input", "n=three"]),
            (0, ["inputs.yaml", "--input", "n=3"]),
            (8, ["large.yaml"]),
        ]:
            with self.subTest(words):
                self.reeve("run", *words, expect=expected)

    def test_interrupted(self):
        self.write("slow.yaml", SLOW)
        for signal_sent, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            engine = self.start("run", "slow.yaml")
            self.wait_for(lambda: "started" in self.running_tasks(), "the task")
            os.kill(engine.pid, signal_sent)
            self.assertEqual(engine.wait(30), expected)

    def running_tasks(self):
        done = self.reeve("show", "last", "--tasks", "-s", "running", "-q", expect=None)
        return "started" if done.stdout.strip() else ""

    def test_resumed_and_retried(self):
        self.write("flaky.yaml", "tasks: {a: {run: '[ -e fixed ]'}}\n")
        self.reeve("run", "flaky.yaml", expect=1)
        self.reeve("retry", "last", "--failed", expect=1)
        self.write("fixed", "")
        self.reeve("retry", "last", "--failed", expect=0)
        self.reeve("retry", "last", "--failed", expect=6)
        self.reeve("resume", expect=0)
        self.reeve("resume", "last", expect=6)


class OtherCommands(ReeveCase):
    def setUp(self):
        super().setUp()
        self.write("good.yaml", GOOD)
        self.write("bad.yaml", BAD)
        self.write("invalid.yaml", "tasks: {a: {rum: x}}\n")
        self.reeve("run", "good.yaml")
        self.reeve("run", "bad.yaml", expect=1)

    def test_statuses(self):
        for expected, words in [
            (0, ["ls"]),
            (0, ["show", "1"]),
            (0, ["logs", "1"]),
            (0, ["explain", "2"]),
            (0, ["diff", "1", "2"]),
            (0, ["wait", "1"]),
            (5, ["wait", "2"]),
            (5, ["wait", "1", "2"]),
            (0, ["wait", "2", "--no-exit-status"]),
            (0, ["watch", "1"]),
            (5, ["watch", "2"]),
            (0, ["watch", "2", "--no-exit-status"]),
            (0, ["lint", "good.yaml"]),
            (6, ["lint", "good.yaml", "invalid.yaml"]),
            (3, ["lint", "missing.yaml"]),
            (0, ["plan", "good.yaml"]),
            (6, ["plan", "invalid.yaml"]),
            (8, ["plan", "-j", "500m", "good.yaml"]),
            (0, ["replay"]),
            (0, ["schema"]),
            (0, ["version"]),
            (0, ["doctor"]),
            (0, ["help", "run"]),
            (0, ["run", "--help"]),
            (2, []),
            (2, ["no-such-command"]),
            (2, ["ls", "--no-such-option"]),
            (2, ["ls", "-o", "xml"]),
            (2, ["ls", "--json", "no_such_field"]),
            (2, ["show"]),
            (2, ["show", "1", "2"]),
            (2, ["completion", "tcsh"]),
            (2, ["man", "no-such-command"]),
            (2, ["retry", "1"]),
            (2, ["approve", "1"]),
            (3, ["show", "99"]),
            (3, ["show", "1/nothing"]),
            (3, ["logs", "nothing"]),
            (3, ["wait", "99"]),
            (3, ["cancel", "99"]),
            (3, ["--state", "nowhere", "ls"]),
            (6, ["cancel", "1"]),
            (6, ["pause", "1"]),
            (6, ["approve", "1/a"]),
        ]:
            with self.subTest(words):
                self.reeve(*words, expect=expected)

    def test_nothing_here(self):
        for path in self.state.iterdir():
            if path.is_file():
                path.unlink()
        done = self.reeve("ls", expect=3)
        self.assertIn("nothing has been run", done.stderr)

    def test_an_existing_file_is_kept(self):
        self.reeve("init")
        before = (self.directory / "reeve.yaml").read_text(encoding="utf-8")
        self.reeve("init", expect=6)
        self.assertEqual((self.directory / "reeve.yaml").read_text(encoding="utf-8"), before)

    def test_suggestions(self):
        self.assertIn("did you mean show?", self.reeve("shwo", expect=2).stderr)
        self.assertIn("did you mean --follow?", self.reeve("logs", "--folow", expect=2).stderr)
        self.assertIn("did you mean number?",
                      self.reeve("ls", "--json", "nunber", expect=2).stderr)
        self.assertIn("reeve run -- ls", self.reeve("run", "ls", expect=3).stderr)

    def test_wait_gives_up(self):
        engine = self.start("run", "--", "sleep", "60")
        self.wait_for(lambda: len(self.query("SELECT id FROM runs")) == 3, "the run")
        self.reeve("wait", "last", "--timeout", "50ms", expect=124)
        os.kill(engine.pid, signal.SIGTERM)
        engine.wait(30)

    def test_stdout_that_is_full(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            import subprocess
            from reeve_case import BINARY
            done = subprocess.run([BINARY, "ls"], cwd=self.directory, env=self.environment,
                                  stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write", done.stderr)


if __name__ == "__main__":
    unittest.main()
