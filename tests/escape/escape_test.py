"""Whether anything gets out of a sandbox: 24 classes, three probes or more of each, and one more
for a sandbox whose network is connected. Of the tier native, or what ESCAPE_TIER says.

Every probe runs in an attempt, where it must be prevented, and as a control in a weakened place,
where it must succeed: a probe that fails everywhere proves nothing. Tier native is tried with an
engine of root, and with one of an ordinary user. A control that cannot be shown
on this machine says why, and is counted apart. The table is printed at the end.
"""

import ctypes
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "e2e")]

# pylint: disable=wrong-import-position
from classes import (CLASSES, COUNT_FLOODS, EGRESS, EGRESS_PROBES, HOST, IMAGE_CLASSES, JAIL,
                     MEMORY_FLOODS)
from escape_case import (AsUser, DELEGATED, DESCRIPTORS_MAX, EscapeCase, IPC_CREATE, IPC_KEY,
                         PROBE, TIER, print_tables)
from image_case import Layout, Registry, base_layer
from workflow_probes import ARTIFACT, ARTIFACTS, DAEMON_COUNTS, DAEMONS, LINK_CONTROLS, LINKS


class Probes(EscapeCase):
    """The probes of classes.py, all of a class in one attempt."""

    classes = CLASSES

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
        self.own(os.ttyname(self.terminal[1]))
        self.twin = {**self.settings, "ESCAPE_ONLY": str(self.victim.pid)}
        self.open_sockets(twin)
        self.make_ipc()
        self.make_state(twin)

    def start_victim(self):
        name = f"{self.marker}-victim"
        victim = subprocess.Popen(["sh", "-c", "read line", name], env={"NAME": name},
                                  stdin=subprocess.PIPE, **self.as_user())
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
        for name in ("engine.sock", "supervisor.sock", "enter.sock"):
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
        """Both have an artifact, one that nobody is told of, and the output of another attempt."""
        self.write("make.yaml", "name: make\ntasks:\n  make:\n    run: echo kept > kept.txt\n"
                                "    artifacts: [kept.txt]\n"
                                "  other:\n    run: echo other > other.txt\n"
                                "    artifacts: [other.txt]\n")
        self.reeve("run", "make.yaml")
        for name in ("artifacts/ab/cd/kept.txt", "artifacts/ef/01/other.txt",
                     "runs/other.output"):
            path = twin / ".reeve" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (twin / ".reeve" / "reeve.db").touch()
        kept = next((self.state / "artifacts").rglob("kept.txt"))
        self.settings["ESCAPE_ARTIFACT"] = str(kept)
        self.twin["ESCAPE_ARTIFACT"] = str(twin / ".reeve" / "artifacts" / "ab" / "cd" / "kept.txt")
        other = self.state / "runs" / "other.output"
        other.touch()
        self.own(other)
        self.settings["ESCAPE_OTHER_OUTPUT"] = str(other)
        self.twin["ESCAPE_OTHER_OUTPUT"] = str(twin / ".reeve" / "runs" / "other.output")
        self.own_below(twin / ".reeve")
        dummy = subprocess.Popen(["sleep", "3600"], stdin=subprocess.PIPE, **self.as_user())
        self._started.append(dummy)
        self.twin["ESCAPE_INIT"] = str(dummy.pid)

    def test_all(self):
        for title, probes in self.classes:
            controls = {name: (reason, "") for name, reason in probes.items()}
            for place in (HOST, JAIL):
                names = [name for name, where in probes.items() if where == place]
                if names:
                    controls |= self.control(place, names, self.twin)
            self.judge(title, self.native(list(probes)), controls)


class Egress(Probes):
    """From a sandbox with a network that is connected, and open to all that can be listed."""

    def native(self, names):
        pairs = " ".join(f"{name}={value}" for name, value in self.settings.items())
        listed = ", ".join(f"'{each}'" for each in EGRESS)
        self.write("egress.yaml", "name: egress\ndefaults: {retry: {limits: {start: 0}}}\n"
                                  f"tasks:\n  reach:\n    sandbox: {{network: [{listed}]}}\n"
                                  f"    run: env {pairs} ./probe {' '.join(names)}\n")
        done = self.reeve("run", "egress.yaml", expect=None)
        logs = self.reeve("logs", "last", expect=None).stdout
        return self.parse(logs, names, done.stderr)

    def test_all(self):
        controls = {}
        for place in (HOST, JAIL):
            names = [name for name, where in EGRESS_PROBES.items() if where == place]
            controls |= self.control(place, names, self.twin)
        self.judge("network egress", self.native(list(EGRESS_PROBES)), controls)


class WarmProbes(Probes):
    """The same from a program that was in the sandbox before it was told of its attempt (in tier
    oci there is none)."""

    tier = f"{TIER}, engine of root, text for a warm shell"

    def native(self, names):
        settings = "".join(f"      {name}: {value}\n" for name, value in self.settings.items())
        self.write("warm.yaml", f"tasks:\n  t:\n    warm: sh\n    env:\n{settings}"
                                f"    run: exec ./probe {' '.join(names)}\n")
        done = self.reeve("run", "warm.yaml", expect=None)
        said = self.reeve("logs", "last/t", expect=None)
        return self.parse(said.stdout, names, done.stdout + done.stderr)


class ProbesInImage(Probes):
    """The same with an image as the root of the attempt, and the probes that only an image has.

    What the probes reach for of the host's system, the image has too: it is held back, not missing.
    Links, artifacts, daemons and floods are not tried again: the supervisor and the engine hold
    them back before the root is composed, after it is gone, or by control groups.
    """

    tier = f"{TIER}, image as root, engine of root"
    classes = CLASSES + IMAGE_CLASSES

    def setUp(self):
        super().setUp()
        place = pathlib.Path(tempfile.mkdtemp(prefix="reeve-registry-"))
        self.addCleanup(shutil.rmtree, place)
        registry = Registry(place)
        self.addCleanup(registry.stop)
        self.wait_for(registry.is_up, "the registry")
        self.image = registry.push(Layout(self.directory / "layout", self.layers()), "escape")
        twin = self.directory / "control"
        for name, inside, outside in (
                ("FILE", "/writable", twin / "own"), ("LINK", "/leads_out", twin / "leads_out"),
                ("DEVICE", "/given_device", twin / "given_device"),
                ("SETUID", "/setuid_program", "./setuid_program")):
            self.settings[f"ESCAPE_IMAGE_{name}"] = inside
            self.twin[f"ESCAPE_IMAGE_{name}"] = str(outside)
        (twin / "leads_out").symlink_to(self.secret)
        self.settings["ESCAPE_REMOUNT"] = "/"
        self.twin["ESCAPE_LAYERS"] = self.settings["ESCAPE_LAYERS"] = str(self.layer_store())

    def layers(self):
        probe = pathlib.Path(PROBE).read_bytes()
        system = [(name, "f", probe, 0o777) for name in ("usr/bin/true",
                                                         "lib64/ld-linux-x86-64.so.2")]
        return (base_layer(("etc/passwd", "f", b"root:x:0:0::/:/bin/sh\n", 0o666),
                           ("opt", "d", "", 0o777), ("sys", "d", "", 0o777)),
                base_layer(*system, ("writable", "f", b"of all\n", 0o666),
                           ("leads_out", "l", f"../../../../../../..{self.secret}", 0o777),
                           ("given_device", "c", "", 0o666),
                           ("setuid_program", "f", probe, 0o4755)))

    def layer_store(self):
        self.in_image("true")
        found = self.state / "images" / "layers"
        self.assertTrue(any(found.iterdir()))
        return found

    def in_image(self, script):
        task = {"image": self.image, "command": ["sh", "-c", script]}
        self.write("image.yaml", json.dumps({"tasks": {"probe": task}}))
        done = self.reeve("run", "--logs", "all", "image.yaml", expect=None)
        return done

    def native(self, names):
        pairs = [f"{name}={value}" for name, value in self.settings.items()]
        done = self.in_image(" ".join(["exec env", *pairs, "./probe", *names]))
        said = "\n".join(line.partition(" | ")[2] for line in done.stdout.splitlines())
        return self.parse(said, names, done.stdout + done.stderr)


class Links(EscapeCase):
    """A task puts symbolic links where the next one is given something."""

    LAST = 19

    def setUp(self):
        super().setUp()
        for i in range(self.LAST + 1):
            (self.outside / f"e{i}").mkdir()
        self.own_below(self.outside)

    def marks(self):
        """Whether something got out; forgets it."""
        found = [*self.outside.rglob("mark"), *self.directory.glob("mark")]
        for path in found:
            path.unlink()
        return "ESCAPED" if found else "prevented"

    def test_all(self):
        place = self.directory / "place"
        place.mkdir()
        self.own(place)
        for name, workflow in LINKS.items():
            with self.subTest(name):
                self.write(f"{name}.yaml", workflow.format(outside=self.outside, last=self.LAST))
                self.reeve("run", f"{name}.yaml", expect=None)
                says = self.query("SELECT count(*) FROM tasks")[0][0]
                native = {name: (self.marks(), f"{says} tasks so far")}
                script = LINK_CONTROLS[name].format(outside=self.outside, place=place)
                subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                script], cwd=self.directory, check=False, capture_output=True,
                               timeout=60)
                self.judge("symlink exchange", native, {name: (self.marks(), "")})


class DeepState(EscapeCase):
    """The engine's state is further below the work directory; what hides it must stay there."""

    def test_all(self):
        (self.directory / "deep" / "er").mkdir(parents=True)
        self.own_below(self.directory / "deep")
        done = self.reeve("--state", "deep/er/.reeve", "run", "--", "./probe",
                          "state_parent_rename", expect=None)
        native = self.parse(done.stdout, ["state_parent_rename"], done.stderr)
        twin = self.directory / "control"
        (twin / "deep").mkdir(parents=True)
        self.own_below(twin)
        controls = self.control(HOST, ["state_parent_rename"], self.settings)
        self.judge("masked paths", native, controls)


class Artifacts(EscapeCase):
    """What a task declares as its artifact, and lets point elsewhere."""

    def has_secret(self, root):
        return any(self.marker in path.read_text(errors="replace")
                   for path in root.rglob("*") if path.is_file() and not path.is_symlink())

    def test_all(self):
        self.secret.chmod(0o600)
        for name, (run, path) in ARTIFACTS.items():
            with self.subTest(name):
                names = {"outside": self.outside, "run": run.format(outside=self.outside)}
                names["path"] = path.format(**names)
                work = self.directory / name
                work.mkdir()
                self.own(work)
                (work / "a.yaml").write_text(ARTIFACT.format(**names), encoding="utf-8")
                done = self.reeve("run", "a.yaml", cwd=work, expect=None)
                stolen = self.has_secret(work / ".reeve" / "artifacts")
                native = {name: ("ESCAPED" if stolen else "prevented", self.reason_of(done))}
                control = self.directory / f"{name}-control"
                control.mkdir()
                declared = names["path"].replace("${{ run.directory }}", str(control)).strip('"')
                subprocess.run(["sh", "-c", f"{names['run']}; cp {declared} kept"], cwd=control,
                               check=True)
                seen = "ESCAPED" if self.has_secret(control) else "prevented"
                self.judge("artifact traversal", native, {name: (seen, "")})

    def reason_of(self, done):
        lines = [line for line in done.stderr.splitlines() if "symbolic link" in line or
                 "leaves" in line or "neither below" in line]
        return lines[-1].strip()[:100] if lines else done.stderr.strip()[-100:]


class Daemons(EscapeCase):
    """Processes that would outlive their task."""

    def living(self, mark):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cmdline").read_bytes() == mark:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def at_least(self, count, mark):
        found = self.living(mark)
        return found if len(found) >= count else None

    def test_all(self):
        for number, (name, script) in enumerate(DAEMONS.items()):
            with self.subTest(name):
                seconds = f"9{os.getpid()}{number}{self.user}"
                mark = f"sleep\0{seconds}\0".encode()
                script = script.format(mark=seconds)
                self.reeve("run", "--", "sh", "-c", script, expect=None)
                left = self.living(mark)
                native = {name: ("ESCAPED" if left else "prevented", f"{len(left)} survive")}
                subprocess.run(["sh", "-c", script], stdout=subprocess.DEVNULL, check=False)
                count = DAEMON_COUNTS.get(name, 1)
                left = self.wait_for(lambda mark=mark, count=count: self.at_least(count, mark),
                                     "the control's daemons")
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                self.judge("daemons", native, {name: ("ESCAPED" if left else "prevented", "")})


class Floods(EscapeCase):
    """Each in an attempt that may take 64 MiB; an attempt that was ended for it is prevented."""

    def limits(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS_MAX, DESCRIPTORS_MAX))

    def flood(self, names):
        tasks = "".join(f"  {name}:\n    run: ./probe {name}\n" +
                        ("    resources: {memory: 64Mi}\n" if name in MEMORY_FLOODS else "")
                        for name in names)
        self.write("floods.yaml", "name: floods\ndefaults:\n"
                                  "  retry: {limits: {oom: 0, exit: 0, signal: 0}}\n"
                                  f"tasks:\n{tasks}")
        return self.reeve("run", "floods.yaml", expect=None, preexec_fn=self.limits)

    def native(self, names):
        done = self.flood(names)
        logs = self.reeve("logs", "last", expect=None).stdout
        said = "\n".join(line.partition(" | ")[2] for line in logs.splitlines())
        found = self.parse(said, names, "")
        for name, (word, _) in found.items():
            if word == "no answer" and f"{name}  went over its memory" in done.stderr:
                found[name] = ("prevented", "the attempt ran out of memory")
        return {name: answer if answer[0] != "no answer" else (answer[0], done.stderr[-600:])
                for name, answer in found.items()}

    def test_all(self):
        twin = self.directory / "control"
        twin.mkdir()
        files = tempfile.mkdtemp(prefix="reeve-escape-", dir="/dev/shm")
        self.own(files)
        self.addCleanup(shutil.rmtree, files, ignore_errors=True)
        settings = {"ESCAPE_FILES": files}
        names = [*COUNT_FLOODS, *MEMORY_FLOODS]
        self.judge("floods", self.native(names), self.control(HOST, names, settings))

    def test_output(self):
        script = "head -c 8000000 /dev/zero | tr '\\0' 'x' | fold"
        self.write("output.yaml", "name: output\ntasks:\n  write:\n    output_limit: 1Mi\n"
                                  f"    run: {script}\n")
        self.reeve("run", "output.yaml", expect=None)
        kept = sum(path.stat().st_size for path in (self.state / "logs").rglob("*.log"))
        seen = len(subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout)
        self.judge("floods", {"log_flood": ("ESCAPED" if kept > 2 << 20 else "prevented",
                                            f"{kept} bytes kept")},
                   {"log_flood": ("ESCAPED" if seen > 2 << 20 else "prevented", "")})


class ProbesAsUser(AsUser, Probes):
    pass


class WarmProbesAsUser(AsUser, WarmProbes):
    tier = f"{TIER}, engine of an ordinary user, text for a warm shell"


class ProbesInImageAsUser(AsUser, ProbesInImage):
    tier = f"{TIER}, image as root, engine of an ordinary user"


class LinksAsUser(AsUser, Links):
    pass


class DeepStateAsUser(AsUser, DeepState):
    pass


class ArtifactsAsUser(AsUser, Artifacts):
    pass


class DaemonsAsUser(AsUser, Daemons):
    pass


class FloodsAsUser(AsUser, Floods):
    """An ordinary user holds limits in control groups that root has handed over, or not at all."""

    def delegate(self):
        """Hands over control groups of version 1, with this process in them; gives whether."""
        made = []
        for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, names, path = line.split(":", 2)
            parent = pathlib.Path("/sys/fs/cgroup", names, path[1:])
            if not DELEGATED.isdisjoint(names.split(",")) and parent.is_dir():
                made.append(parent / self.marker)
        for group in made:
            group.mkdir()
            self.own(group, group / "cgroup.procs", group / "tasks")
            self.addCleanup(self.take_back, group)
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")
        return bool(made)

    def take_back(self, group):
        (group.parent / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")

        def is_removed():
            try:
                group.rmdir()
            except OSError:  # its supervisor is about to end
                return False
            return True

        self.wait_for(is_removed, f"the end of all in {group}")

    def test_all(self):
        if self.delegate():
            super().test_all()

    def test_without_control_groups(self):
        """What was demanded and cannot be held is refused."""
        (self.directory / "control").mkdir()
        done = self.flood(["memory_flood"])
        is_refused = "its memory cannot be limited" in done.stderr
        native = {"memory_flood": ("prevented" if is_refused else "ESCAPED", "the attempt is "
                                   "refused: nobody gave it a control group")}
        self.judge("floods", native, self.control(HOST, ["memory_flood"], {}))


def load_tests(_loader, tests, _pattern):
    """An OCI runtime is started by an engine of root only."""
    if TIER == "native":
        return tests
    return unittest.TestSuite(test for suite in tests for test in suite
                              if not isinstance(test, AsUser))


if __name__ == "__main__":
    program = unittest.main(exit=False)
    print_tables()
    sys.exit(0 if program.result.wasSuccessful() else 1)
