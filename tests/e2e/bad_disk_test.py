"""A disk that is full during a commit, and one that is read-only.

The disk is a small tmpfs in a mount namespace of this test's own: the file starts itself again
inside of one.
"""

import os
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


def main():
    if os.environ.get(INSIDE) != "1":
        flags = "-m" if os.geteuid() == 0 else "-rm"
        environment = {**os.environ, INSIDE: "1"}
        os.execvpe("unshare", ["unshare", flags, sys.executable, os.path.abspath(__file__),
                               *sys.argv[1:]], environment)
    unittest.main()


if __name__ == "__main__":
    main()
