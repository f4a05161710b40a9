"""One state directory, several processes: an engine and those that look at it or act on it."""

import fcntl
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import threading
import unittest

from reeve_case import BINARY, RUN_SUCCEEDED, ReeveCase

GATED = """
name: gated
tasks:
  first: {run: 'echo one; echo two >&2'}
  gate:
    needs: first
    run: |
      echo waiting
      touch begun
      while [ ! -e open ]; do sleep 0.02; done
      echo passed
  last: {run: 'true', needs: gate}
"""


class DyingEngine(threading.Thread):
    """Holds the state directory and answers one question; the next one it does not survive."""

    def __init__(self, state):
        super().__init__(daemon=True)
        self.asked = []
        self.lock = open(state / "engine.lock", "r+b", buffering=0)
        # struct flock: type, whence, start, length, pid
        whole_file = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(self.lock, fcntl.F_OFD_SETLK, whole_file)
        path = state / "engine.sock"
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self):
        connection = self.listener.accept()[0]
        with connection, self.listener, self.lock, connection.makefile("rw") as lines:
            for line in lines:
                request = json.loads(line)
                self.asked.append(request["method"])
                if len(self.asked) == 2:
                    return
                reply = {"version": 1, "id": request["id"], "ok": True, "result": {}}
                lines.write(json.dumps(reply) + "\n")
                lines.flush()


class TwoEngines(ReeveCase):
    def test_the_second_refuses_and_names_the_first(self):
        self.write("flow.yaml", GATED)
        first = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        refused = self.reeve("run", "--", "true", expect=6)
        self.assertIn(f"process {first.pid}", refused.stderr)
        self.assertIn("run flow.yaml", refused.stderr)
        self.assertIn("--state", refused.stderr)
        self.reeve("--state", "other", "run", "--", "true")
        self.write("open", "")
        self.assertEqual(first.wait(30), 0)
        self.reeve("run", "--", "true")

    def test_a_refusal_ends_the_engine_in_order(self):
        """What listens to the engine has to be there until its thread has ended."""
        self.reeve("run", "--", "true")
        for _ in range(60):
            self.reeve("retry", "last", "--failed", expect=6)

    def test_a_killed_engine_holds_nothing(self):
        self.write("flow.yaml", GATED)
        first = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        first.kill()
        first.wait()
        mentioned = self.reeve("run", "--plain", "flow.yaml", "-i", "x=1", expect=6)
        self.assertNotIn("held by", mentioned.stderr)
        shown = self.reeve("ls")
        self.assertIn("interrupted", shown.stdout)
        self.assertIn("reeve resume", self.reeve("explain", "1").stdout)
        self.reeve("watch", "1", expect=5)
        self.write("open", "")
        # Another run mentions what is left; resuming ends it.
        self.write("other.yaml", "tasks: {a: {run: 'true'}}\n")
        self.assertIn("reeve resume", self.reeve("run", "other.yaml").stderr)
        self.reeve("resume")
        self.assertEqual(dict(self.query("SELECT id, state FROM runs")),
                         {1: RUN_SUCCEEDED, 2: RUN_SUCCEEDED})

    def test_a_read_only_directory(self):
        self.directory.chmod(0o500)
        try:
            done = self.unprivileged("run", "--", "true")
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("cannot make the state directory", done.stderr)
            self.assertIn("--state", done.stderr)
        finally:
            self.directory.chmod(0o700)
        self.reeve("run", "--", "true")
        self.give_away(self.directory)
        self.state.chmod(0o500)
        try:
            done = self.unprivileged("run", "--", "true")
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("cannot write to the state directory", done.stderr)
            self.assertEqual(self.unprivileged("ls", "-q").returncode, 0)
        finally:
            self.state.chmod(0o700)

    def give_away(self, top):
        for folder, _, files in os.walk(top):
            for name in [folder, *(os.path.join(folder, file) for file in files)]:
                os.chown(name, *self.somebody(), follow_symlinks=False)

    @staticmethod
    def somebody():
        return (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())

    def unprivileged(self, *words):
        """As somebody whom modes of files bind, which root is not."""
        uid, gid = self.somebody()
        os.chmod(self.directory, stat.S_IMODE(self.directory.stat().st_mode) | 0o055)
        options = {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}
        return subprocess.run([BINARY, *words], cwd=self.directory, env=self.environment,
                              text=True, capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=60, check=False, **options)


class FromASecondProcess(ReeveCase):
    def setUp(self):
        super().setUp()
        self.write("flow.yaml", GATED)
        self.engine = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")

    def open_gate(self, status=0):
        self.write("open", "")
        self.assertEqual(self.engine.wait(30), status)

    def test_looking(self):
        self.assertIn("running", self.reeve("ls").stdout)
        self.assertIn("waiting", self.wait_for(
            lambda: "waiting" in (text := self.reeve("logs", "1/gate").stdout) and text, "a line"))
        explained = json.loads(self.reeve("explain", "1/last", "-o", "json").stdout)["explanation"]
        self.assertEqual(explained["reason"], "needs_pending")
        self.assertTrue(explained["live"])
        self.assertIn("gate", " ".join(explained["facts"]))
        explained = json.loads(self.reeve("explain", "1/gate", "-o", "json").stdout)["explanation"]
        self.assertEqual(explained["reason"], "is_running")
        self.assertIn("gate", self.reeve("explain", "1").stdout)
        self.open_gate()
        explained = json.loads(self.reeve("explain", "1/gate", "-o", "json").stdout)["explanation"]
        self.assertEqual((explained["reason"], explained["live"]), ("completed", False))

    def test_following(self):
        logs = self.start("logs", "-f", "1")
        watch = self.start("watch", "1")
        wait = self.start("wait", "1")
        self.open_gate()
        said, _ = logs.communicate(timeout=30)
        self.assertEqual(logs.returncode, 0)
        for line in ("first | one", "first | two", "gate | waiting", "gate | passed"):
            self.assertIn(line, said.splitlines())
        said, _ = watch.communicate(timeout=30)
        self.assertEqual(watch.returncode, 0)
        self.assertIn("gate succeeded", said)
        self.assertEqual(wait.wait(30), 0)

    def test_cancelling(self):
        self.reeve("cancel", "last", "--reason", "no longer needed", "--grace", "100ms")
        said, _ = self.engine.communicate(timeout=30)
        self.assertEqual(self.engine.returncode, 1)
        self.assertIn("cancelled", said)
        self.assertIn("no longer needed", self.reeve("explain", "1").stdout)

    def test_cancelling_one_task(self):
        self.reeve("cancel", "1/gate", "--kill")
        self.assertEqual(self.engine.wait(30), 1)
        shown = json.loads(self.reeve("show", "1", "--tasks", "-o", "json").stdout)["tasks"]
        self.assertEqual([task["state"] for task in shown], ["succeeded", "cancelled", "skipped"])

    def test_pausing_and_resuming(self):
        self.reeve("pause", "1")
        self.reeve("pause", "1", expect=6)
        self.write("open", "")
        self.wait_for(lambda: "gate | passed" in self.reeve("logs", "1").stdout, "the gate")
        self.wait_for(lambda: "paused" in self.reeve("explain", "1/last").stdout, "a paused run")
        self.assertIsNone(self.engine.poll())
        self.reeve("resume", "1")
        self.assertEqual(self.engine.wait(30), 0)

    def test_a_retry_joins_the_engine_that_runs(self):
        self.write("broken.yaml", "tasks: {a: {run: '[ -e fixed ]'}}\n")
        self.open_gate()
        self.reeve("run", "broken.yaml", expect=1)
        os.unlink(self.directory / "open")
        os.unlink(self.directory / "begun")
        engine = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        self.write("fixed", "")
        self.assertIn("process", self.reeve("retry", "2", "--failed").stderr)
        self.reeve("wait", "2")
        self.write("open", "")
        self.assertEqual(engine.wait(30), 0)

    def test_a_stopped_engine_does_not_answer(self):
        os.kill(self.engine.pid, signal.SIGSTOP)
        try:
            self.assertIn("running", self.reeve("ls").stdout)
        finally:
            os.kill(self.engine.pid, signal.SIGCONT)
        self.open_gate()


class WithoutAnEngine(ReeveCase):
    def interrupted_run(self):
        self.write("flow.yaml", GATED)
        engine = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        engine.kill()
        engine.wait()

    def test_cancelling_what_a_killed_engine_left(self):
        self.interrupted_run()
        self.reeve("cancel", "1", "--kill")
        shown = json.loads(self.reeve("show", "1", "-o", "json").stdout)["run"]
        self.assertEqual(shown["state"], "cancelled")

    def test_cancelling_while_the_engine_ends(self):
        """It has said that it is there, and is gone when it is asked: nobody has to ask again."""
        self.interrupted_run()
        engine = DyingEngine(self.state)
        self.reeve("cancel", "1", "--kill")
        engine.join()
        self.assertEqual(engine.asked, ["status", "cancel"])
        shown = json.loads(self.reeve("show", "1", "-o", "json").stdout)["run"]
        self.assertEqual(shown["state"], "cancelled")

    def state_of(self, run):
        return json.loads(self.reeve("show", run, "-o", "json").stdout)["run"]["state"]

    def ask_a_dying_engine(self, method, *words):
        engine = DyingEngine(self.state)
        done = self.reeve(method, *words)
        engine.join()
        self.assertEqual(engine.asked, ["status", method])
        return done

    def test_pausing_and_resuming_while_the_engine_ends(self):
        self.interrupted_run()
        self.ask_a_dying_engine("pause", "1")
        self.assertIn("paused", self.reeve("resume").stderr)
        self.write("open", "")
        self.ask_a_dying_engine("resume", "1")
        self.assertEqual(self.state_of("1"), "succeeded")

    def test_approving_while_the_engine_ends(self):
        self.write("flow.yaml",
                   "tasks:\n  ask: {approval: {}}\n  after: {run: 'true', needs: ask}\n")
        engine = self.start("run", "flow.yaml")
        self.wait_for(lambda: "awaiting_approval" in
                      self.reeve("show", "1", "--tasks", expect=None).stdout, "the approval")
        engine.kill()
        engine.wait()
        self.ask_a_dying_engine("approve", "1/ask")
        self.reeve("resume", "1")
        self.assertEqual(self.state_of("1"), "succeeded")

    def test_retrying_while_the_engine_ends(self):
        self.write("broken.yaml", "tasks: {a: {run: '[ -e fixed ]'}}\n")
        self.reeve("run", "broken.yaml", expect=1)
        self.write("fixed", "")
        self.ask_a_dying_engine("retry", "1", "--failed")
        self.assertEqual(self.state_of("1"), "succeeded")

    def test_pausing_outlives_the_process(self):
        self.interrupted_run()
        self.reeve("pause", "1")
        self.assertIn("paused", self.reeve("resume").stderr)
        self.write("open", "")
        self.reeve("resume", "1")

    def test_approving(self):
        self.write("flow.yaml",
                   "tasks:\n  ask: {approval: {}}\n  after: {run: 'true', needs: ask}\n")
        for run, words, status in (("1", [], 0), ("2", ["--deny"], 1)):
            engine = self.start("run", "flow.yaml")
            self.wait_for(lambda run=run: "awaiting_approval" in
                          self.reeve("show", run, "--tasks", expect=None).stdout, "the approval")
            self.reeve("approve", f"{run}/ask", *words)
            self.assertEqual(engine.wait(30), status)

    def test_idempotency(self):
        self.write("flow.yaml", "tasks: {a: {run: 'echo x >> ran'}}\n")
        for _ in range(3):
            self.reeve("run", "--idempotency-key", "k", "flow.yaml")
        self.assertEqual(self.lines("ran"), ["x"])


class LongPaths(ReeveCase):
    def test_a_socket_below_a_long_path(self):
        deep = self.directory / ("d" * 100) / ("e" * 100)
        deep.mkdir(parents=True)
        self.write("flow.yaml", GATED)
        engine = self.start("--state", deep / "state", "run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        self.reeve("--state", deep / "state", "cancel", "last", "--kill")
        self.assertEqual(engine.wait(30), 1)


class PassedOn(ReeveCase):
    """`reeve run -- CMD` is transparent."""

    def run_bytes(self, *words):
        return subprocess.run([BINARY, "run", "--", *words], cwd=self.directory,
                              env=self.environment, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=True)

    def test_every_byte(self):
        data = bytes(range(256)) * 500 + b"no line's end"
        (self.directory / "data").write_bytes(data)
        done = self.run_bytes("cat", "data")
        self.assertEqual(done.stdout, data)
        self.assertEqual(done.stderr, b"")
        done = self.run_bytes("sh", "-c", "cat data >&2")
        self.assertEqual(done.stderr, data)
        stored = subprocess.run([BINARY, "logs", "last"], cwd=self.directory,
                                env=self.environment, capture_output=True, check=True)
        self.assertEqual(stored.stdout, data)

    def test_while_it_runs(self):
        process = self.start("run", "--", "sh", "-c",
                             "echo first; while [ ! -e open ]; do sleep 0.02; done; echo second")
        self.assertEqual(process.stdout.readline(), "first\n")
        self.assertIsNone(process.poll())
        self.write("open", "")
        self.assertEqual(process.stdout.readline(), "second\n")
        self.assertEqual(process.wait(30), 0)

    def test_what_is_left_open_by_a_reader_does_not_matter(self):
        process = subprocess.Popen([BINARY, "run", "--", "sh", "-c", "yes | head -c 3000000; "
                                    "touch done"], cwd=self.directory, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL)
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.wait(30), 0)
        self.assertTrue((self.directory / "done").exists())


if __name__ == "__main__":
    unittest.main()
