"""What is not enclosed needs permission: who is refused, in which words, and what gives it. And
what the default encloses."""

import json
import os
import shutil
import signal
import socket
import unittest

from reeve_case import ReeveCase

OUTSIDE = """\
tasks:
  fetch:
    sandbox: {network: host}
    run: echo fetched >> done
  install:
    needs: fetch
    sandbox: none
    run: echo installed >> done
"""
NETWORK_REFUSED = ("outside.yaml:3:24: error: the task 'fetch' wants the network of this machine, "
                   "which needs permission: --allow host-network")
TIER_REFUSED = ("outside.yaml:7:14: error: the task 'install' wants to run without a sandbox "
                "(tier none), which needs permission: --allow unsandboxed")
DEVICES = {"fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
           "stdout", "tty", "urandom", "zero"}
BOTH = ("--allow", "host-network", "--allow", "unsandboxed")


class Permission(ReeveCase):
    def setUp(self):
        super().setUp()
        self.write("outside.yaml", OUTSIDE)

    def test_a_workflow_is_refused_before_anything_starts(self):
        done = self.reeve("run", "outside.yaml", expect=6)
        self.assertIn(NETWORK_REFUSED, done.stderr)
        self.assertIn(TIER_REFUSED, done.stderr)
        self.assertFalse(self.state.exists())
        self.assertEqual(self.lines("done"), [])

    def test_each_permission_is_asked_for(self):
        done = self.reeve("run", "--allow", "unsandboxed", "outside.yaml", expect=6)
        self.assertIn(NETWORK_REFUSED, done.stderr)
        self.assertNotIn("install", done.stderr)
        # Enclosing all of them leaves the network to be permitted.
        done = self.reeve("run", "--sandbox", "native", "outside.yaml", expect=6)
        self.assertIn(NETWORK_REFUSED, done.stderr)
        self.assertNotIn("install", done.stderr)
        self.reeve("run", "--sandbox", "native", "--allow", "everything", "outside.yaml", expect=2)
        self.assertEqual(self.lines("done"), [])

    def test_permission_is_given_by_flags(self):
        self.reeve("run", *BOTH, "outside.yaml")
        self.assertEqual(self.lines("done"), ["fetched", "installed"])
        self.assert_replays()

    def test_none_for_all_is_its_own_permission(self):
        done = self.reeve("run", "--sandbox", "none", "outside.yaml")
        self.assertIn("tasks run without a sandbox (tier none)", done.stderr)
        self.assertEqual(self.lines("done"), ["fetched", "installed"])
        self.assert_tiers("none")
        self.assert_replays()

    def test_a_command_takes_the_tier_too(self):
        self.reeve("run", "--sandbox", "none", "--", "true")
        self.assert_tiers("none")
        self.reeve("run", "--sandbox", "docker", "--", "true", expect=2)

    def test_a_retry_is_asked_again(self):
        self.write("outside.yaml", "tasks: {a: {sandbox: none, run: '[ -e fixed ]'}}\n")
        self.reeve("run", "--sandbox", "none", "outside.yaml", expect=1)
        self.write("fixed", "")
        done = self.reeve("retry", "last", "--failed", expect=6)
        self.assertIn("outside.yaml:1:22: error: the task 'a'", done.stderr)
        self.reeve("retry", "last", "--failed", "--allow", "unsandboxed")
        self.assert_replays()

    def test_a_resumed_run_is_asked_again(self):
        self.write("outside.yaml",
                   "tasks: {a: {sandbox: none, run: 'touch begun; while [ ! -e go ]; do sleep "
                   "0.01; done'}, b: {needs: a, sandbox: none, run: touch end}}\n")
        engine = self.start("run", "--allow", "unsandboxed", "outside.yaml")
        self.wait_for((self.directory / "begun").exists, "the first task")
        os.kill(engine.pid, signal.SIGKILL)
        engine.wait()
        self.write("go", "")
        done = self.reeve("resume", expect=6)
        self.assertIn("--allow unsandboxed", done.stderr)
        self.assertFalse((self.directory / "end").exists())
        self.reeve("resume", "--allow", "unsandboxed")
        self.assertTrue((self.directory / "end").exists())
        self.assert_replays()

    def test_an_engine_asks_who_comes_from_elsewhere(self):
        """A run that was interrupted, and another's engine that was not told to permit it."""
        self.write("outside.yaml", "tasks: {a: {sandbox: none, run: touch begun; sleep 60}}\n")
        engine = self.start("run", "--allow", "unsandboxed", "outside.yaml")
        self.wait_for((self.directory / "begun").exists, "the task")
        os.kill(engine.pid, signal.SIGKILL)
        engine.wait()
        self.start("run", "--", "sh", "-c", "touch other; sleep 60")
        self.wait_for((self.directory / "other").exists, "the other engine")
        done = self.reeve("resume", "1", expect=6)
        self.assertIn("the task 'a' wants to run without a sandbox", done.stderr)

    def test_what_a_cancel_would_start_is_refused_too(self):
        self.write("outside.yaml",
                   "tasks: {a: {run: touch begun; sleep 60}}\n"
                   "finally: {last: {sandbox: none, run: touch end}}\n")
        engine = self.start("run", "--allow", "unsandboxed", "outside.yaml")
        self.wait_for((self.directory / "begun").exists, "the task")
        os.kill(engine.pid, signal.SIGKILL)
        engine.wait()
        self.reeve("cancel", "1")
        self.assertFalse((self.directory / "end").exists())
        done = self.reeve("explain", "1/last")
        self.assertIn("less enclosed than its engine permits", done.stdout)
        self.assertIn("--allow unsandboxed", done.stdout)
        self.assert_replays()

    def assert_tiers(self, tier):
        self.assertIn(f"  tier      {tier}\n", self.reeve("show", "last/" + self.any_task()).stdout)
        self.assertIn(f"in tier {tier}", self.reeve("explain", "last/" + self.any_task()).stdout)

    def any_task(self):
        return self.reeve("show", "last", "--tasks", "-o", "name").stdout.split("/")[1].split()[0]

    def assert_replays(self):
        self.assertIn("all as recorded", self.reeve("replay").stdout)


class OrdinaryUser(ReeveCase):
    """Its supervisor has a user namespace of its own, once it has made a sandbox."""

    def setUp(self):
        super().setUp()
        self.ids, self.drop = (os.geteuid(), os.getegid()), {}
        if os.geteuid() == 0:
            self.ids = (61_034, 61_035)  # without an account
            self.drop = {"user": self.ids[0], "group": self.ids[1], "extra_groups": []}

    def test_a_task_is_the_number_that_it_asks_for(self):
        self.write("who.yaml", "tasks:\n"
                   "  own: {run: id -u; id -g; touch own, sandbox: {user: 33}}\n"
                   "  usual: {run: id -u; touch usual}\n")
        self.reeve("run", "who.yaml")
        self.assertEqual(self.reeve("logs", "last/own").stdout, "33\n33\n")
        self.assertEqual(self.reeve("logs", "last/usual").stdout, "1000\n")
        for name in ("own", "usual"):
            self.assertEqual((self.directory / name).stat().st_uid, self.directory.stat().st_uid)
        self.write("root.yaml", "tasks: {a: {run: id, sandbox: {user: 0}}}\n")
        self.assertIn("from 1 to 65534", self.reeve("run", "root.yaml", expect=6).stderr)

    def test_a_task_beside_sandboxed_ones_stays_that_user(self):
        self.binary = shutil.copy(self.binary, self.directory)
        os.chown(self.directory, *self.ids)
        self.environment["HOME"] = str(self.directory)
        self.write("beside.yaml", """\
tasks:
  inside: {run: id -u > inside}
  outside:
    needs: inside
    sandbox: none
    run: |
      (id -u; id -g; sed -n 's/^CapEff:\\t//p' /proc/self/status) > outside
""")
        self.reeve("run", "--allow", "unsandboxed", "beside.yaml", **self.drop)
        self.assertEqual(self.lines("inside"), ["1000"])
        self.assertEqual(self.lines("outside"), [*map(str, self.ids), "0" * 16])
        for name in ("inside", "outside"):
            about = (self.directory / name).stat()
            self.assertEqual((about.st_uid, about.st_gid), self.ids)


PROBE = r"""
set +e
cat /proc/self/status
for name in net ipc pid uts mnt user cgroup; do
  echo "ns-$name: $(readlink /proc/self/ns/$name)"
done
id -u | sed 's/^/uid: /'
for path in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /sys/firmware /proc/scsi; do
  [ -d $path ] && inside=$(ls $path 2>/dev/null) || inside=$(head -c 1 $path 2>/dev/null | wc -c)
  echo "masked-$path: ${inside:-0}"
done
for path in /proc/sysrq-trigger /proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/irq \
    /proc/bus /proc/fs /usr /etc; do
  [ -w $path ] && echo "writable: $path"
done
ls /dev | sort | tr '\n' ' ' | sed 's/^/devices: /'; echo
(exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>/dev/null && echo "reached: the host"
echo end: 1
"""


class Restricted(ReeveCase):
    """The default is what Kubernetes' Pod Security level "restricted" asks of a container:
    https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

    def test_the_default_meets_each_control(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.environment["PORT"] = str(listener.getsockname()[1])
        self.write("probe.yaml", json.dumps({"tasks": {"probe": {
            "shell": "bash", "env": {"PORT": self.environment["PORT"]}, "run": PROBE}}}))
        self.reeve("run", "probe.yaml")
        lines = self.reeve("logs", "last/probe").stdout.splitlines()
        said = {}
        for line in lines:
            name, _, value = line.partition(":")
            said.setdefault(name, []).append(value.strip())
        self.assertIn("end", said, lines)
        # Host namespaces: none is shared.
        for name in ("net", "ipc", "pid", "uts", "mnt", "user", "cgroup"):
            self.assertNotEqual(said[f"ns-{name}"], [os.readlink(f"/proc/self/ns/{name}")], name)
        # Privileged containers, capabilities: all are dropped, and none comes back.
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(said[name], ["0" * 16], name)
        # Privilege escalation, seccomp, running as a user that is not root.
        self.assertEqual(said["NoNewPrivs"], ["1"])
        self.assertEqual(said["Seccomp"], ["2"])
        self.assertNotEqual(said["uid"], ["0"])
        self.assertEqual(set(said["Uid"][0].split()), {said["uid"][0]})
        # /proc as it is by default; sysctls; host paths: nothing can be read or changed there.
        for name in [name for name in said if name.startswith("masked-")]:
            self.assertIn(said[name], (["0"], [""]), name)
        self.assertNotIn("writable", said)
        # Devices and ports of the host.
        self.assertEqual(set(said["devices"][0].split()) - DEVICES, set())
        self.assertNotIn("reached", said)


if __name__ == "__main__":
    unittest.main()
