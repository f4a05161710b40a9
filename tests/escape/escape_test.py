"""Whether anything gets out of the native sandbox: 24 classes, three probes or more of each.

Every probe runs in an attempt, where it must be prevented, and as a control in a weakened place,
where it must succeed: a probe that fails everywhere proves nothing. A control that cannot be shown
on this machine says why, and is counted apart. The table is printed at the end.
"""

import ctypes
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "e2e")]

# pylint: disable=wrong-import-position
from classes import CLASSES, FLOODS, HOST, JAIL
from reeve_case import ROOT, ReeveCase

PROBE = os.environ.get("ESCAPE_PROBE", str(ROOT / "build" / "release" / "escape_probe"))
IPC_KEY = 0x52454556
IPC_CREATE = 0o1666
DESCRIPTORS_MAX = 8_000
WORDS = {"0": "ESCAPED", "1": "prevented", "2": "unclear", "": "no answer"}
JAILED = ("unshare", "--mount", "--pid", "--fork", "--net", "--uts", "--propagation", "private")

results = []  # (class, probe, native, what it said, control)


def add_result(title, probe, native, says, control):
    results.append((title, probe, native, says, control))


def print_table():
    print(f"\n{'class':26} {'probe':31} {'native':10} control   what the native one saw")
    for title, probe, native, says, control in results:
        shown = control if control in WORDS.values() else "not shown"
        shown = "succeeds" if shown == "ESCAPED" else shown
        more = f" ({control})" if shown == "not shown" else ""
        print(f"{title:26} {probe:31} {native:10} {shown:9} {says}{more}")
    unshown = sum(1 for row in results if row[4] not in WORDS.values())
    held = sum(1 for row in results if row[2] == "prevented")
    classes = len({row[0] for row in results})
    print(f"{classes} classes, {len(results)} probes: {held} prevented, "
          f"{sum(1 for row in results if row[4] == 'ESCAPED')} controls succeed, "
          f"{unshown} cannot be shown on this machine")


class EscapeCase(ReeveCase):
    """A machine with something to find: decoys of the host, and twins of them for the control."""

    def setUp(self):
        super().setUp()
        self.marker = self.directory.name
        self.outside = pathlib.Path(tempfile.mkdtemp(prefix="reeve-escape-", dir="/var/tmp"))
        self.outside.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.outside, ignore_errors=True)
        self.secret = self.outside / "secret"
        self.secret.write_text(f"secret of {self.marker}\n", encoding="utf-8")
        shutil.copy(PROBE, self.directory / "probe")
        self.settings = {"ESCAPE_MARKER": self.marker, "ESCAPE_SECRET_FILE": str(self.secret)}

    def furnish(self, directory):
        for name in ("place", "deep/er"):
            (directory / name).mkdir(parents=True)
        (directory / "own").touch()
        for name in ("setuid_program", "capable_program"):
            shutil.copy(PROBE, directory / name)
        (directory / "setuid_program").chmod(0o4755)
        subprocess.run(["setcap", "cap_net_raw+ep", directory / "capable_program"], check=True)
        os.mknod(directory / "given_device", 0o20666, os.makedev(1, 3))

    def native(self, names):
        """{name: (word, what it saw)}"""
        pairs = [f"{name}={value}" for name, value in self.settings.items()]
        done = self.reeve("run", "--", "env", *pairs, "./probe", *names, expect=None)
        return self.parse(done.stdout, names, done.stderr)

    def control(self, place, names, settings):
        kind, prefix = ("JAIL", JAILED) if place == JAIL else ("PLAIN", ())
        done = subprocess.run(
            [*prefix, sys.executable, FOLDER / "control.py", kind, PROBE, *names],
            cwd=self.directory / "control", env={**self.environment, **settings}, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=60)
        return self.parse(done.stdout, names, done.stderr)

    def parse(self, text, names, otherwise):
        found = {}
        for line in text.splitlines():
            name, _, rest = line.partition(" ")
            if name in names and rest[:1] in WORDS:
                found[name] = (WORDS[rest[:1]], rest[2:])
        return {name: found.get(name, ("no answer", otherwise.strip()[-200:])) for name in names}

    def judge(self, title, native, controls):
        """Records; fails if one escapes or a control that should succeed does not."""
        for name, (word, says) in native.items():
            control, seen = controls[name]
            add_result(title, name, word, says, control)
            with self.subTest(escape=title, probe=name):
                self.assertEqual(word, "prevented", says)
                if control in WORDS.values():
                    self.assertEqual(control, "ESCAPED", f"the control: {seen}")


class Probes(EscapeCase):
    """The probes of classes.py, all of a class in one attempt."""

    def setUp(self):
        super().setUp()
        self.furnish(self.directory)
        twin = self.directory / "control"
        twin.mkdir()
        self.furnish(twin)
        self.victim = self.start_victim()
        self.settings["ESCAPE_VICTIM"] = str(self.victim.pid)
        self.terminal = os.openpty()
        self.settings["ESCAPE_TERMINAL"] = os.ttyname(self.terminal[1])
        self.twin = {**self.settings, "ESCAPE_ONLY": str(self.victim.pid)}
        self.open_sockets(twin)
        self.make_ipc()
        self.make_state(twin)

    def start_victim(self):
        name = f"{self.marker}-victim"
        victim = subprocess.Popen(["sh", "-c", "read line", name], env={"NAME": name},
                                  stdin=subprocess.PIPE)
        self._started.append(victim)
        return victim

    def listen(self, family, kind, address):
        listener = socket.socket(family, kind)
        self.addCleanup(listener.close)
        listener.bind(address)
        if kind != socket.SOCK_DGRAM:
            listener.listen()
        return listener

    def open_sockets(self, twin):
        for name, kind in (("stream", socket.SOCK_STREAM), ("datagram", socket.SOCK_DGRAM),
                           ("packets", socket.SOCK_SEQPACKET)):
            self.listen(socket.AF_UNIX, kind, f"\0{self.marker}-{name}")
        port = self.listen(socket.AF_INET, socket.SOCK_STREAM, ("", 0)).getsockname()[1]
        asks = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asks.connect(("192.0.2.1", 53))
        for settings in (self.settings, self.twin):
            settings.update(ESCAPE_PORT=str(port), ESCAPE_ADDRESS=asks.getsockname()[0])
        asks.close()
        (twin / ".reeve").mkdir()
        for name in ("engine.sock", "supervisor.sock"):
            self.listen(socket.AF_UNIX, socket.SOCK_STREAM, str(twin / ".reeve" / name))

    def make_ipc(self):
        libc = ctypes.CDLL(None, use_errno=True)
        memory = libc.shmget(IPC_KEY, 4096, IPC_CREATE)
        semaphores = libc.semget(IPC_KEY, 1, IPC_CREATE)
        queue = libc.msgget(IPC_KEY, IPC_CREATE)
        self.assertGreaterEqual(min(memory, semaphores, queue), 0)
        self.addCleanup(libc.shmctl, memory, 0, None)
        self.addCleanup(libc.semctl, semaphores, 0, 0)
        self.addCleanup(libc.msgctl, queue, 0, None)
        name = b"/reeve-escape"
        self.assertGreaterEqual(libc.mq_open(name, os.O_RDWR | os.O_CREAT, 0o666, None), 0)
        self.addCleanup(libc.mq_unlink, name)
        for folder in ("/dev/shm", "/tmp"):
            path = pathlib.Path(folder, f"{self.marker}-file")
            if not path.exists():
                path.touch()
                self.addCleanup(path.unlink)

    def make_state(self, twin):
        """Both have an artifact, and the output of another attempt."""
        self.write("make.yaml", "name: make\ntasks:\n  make:\n    run: echo kept > kept.txt\n"
                                "    artifacts: [kept.txt]\n")
        self.reeve("run", "make.yaml")
        for name in ("artifacts/ab/cd/kept.txt", "runs/other.output"):
            path = twin / ".reeve" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (twin / ".reeve" / "reeve.db").touch()
        other = self.state / "runs" / "other.output"
        other.touch()
        self.settings["ESCAPE_OTHER_OUTPUT"] = str(other)
        self.twin["ESCAPE_OTHER_OUTPUT"] = str(twin / ".reeve" / "runs" / "other.output")
        dummy = subprocess.Popen(["sleep", "3600"], stdin=subprocess.PIPE)
        self._started.append(dummy)
        self.twin["ESCAPE_INIT"] = str(dummy.pid)

    def test_all(self):
        for title, probes in CLASSES:
            controls = {name: (reason, "") for name, reason in probes.items()}
            for place in (HOST, JAIL):
                names = [name for name, where in probes.items() if where == place]
                if names:
                    controls |= self.control(place, names, self.twin)
            self.judge(title, self.native(list(probes)), controls)


if __name__ == "__main__":
    program = unittest.main(exit=False)
    print_table()
    sys.exit(0 if program.result.wasSuccessful() else 1)
