"""kill -9 of what holds sandboxes, at random moments: nothing of them is left on the machine.

    random_kills_test.py [--kills N] [--seed N]        REEVE_KILLS=N does as --kills

Each round starts tasks that sleep, fork, make daemons, write, fail or keep secrets, some of them in
an image or by an OCI runtime; has some entered, and the sandbox of one that failed held; kills the
engine, the supervisor, both, a zygote, process 1 of a sandbox, a runtime or a visitor; and lets the
engine's ordinary commands clean up: resume, cancel, or the next run. Then it looks from outside for
processes, namespaces, mounts, control groups and secrets. The seed is printed.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import time
import unittest

from image_case import ImageCase, base_layer
from reeve_case import processes_of

KILLS = 25
SEED = random.SystemRandom().randrange(2**32)
SECONDS_UNTIL_KILL = 0.5
SECONDS_TO_END = 20
ROUNDS_OF_A_STATE = 20  # all of it is searched for secrets in each round
VICTIMS = ("engine", "supervisor", "both", "zygote", "init", "runtime", "visitor")
ENDS_THE_SUPERVISOR = ("supervisor", "both")
JOBS = "12"
HELD_ROUNDS = 0.4  # the share of them
CLEAN_UPS = {"resume": ("resume", "-j", JOBS, "--allow", "unsandboxed"),
             "next run": ("run", "--", "true"),
             "cancel": ()}
TOKEN = "s3cret-of-the-random-kills"
NAMESPACES = ("mnt", "pid", "ipc", "net", "uts", "cgroup", "user")
PROC = pathlib.Path("/proc")
GROUPS = pathlib.Path("/sys/fs/cgroup")
SHARED_MEMORY = pathlib.Path("/dev/shm")

# What a task leaves is found by its marker, but for the daemon that has wiped it off: that one by
# its namespaces.
WORKFLOW = """
secrets: [TOKEN]
defaults: {{env: {{KILLS_MARKER: "{marker}"}}, retry: {{backoff: 1ms}}}}
tasks:
  sleeper: {{run: exec sleep 600}}
  forker:
    resources: {{memory: 64Mi}}
    run: |
      while :; do (sleep 0.1; :) & sleep 0.02; done
  daemon:
    run: |
      setsid env -i sleep 600 >/dev/null 2>&1 &
      (setsid sh -c 'trap "" TERM HUP INT; sleep 600; :' &) &
      sleep 600
  writer:
    run: |
      while :; do head -c 65536 /dev/zero | tee /tmp/f /dev/shm/f | od | head -n 2; sleep 0.02; done
  keeper:
    secrets: [TOKEN]
    run: |
      cat "$REEVE_SECRET_TOKEN" > /tmp/copy; sleep 600
  broken: {{run: 'setsid sleep 600 >/dev/null 2>&1 & exit 7', retry: {{limits: {{exit: 0}}}}}}
  short: {{array: 200, run: 'true'}}
"""
OUTSIDE = """
  outside:
    sandbox: none
    secrets: [TOKEN]
    run: |
      setsid sleep 600 >/dev/null 2>&1 & sleep 600
"""
CONTAINED = """
  contained:
    sandbox: oci
    run: |
      setsid env -i sleep 600 >/dev/null 2>&1 & sleep 600
"""
IMAGED = """
  imaged:
    image: "{image}"
    run: |
      sleep 600 & sleep 600
"""
VISIT = """
setsid sleep 600 >/dev/null 2>&1 & env -i setsid sleep 600 >/dev/null 2>&1 & sleep 600
"""


def text_of(path):
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or is a zombie
        return b""


def namespaces_of(pid):
    found = set()
    for name in NAMESPACES:
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/{name}"))
        except OSError:
            pass
    return found


def kernel_time():
    """In ticks since the machine was started."""
    return float(text_of(PROC / "uptime").split()[0]) * os.sysconf("SC_CLK_TCK")


def started_at(pid):
    """Of the same clock; never for one that has ended."""
    words = text_of(PROC / str(pid) / "stat").rpartition(b")")[2].split()
    return int(words[19]) if len(words) > 19 else float("inf")


def children_of(pid):
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found = []
    for thread in threads:
        found += map(int, text_of(PROC / str(pid) / "task" / thread / "children").split())
    return found


def descendants_of(pid):
    found = []
    waiting = [pid]
    while waiting:
        children = children_of(waiting.pop())
        found += children
        waiting += children
    return found


class RandomKills(ImageCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.environment["TOKEN"] = TOKEN
        self.host = namespaces_of(os.getpid())
        self.victims = collections.Counter()
        self.seen = collections.Counter()
        self.mounts = text_of(PROC / "self" / "mountinfo").splitlines()
        self.other = self.directory / "other"
        self.other.mkdir()
        self.image_name = self.image("kills", base_layer())[1]
        print(f"random kills: seed {SEED}, {KILLS} kills", file=sys.stderr, flush=True)

    def tearDown(self):
        identity = self.identity()
        for pid in processes_of(self.state) | processes_of(self.other / ".reeve"):
            os.kill(pid, signal.SIGKILL)
        super().tearDown()
        for path in SHARED_MEMORY.glob(f"reeve-*{identity}*"):
            shutil.rmtree(path, ignore_errors=True)

    def identity(self):
        path = self.state / "supervisor.id"
        return path.read_text(encoding="utf-8").strip() if path.exists() else "none"

    # What of the state's processes there is.

    def supervisors(self):
        return list(processes_of(self.state))

    def supervised(self):
        return [pid for one in self.supervisors() for pid in descendants_of(one)]

    def zygotes(self):
        return [pid for one in self.supervisors() for pid in children_of(one)
                if text_of(PROC / str(pid) / "cmdline").startswith(b"reeve-zygote") and
                not self.is_init(pid)]

    def inits(self):
        return [pid for one in self.supervisors() for pid in children_of(one) if self.is_init(pid)]

    def is_init(self, pid):
        for line in text_of(PROC / str(pid) / "status").splitlines():
            if line.startswith(b"NSpid:"):
                return len(line.split()) > 2 and line.split()[-1] == b"1"
        return False

    def runtimes(self):
        """Of OCI, each the process 1 of namespaces of its own."""
        return [pid for pid in self.supervised()
                if text_of(PROC / str(pid) / "cmdline").startswith(b"runc\0")]

    def note_namespaces(self):
        """Those that are ours in this round, and when they were seen last."""
        now = kernel_time()
        for pid in self.supervised():
            self.namespaces.update(dict.fromkeys(namespaces_of(pid) - self.host, now))

    def visits(self):
        """Programs of visitors that run; their shells have the whole of what they do as a word."""
        return sum(VISIT.encode() in text_of(PROC / str(pid) / "cmdline")
                   for pid in self.supervised())

    def note_what_is_there(self):
        """What is looked for afterwards is to be found now."""
        self.seen["namespaces"] += len(self.namespaces)
        self.seen["processes"] += len(self.left_processes())
        self.seen["groups"] += len(self.left_groups())
        self.seen["secrets"] += len(self.left_secrets())
        self.seen["runtimes"] += len(self.runtimes())
        self.seen["visitors"] += self.visits()

    # A round.

    def kill(self, engine, victim):
        pids = []
        if victim in ("engine", "both"):
            pids.append(engine.pid)
        if victim in ENDS_THE_SUPERVISOR:
            pids += self.supervisors()
        finders = {"zygote": self.zygotes, "init": self.inits, "runtime": self.runtimes,
                   "visitor": lambda: [each.pid for each in self.visitors if each.poll() is None]}
        if victim in finders:
            some = finders[victim]()
            pids += self.random.sample(some, min(len(some), self.random.randint(1, 3)))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.victims[victim] += 1 if pids else 0
        return bool(pids)

    def newest_run(self):
        return self.query("SELECT max(id) FROM runs")[0][0]

    def is_held(self):
        shown = self.reeve("show", f"{self.run_id}/broken", "-o", "json", expect=None).stdout
        return bool(shown) and json.loads(shown)["task"]["task"]["reason"] == "held_open"

    def start_run(self, parts):
        self.write("w.yaml", "".join(parts).format(marker=self.marker, image=self.image_name))
        before = self.newest_run()
        engine = self.start("run", "-j", JOBS, "--allow", "unsandboxed", "w.yaml")
        self.wait_for(lambda: self.newest_run() > before, "the run")
        self.run_id = self.newest_run()
        return engine

    def start_and_hold(self, parts):
        """A run is tried again as a whole when it has ended, if all of it has a native sandbox."""
        self.start_run(parts)
        self.reeve("cancel", self.run_id, "--kill")
        self._started[-1].communicate(timeout=SECONDS_TO_END)
        engine = self.start("retry", self.run_id, "--debug", "-j", JOBS)
        self.wait_for(self.is_held, "the hold")
        self.seen["held"] += 1
        return engine

    def visit(self, tasks):
        """One that was just started may not be there yet, or no more."""
        for task in tasks:
            self.visitors.append(
                self.start("exec", f"{self.run_id}/{task}", "--", "sh", "-c", VISIT))

    def start_round(self, number):
        """The first two show that what is looked for can be found."""
        parts = [WORKFLOW] + [IMAGED] * self.random.randint(0, 1)
        visited = ["sleeper", "daemon", "writer", "forker"]
        if number == 1 or (number > 1 and self.random.random() < HELD_ROUNDS):
            engine = self.start_and_hold(parts)
            visited.append("broken")
        elif number == 0:
            engine = self.start_run([WORKFLOW, IMAGED, OUTSIDE, CONTAINED])
            self.wait_for(self.runtimes, "the runtime")
            self.wait_for(self.left_secrets, "the secrets")
        else:
            engine = self.start_run(parts + [OUTSIDE] + [CONTAINED] * self.random.randint(0, 1))
        until = time.monotonic() + self.random.uniform(0, SECONDS_UNTIL_KILL)
        self.visit(self.random.sample(visited, self.random.randint(0, 3)))
        if number == 1:
            self.visit(["broken"])
            self.wait_for(self.visits, "the visitor")
        return engine, until

    def run_until_kill(self, number):
        engine, until = self.start_round(number)
        while time.monotonic() < until:
            self.note_namespaces()
            time.sleep(0.02)
        self.note_namespaces()
        self.note_what_is_there()
        victim = next(each for each in self.random.sample(VICTIMS, len(VICTIMS))
                      if self.kill(engine, each))
        if victim in ("engine", "both"):
            engine.wait()
        return engine, victim

    def is_cancelled(self, processes):
        """Refused while an engine is coming up, on a slow day; and when all has ended by itself."""
        done = self.reeve("cancel", self.run_id, "--kill", expect=None)
        if done.returncode != 0:
            print(f"random kills: cancel {done.returncode}: {done.stderr.strip()}",
                  file=sys.stderr, flush=True)
        return done.returncode == 0 or all(each.poll() is not None for each in processes)

    def clean_up(self, engine):
        """The next run may have to wait for what the last one's tasks use, until that is ended."""
        how = self.random.choice(list(CLEAN_UPS))
        processes = [engine]
        if CLEAN_UPS[how]:
            processes.append(self.start(*CLEAN_UPS[how]))
            time.sleep(self.random.uniform(0, SECONDS_UNTIL_KILL))
            self.note_namespaces()
        self.wait_for(lambda: self.is_cancelled(processes), "the cancel")
        for process in processes + self.visitors:
            process.communicate(timeout=SECONDS_TO_END)
        return how

    def one_round(self, number):
        self.marker = f"kills-{self.directory.name}-{number}"
        self.namespaces = {}
        self.visitors = []
        engine, victim = self.run_until_kill(number)
        how = self.clean_up(engine)
        story = f"round {number}, killed: {victim}, then: {how}"
        self.check(victim in ENDS_THE_SUPERVISOR, story)

    # What is left.

    def assert_none(self, find, story):
        """At once or soon: the kernel takes its time to end what was killed."""
        deadline = time.monotonic() + SECONDS_TO_END
        left = find()
        while left and time.monotonic() < deadline:
            time.sleep(0.01)
            left = find()
        self.assertFalse(left, story)

    def left_processes(self):
        found = {}
        for path in PROC.glob("[0-9]*"):
            said = text_of(path / "environ") + b"\0" + text_of(path / "cmdline")
            is_ours = self.marker.encode() in said
            # The number of a namespace that has gone may be another's, whose processes are younger.
            for space in namespaces_of(path.name) & self.namespaces.keys():
                is_ours = is_ours or started_at(path.name) < self.namespaces[space]
            if is_ours:
                found[path.name] = said.replace(b"\0", b" ")[-120:]
        return found

    def left_mounts(self):
        now = text_of(PROC / "self" / "mountinfo").splitlines()
        return [line for line in now if line not in self.mounts and b"reeve" in line]

    def left_groups(self):
        start = f"reeve.{self.identity()}"
        return [f"{place}/{name}" for place, names, _ in os.walk(GROUPS) for name in names
                if name.startswith(start)]

    def left_secrets(self):
        places = [self.state, *SHARED_MEMORY.glob(f"reeve-*{self.identity()}*")]
        files = [pathlib.Path(parent, name)
                 for place in places for parent, _, names in os.walk(place) for name in names]
        return [path for path in files if path.is_file() and TOKEN.encode() in text_of(path)]

    def check(self, was_supervisor_killed, story):
        self.assert_none(self.supervisors, story)
        self.assert_none(self.left_processes, story)
        self.assert_none(self.left_mounts, story)
        if was_supervisor_killed:
            self.reeve("run", "--", "true", cwd=self.other)
            self.assert_none(lambda: processes_of(self.other / ".reeve"), story)
        self.assert_none(self.left_groups, "groups; " + story)
        if was_supervisor_killed:
            self.reeve("run", "--", "true")
            self.assert_none(self.supervisors, story)
        self.assert_none(self.left_secrets, "secrets; " + story)

    def test_nothing_is_left(self):
        for number in range(KILLS):
            if number % ROUNDS_OF_A_STATE == 0:
                shutil.rmtree(self.state, ignore_errors=True)
                self.reeve("run", "--", "true")
            self.one_round(number)
        for what in ("namespaces", "processes", "secrets", "held", "runtimes", "visitors"):
            self.assertGreater(self.seen[what], 0, f"none of the {what} that are looked for")
        print(f"random kills: {dict(self.victims)}; seen {dict(self.seen)}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=int(os.environ.get("REEVE_KILLS", KILLS)))
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    KILLS, SEED = given.kills, given.seed
    unittest.main(argv=sys.argv[:1])
