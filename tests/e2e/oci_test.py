"""The tier oci: a runtime makes the sandbox. What holds for the native tier holds there too."""

import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from image_case import ImageCase, base_layer
from reeve_case import processes_of

STATUS = ("grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'; "
          "ls /proc | grep -c '^[0-9]'; cat /proc/sys/kernel/core_pattern >/dev/null; id -u")


class Containers(ImageCase):
    def oci(self, *words, expect=0, **tasks):
        return self.run_tasks("--sandbox", "oci", *words, expect=expect, **tasks)

    def device_groups(self):
        groups = pathlib.Path("/sys/fs/cgroup/devices")
        own = (self.state / "supervisor.id").read_text(encoding="utf-8").strip()
        return [each for each in groups.glob("reeve.*") if own in each.name]

    def test_it_is_enclosed_as_the_native_tier(self):
        outside = pathlib.Path(tempfile.mkdtemp(prefix="reeve-outside-", dir="/srv"))
        self.addCleanup(shutil.rmtree, outside)
        done = self.oci(a={"run": STATUS + f"\ntest ! -e {outside} && echo hidden\n"
                           "touch /usr/x 2>/dev/null || echo read-only\n"
                           "ls /sys/class/net /proc/net/dev 2>/dev/null | cat\n"
                           "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '\n"
                           "echo engine: $(ls -A .reeve | wc -l); touch mine; echo x > /tmp/x\n"
                           "unshare -r true || "
                           "echo 'no namespaces'"})
        lines = [line.split("| ")[-1] for line in done.stdout.splitlines()]
        zero = "0" * 16
        for words in (f"CapPrm:{zero}", f"CapEff:{zero}", f"CapBnd:{zero}", "NoNewPrivs:1",
                      "Seccomp:2", "1000", "hidden", "read-only", "lo", "engine: 0",
                      "no namespaces"):
            self.assertIn(words, lines)
        self.assertEqual((self.directory / "mine").stat().st_uid, os.geteuid())
        self.assertIn("  tier      oci\n", self.reeve("show", "last/a").stdout)
        self.assertEqual(self.device_groups(), [])

    def test_an_image_is_its_root(self):
        _, name = self.image("oci", base_layer(("etc/is", "f", b"the image\n", 0o644)),
                             config={"Entrypoint": ["/bin/cat", "/etc/is"]})
        done = self.oci(run={"image": name, "run": "cat /etc/is; test ! -e /usr || exit 3; "
                             "touch /no 2>/dev/null || echo read-only; touch here; id"},
                        own={"image": name})
        self.assertEqual(done.stdout.count("the image"), 2)
        self.assertIn("read-only", done.stdout)
        self.assertIn("uid=1000", done.stdout)
        self.assertTrue((self.directory / "here").exists())

    def test_ends_are_those_of_the_program(self):
        self.reeve("run", "--sandbox", "oci", "--", "sh", "-c", "exit 7", expect=7)
        self.reeve("run", "--sandbox", "oci", "--", "sh", "-c", "kill -9 $$", expect=137)
        self.assertIn("was killed by signal 9", self.reeve("explain", "last").stdout)
        done = self.reeve("run", "--sandbox", "oci", "--", "no-such-program", expect=127)
        self.assertIn("no-such-program: not found in PATH", done.stderr)
        self.reeve("run", "--sandbox", "oci", "--", "/etc", expect=126)

    def test_outputs_secrets_and_long_scripts(self):
        self.environment["KEY"] = "of the house"
        done = self.oci(
            a={"secrets": ["KEY"], "run": "# " + "x" * 120_000 + "\n"
               "echo n=5 > $REEVE_OUTPUT; cat $REEVE_SECRET_KEY; echo err >&2; "
               "echo again > /dev/stdout"},
            b={"needs": "a", "run": "echo got ${{ needs.a.outputs.n }}"})
        for words in ("got 5", "again"):
            self.assertIn(words, done.stdout)

    def test_time_and_memory_are_limited(self):
        self.workflow(slow={"timeout": "300ms", "run": "trap 'echo asked; exit 0' TERM; "
                            "sleep 60 & wait"},
                      deaf={"timeout": {"run": "300ms", "grace": "200ms"},
                            "run": "trap '' TERM; while :; do sleep 1; done"},
                      large={"resources": {"memory": "64Mi"},
                             "run": "head -c 300M /dev/zero | tail -c 290M >/dev/null"})
        done = self.reeve("run", "--sandbox", "oci", "--logs", "all", "w.yaml", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("asked", done.stdout)
        for task in ("slow", "deaf"):
            self.assertIn("ran for longer than its limit", self.reeve("explain", f"last/{task}")
                          .stdout)
        self.assertIn("went over its memory limit", self.reeve("explain", "last/large").stdout)
        self.assertEqual(self.device_groups(), [])

    def test_a_cancel_leaves_nothing(self):
        mark = "4217.25"
        self.workflow(a={"run": f"setsid sleep {mark} & touch begun; sleep {mark}"})
        engine = self.start("run", "--sandbox", "oci", "w.yaml", "--plain")
        self.wait_for((self.directory / "begun").exists, "the task")
        self.reeve("cancel", "last")
        engine.wait(timeout=30)
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(mark.encode(), path.read_bytes().split(b"\0"))
            except OSError:
                continue
        self.assertEqual(self.device_groups(), [])

    def test_another_supervisor_removes_what_a_killed_one_left(self):
        self.workflow(a={"run": "touch begun; exec sleep 600"})
        engine = self.start("run", "--sandbox", "oci", "w.yaml", "--plain")
        self.wait_for((self.directory / "begun").exists, "the task")
        self.assertEqual(len(self.device_groups()), 1)
        for pid in [engine.pid, *processes_of(self.state)]:
            os.kill(pid, signal.SIGKILL)
        engine.wait(timeout=30)
        other = self.directory / "other"
        other.mkdir()

        def is_removed():
            self.reeve("run", "--", "true", cwd=other)
            self.wait_for(lambda: not processes_of(other / ".reeve"), "the other's end")
            return not self.device_groups()
        self.wait_for(is_removed, "the group to be removed")

    def test_what_it_left_running_ends_with_it(self):
        mark = "4217.75"
        done = self.oci(a={"run": f"setsid sleep {mark} & echo done"})
        self.assertIn("done", done.stdout)
        self.assertNotIn(mark, "".join(self.commands()))

    @staticmethod
    def commands():
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                yield path.read_bytes().decode(errors="replace")
            except OSError:
                continue

    def test_a_missing_runtime_is_no_reason_for_less(self):
        self.environment["REEVE_OCI_RUNTIME"] = "no-such-runtime"
        done = self.oci(a={"run": "touch ran"}, expect=1)
        self.assertIn("tier oci: there is no runtime no-such-runtime: apt install runc",
                      done.stderr)
        self.assertFalse((self.directory / "ran").exists())
        self.assertIn("no-such-runtime", self.reeve("doctor", expect=None).stdout)

    def test_a_runtime_that_fails_is_no_fault_of_the_task(self):
        place = pathlib.Path(tempfile.mkdtemp(prefix="reeve-runtime-", dir="/srv"))
        self.addCleanup(shutil.rmtree, place)
        broken = place / "runtime"
        broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n", encoding="utf-8")
        broken.chmod(0o755)
        self.environment["REEVE_OCI_RUNTIME"] = str(broken)
        self.workflow(a={"run": "true", "retry": {"limits": {"start": 1},
                                                  "backoff": "10ms"}})
        done = self.reeve("run", "--sandbox", "oci", "--logs", "all", "w.yaml", expect=1)
        self.assertIn("could not make the sandbox", done.stderr)
        self.assertIn("it is broken", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
