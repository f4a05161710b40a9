"""A disk that is full during a commit, one that is read-only, and tasks that fill theirs.

The disk is a small tmpfs, or a file with an ext4, in a mount namespace of this test's own: the file
starts itself again inside of one.
"""

import os
import re
import subprocess
import sys
import unittest

from reeve_case import EXITED, RUN_SUCCEEDED, SUCCEEDED, ReeveCase, processes_of

INSIDE = "REEVE_TEST_NAMESPACE"
TASKS = 5000


class SmallDisk(ReeveCase):
    """The state directory is the root of a tmpfs of 24 MiB; the rest is on the ordinary disk."""

    def setUp(self):
        super().setUp()
        self.state.mkdir()
        self.mount("-t", "tmpfs", "-o", "size=24m", "none", str(self.state))

    def tearDown(self):
        super().tearDown()
        subprocess.run(["umount", "-l", str(self.state)], check=False)

    def mount(self, *words):
        subprocess.run(["mount", *words], check=True)

    def room(self):
        place = os.statvfs(self.state)
        return place.f_bavail * place.f_frsize

    def fill(self, leave):
        """Leaves `leave` bytes free."""
        with open(self.state / "ballast", "ab") as ballast:
            while self.room() > leave:
                ballast.write(bytes(min(1 << 16, self.room() - leave)))
                ballast.flush()

    def test_full_during_a_commit(self):
        path = self.write("many.yaml", f"""
name: many
tasks:
  element:
    array: {TASKS}
    command: [sh, -c, 'echo $REEVE_TASK_INDEX >> {self.directory}/started']
""")
        engine = self.start("run", "-j", "2", path)
        self.wait_for(lambda: len(self.lines("started")) > 50, "some tasks")
        self.fill(leave=64 << 10)
        output, _ = engine.communicate(timeout=60)
        self.assertNotEqual(engine.returncode, 0)
        self.assertGreaterEqual(engine.returncode, 0, f"a crash, not an end: {output}")
        self.assertRegex(output, r"(?i)full|no space")
        recorded = {index for index, state in self.task_states().items() if state == SUCCEEDED}
        self.assertGreater(len(recorded), 0)
        self.assertLess(len(recorded), TASKS)
        before = len(self.lines("started"))

        (self.state / "ballast").unlink()
        self.reeve("resume", "-j", "2", timeout=90)
        self.assertEqual(self.query("SELECT state FROM runs"), [(RUN_SUCCEEDED,)])
        accepted = self.query("SELECT task & 0xffffffff FROM attempts "
                              "WHERE outcome = ? AND code = 0 ORDER BY task", EXITED)
        self.assertEqual([index for (index,) in accepted], list(range(TASKS)))
        again = recorded & set(map(int, self.lines("started")[before:]))
        self.assertEqual(again, set(), "tasks ran again though their end was recorded")

    def test_full_before_the_first_commit(self):
        self.fill(leave=0)
        done = self.reeve("run", "--", "true", expect=None)
        self.assertIn(done.returncode, (1, 125))
        self.assertRegex(done.stderr, r"(?i)full|no space")
        (self.state / "ballast").unlink()
        self.reeve("run", "--", "true")

    def test_read_only(self):
        self.reeve("run", "--", "true")
        # Whoever writes there would keep the disk from becoming read-only.
        self.wait_for(lambda: not processes_of(self.state), "the supervisor's end", seconds=60)
        self.mount("-o", "remount,ro", str(self.state))
        done = self.reeve("run", "--", "true", expect=None)
        self.assertIn(done.returncode, (1, 125))
        self.assertRegex(done.stderr, r"(?i)read-only")
        self.assertIn(str(self.state), done.stderr)
        self.mount("-o", "remount,rw", str(self.state))
        self.reeve("run", "--", "true")


class SharedDisk(ReeveCase):
    """The work directory is on a disk of 4 GiB that tasks share."""

    def setUp(self):
        super().setUp()
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        image = self.directory / "image"
        with open(image, "wb") as file:
            file.truncate(4 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-m0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)

    def room(self):
        place = os.statvfs(self.disk)
        return place.f_bavail * place.f_frsize

    def run_tasks(self, tasks, status):
        path = self.write("tasks.yaml", f"tasks:{tasks}")
        done = self.reeve("run", "-j", "5", path, expect=status, timeout=90)
        self.run_id = re.search(r"run_\w+", self.reeve("ls", "-o", "json").stdout).group()
        return done.stdout + done.stderr

    def explain(self, task):
        return self.reeve("explain", f"{self.run_id}/{task}").stdout

    def test_who_fills_it_ends_before_the_others_have_nothing_left(self):
        subprocess.run(["fallocate", "-l", str(self.room() - (150 << 20)), self.disk / "ballast"],
                       check=True)
        said = self.run_tasks(f"""
  filler:
    workdir: {self.disk}
    run: |
      while sleep 0.01; do head -c 1M /dev/zero >> filler || echo full > was_full; done
  neighbour:
    workdir: {self.disk}
    run: |
      head -c 30M /dev/zero > one && sync one
      until [ -e filler ]; do sleep 0.1; done
      for i in $(seq 50); do echo $i >> lines || exit 1; sleep 0.1; done
""", 1)
        self.assertEqual(len((self.disk / "lines").read_text().split()), 50, said)
        self.assertFalse((self.disk / "was_full").exists(), "it had all of it")
        self.assertGreater(self.room(), 0)
        why = self.explain("filler")
        self.assertRegex(why, r"written most to a disk of which less than 39.* MiB was free")
        self.assertIn("succeeded", self.explain("neighbour"))

    def test_a_limit_holds_and_counts_what_is_there(self):
        commands = {
            "large": "head -c 64M /dev/zero > large; sync large; sleep 60",
            "parts": "for i in $(seq 64); do head -c 1M /dev/zero > $i; done; sleep 60",
            "below": "head -c 12M /dev/zero > below; sleep 3",
            "replaces": "for i in $(seq 30); do head -c 3M /dev/zero > a; sync a; sleep 0.1; done",
        }
        for name in commands:
            (self.disk / name).mkdir()
        self.run_tasks("".join(f"""
  {name}:
    workdir: {self.disk}/{name}
    resources: {{disk: 20Mi}}
    run: {command}""" for name, command in commands.items()) + f"""
  without:
    workdir: {self.disk}
    run: head -c 64M /dev/zero > without; sleep 3
""", 1)
        for task in ("large", "parts"):
            self.assertIn("went over its disk limit of 20 MiB", self.explain(task))
        for task in ("below", "replaces", "without"):
            self.assertIn("succeeded", self.explain(task))


def main():
    if os.environ.get(INSIDE) != "1":
        flags = "-m" if os.geteuid() == 0 else "-rm"
        environment = {**os.environ, INSIDE: "1"}
        os.execvpe("unshare", ["unshare", flags, sys.executable, os.path.abspath(__file__),
                               *sys.argv[1:]], environment)
    unittest.main()


if __name__ == "__main__":
    main()
