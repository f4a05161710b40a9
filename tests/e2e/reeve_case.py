"""What the tests of the built program share: a directory of their own, the program, and patience.

The program is named by REEVE_BINARY (ctest sets it). Nothing here sleeps a fixed time to let
something happen: wait_for() asks again and again and gives up after a bound.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("REEVE_BINARY", str(ROOT / "build" / "release" / "reeve"))

# As stored; tests/e2e reads the database because that is what survives.
SUCCEEDED, FAILED, TIMED_OUT = 8, 9, 10
EXITED, SIGNALLED, LOST = 1, 2, 5
RUN_SUCCEEDED, RUN_FAILED = 2, 3


def processes_of(state):
    """{pid: command line} of supervisors that serve the state directory."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            words = pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"supervisor" in words and str(state).encode() in words:
            found[int(entry)] = b" ".join(words).decode(errors="replace")
    return found


def what_processes_do():
    """Of reeve's processes, and their threads: state, and where in the kernel they wait."""
    lines = []
    for process in sorted(pathlib.Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if "reeve" not in words:
                continue
            lines.append(f"{process.name} {words[:150]}")
            for thread in (process / "task").iterdir():
                state = (thread / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
                stack = (thread / "stack").read_text(encoding="utf-8").split("\n")[:4]
                lines.append(f"    {thread.name} {state} {' < '.join(each[6:] for each in stack)}")
        except OSError:
            continue
    return "\n".join(lines)


def is_running(argument):
    """Whether a process has this argument; in a sandbox, what it calls itself says nothing here."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


class ReeveCase(unittest.TestCase):
    maxDiff = 4000
    binary = BINARY

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reeve-e2e-")).resolve()
        self.state = self.directory / ".reeve"
        self.environment = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        for name in [name for name in self.environment if name.startswith("REEVE_")]:
            del self.environment[name]
        self.environment["XDG_CONFIG_HOME"] = str(self.directory / "no-contexts")
        self._started = []

    def tearDown(self):
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for pid in processes_of(self.state):
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def reeve(self, *words, expect=0, timeout=60, **options):
        """Runs to the end and checks the exit status; None accepts any."""
        try:
            done = subprocess.run([self.binary, *map(str, words)], text=True, capture_output=True,
                                  cwd=options.pop("cwd", self.directory),
                                  env=options.pop("env", self.environment),
                                  stdin=subprocess.DEVNULL, timeout=timeout, check=False,
                                  **options)
        except subprocess.TimeoutExpired as late:
            said = b"".join(each or b"" for each in (late.stdout, late.stderr))
            self.fail(f"reeve {' '.join(map(str, words))}: not done after {timeout} s; it said:\n"
                      f"{said.decode(errors='replace')}\n{what_processes_do()}")
        if expect is not None:
            self.assertEqual(done.returncode, expect,
                             f"reeve {' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *words, **options):
        """Starts and returns; ended by tearDown at the latest."""
        process = subprocess.Popen([self.binary, *map(str, words)], cwd=self.directory, text=True,
                                   env=options.pop("env", self.environment),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True, **options)
        self._started.append(process)
        return process

    def wait_for(self, condition, what, seconds=30):
        """What `condition` gives once that is true."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                self.fail(f"waited {seconds} s in vain for {what}")
            time.sleep(0.005)

    def query(self, statement, *values):
        """Rows from the database, read only; [] while there is none."""
        path = self.state / "reeve.db"
        if not path.exists():
            return []
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def task_states(self):
        """{task index: state} of the only run; a task without a row is missing."""
        return dict(self.query("SELECT id & 0xffffffff, state FROM tasks"))

    def outputs(self):
        """What the newest run gave back."""
        rows = self.query("SELECT outputs FROM run_texts ORDER BY run DESC LIMIT 1")
        return json.loads(rows[0][0]) if rows else {}

    def lines(self, name):
        path = self.directory / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
