"""Bad days of the sandbox: what the machine refuses, and what a task fills, leaves or stops."""

import os
import pathlib
import subprocess
import unittest

from reeve_case import FAILED, SUCCEEDED, TIMED_OUT, ReeveCase

STORM = 3000
MARK = f"600.{os.getpid()}"


def text_of(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


class Machine(ReeveCase):
    """A machine that lacks something, made with namespaces of the test's own."""

    def inside(self, flags, script):
        return subprocess.run(["unshare", *flags, "sh", "-ec", script], cwd=self.directory,
                              env={**self.environment, "REEVE": str(self.binary)}, text=True,
                              capture_output=True, check=False, timeout=60)

    def test_user_namespaces_are_off(self):
        done = self.inside(["-Ur"], "echo 0 > /proc/sys/user/max_user_namespaces\n"
                                    "exec $REEVE run -- touch ran\n")
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("no sandbox: this machine refuses user namespaces; allow them", done.stderr)
        self.assertFalse((self.directory / "ran").exists(), "without a sandbox")

    def test_control_groups_cannot_be_made(self):
        self.write("limited.yaml", "tasks: {a: {run: touch ran, resources: {memory: 64Mi}}}\n")
        done = self.inside(["-m"], """
for tree in /sys/fs/cgroup/*; do mount -o bind,ro $tree $tree 2>/dev/null || :; done
mount -o remount,bind,ro /sys/fs/cgroup
$REEVE run limited.yaml && exit 3
$REEVE run -- touch unlimited
""")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("its memory cannot be limited", done.stdout + done.stderr)
        self.assertFalse((self.directory / "ran").exists(), "without its limit")
        self.assertTrue((self.directory / "unlimited").exists())


class Task(ReeveCase):
    """A task that does harm beside one that does not, in one run."""

    def run_beside(self, fields, state):
        path = self.write("beside.yaml", f"""
tasks:
  bad:
{fields}
  good:
    array: 0-9
    run: "true"
""")
        self.reeve("run", "-j", "4", path, expect=0 if state == SUCCEEDED else 1)
        self.assertEqual(self.task_states(), {0: state, **dict.fromkeys(range(1, 11), SUCCEEDED)})
        self.reeve("run", "-j", "1", "--", "sh", "-c",
                   "test $(df --output=used /run/reeve | tail -1) -lt 1000 && "
                   "test $(ls /proc | grep -c '^[0-9]') -lt 8")
        return self.reeve("explain", "1/bad").stdout, self.reeve("logs", "1/bad").stdout

    def test_its_own_file_system_is_full(self):
        _, log = self.run_beside("    run: head -c 100M /dev/zero 2>&1 > /run/reeve/all", FAILED)
        self.assertIn("No space left", log)

    def test_tmp_counts_as_its_memory(self):
        why, _ = self.run_beside("    resources: {memory: 64Mi}\n"
                                 "    run: head -c 500M /dev/zero > /tmp/all", FAILED)
        self.assertIn("went over its memory limit of 64 MiB", why)

    def test_zombies_of_others_are_reaped(self):
        """Orphans that end: process 1 of its sandbox takes them."""
        _, log = self.run_beside(f"""    run: |
      for i in $(seq {STORM}); do (true &); done
      sleep 0.5
      echo "left: $(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)"
""", SUCCEEDED)
        self.assertIn("left: 0", log)

    def test_who_has_stopped_itself_is_ended_by_its_timeout(self):
        path = self.write("stops.yaml", "tasks:\n  a:\n    timeout: {run: 500ms, grace: 200ms}\n"
                          "    run: |\n      trap '' TERM\n      kill -STOP $$\n"
                          f"      sleep {MARK}\n")
        self.reeve("run", path, expect=124)
        self.assertEqual(self.task_states(), {0: TIMED_OUT})
        alive = [each for each in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                 if MARK.encode() in text_of(each)]
        self.assertEqual(alive, [])


if __name__ == "__main__":
    unittest.main()
