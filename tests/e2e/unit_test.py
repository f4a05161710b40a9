"""The units of systemd: how open they are (`systemd-analyze security`), and whether the service and
its tasks work under what they forbid.

There is no systemd here to start them, so this test forbids the same with the kernel's own means:
system calls (the groups are systemd's own), address families, namespaces, writable code,
capabilities, new privileges, read-only file systems, an ordinary user."""

import configparser
import ctypes
import errno
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import unittest

from reeve_case import BINARY, ROOT, processes_of
from service_case import ServiceCase

UNITS = ROOT / "packaging" / "systemd"
INSIDE = "REEVE_TEST_UNITS"
PROGRAM = pathlib.Path("/run/reeve-units/reeve")
USER = 7433  # of nobody else
SCORES = {"reeve.service": 2.0, "reeve-supervisor.service": 4.5}
NAMESPACES = 0x00000080 | 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | \
    0x20000000 | 0x40000000


def unit(name):
    """{key: [values]} of [Service]."""
    found, section = {}, ""
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and re.match(r"\w+=", line):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def group(name):
    """System calls of a group, those of its groups too."""
    if not name.startswith("@"):
        return {name}
    out = subprocess.run(["systemd-analyze", "syscall-filter", name], text=True, check=True,
                         capture_output=True).stdout
    words = {line.strip() for line in out.splitlines() if line.startswith("    ")
             and not line.strip().startswith("#")}
    return set().union(*(group(each) for each in words))


class Rule(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("compare", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    """What a unit forbids, as a program of seccomp. Made before the fork, loaded after it."""

    ALLOW, FAIL = 0x7fff0000, 0x00050000
    EQUAL, MASKED, AT_LEAST = 4, 7, 5

    def __init__(self, settings):
        self.library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.library.seccomp_init.restype = ctypes.c_void_p
        filters = settings["SystemCallFilter"]
        allowed, denied = set(), set()
        for words in filters:
            names = set().union(*(group(each) for each in words.lstrip("~").split()))
            if words.startswith("~"):
                denied |= names
            else:
                allowed |= names
        self.filters = []
        if allowed:
            self.add(self.FAIL | errno.EPERM, self.ALLOW, allowed - denied)
        else:
            self.add(self.ALLOW, self.FAIL | errno.EPERM, denied)
        self.arguments(settings)

    def new(self, otherwise):
        made = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(otherwise)))
        self.filters.append(made)
        return made

    def add(self, otherwise, action, names):
        made = self.new(otherwise)
        for name in sorted(names):
            number = self.library.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                self.rule(made, action, number)

    def rule(self, made, action, number, *rules):
        array = (Rule * len(rules))(*rules)
        given = self.library.seccomp_rule_add_array(made, ctypes.c_uint32(action), number,
                                                    len(rules), array)
        if given != 0:
            raise OSError(-given, f"system call {number}")

    def number(self, name):
        return self.library.seccomp_syscall_resolve_name(name.encode())

    def arguments(self, settings):
        made = self.new(self.ALLOW)
        names = settings["RestrictAddressFamilies"][0].split()
        families = {getattr(socket, each) for each in names}
        for family in range(46):
            if family not in families:
                self.rule(made, self.FAIL | errno.EAFNOSUPPORT, self.number("socket"),
                          Rule(0, self.EQUAL, family, 0))
        if settings.get("RestrictNamespaces") == ["yes"]:
            for name in ("unshare", "clone"):
                for bit in range(32):
                    if NAMESPACES & 1 << bit:
                        self.rule(made, self.FAIL | errno.EPERM, self.number(name),
                                  Rule(0, self.MASKED, 1 << bit, 1 << bit))
            self.rule(made, self.FAIL | errno.EPERM, self.number("setns"))
            self.rule(made, self.FAIL | errno.ENOSYS, self.number("clone3"))
        if settings.get("MemoryDenyWriteExecute") == ["yes"]:
            self.rule(made, self.FAIL | errno.EPERM, self.number("mmap"),
                      Rule(2, self.MASKED, 6, 6))
            for name in ("mprotect", "pkey_mprotect"):
                self.rule(made, self.FAIL | errno.EPERM, self.number(name),
                          Rule(2, self.MASKED, 4, 4))
        if settings.get("RestrictSUIDSGID") == ["yes"]:
            for name, place in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2)):
                for bit in (0o4000, 0o2000):
                    self.rule(made, self.FAIL | errno.EPERM, self.number(name),
                              Rule(place, self.MASKED, bit, bit))

    def load(self):
        for made in reversed(self.filters):
            if self.library.seccomp_load(made) != 0:
                os._exit(96)


class Scores(unittest.TestCase):
    def test_how_open_they_are(self):
        for name, most in SCORES.items():
            shown = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", "--no-pager",
                 f"--threshold={int(most * 10)}", str(UNITS / name)],
                text=True, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
            score = re.search(r"Overall exposure level for \S+: ([\d.]+)", shown.stdout)
            self.assertIsNotNone(score, shown.stdout + shown.stderr)
            self.assertLessEqual(float(score[1]), most, shown.stdout)

    def test_systemd_understands_them(self):
        for path in sorted(UNITS.glob("reeve*.s*")):
            text = path.read_text(encoding="utf-8")
            parser = configparser.ConfigParser(strict=False, interpolation=None)
            parser.optionxform = str
            parser.read_string(text)
            self.assertIn("Unit", parser)
        shown = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                                *map(str, UNITS.glob("reeve*"))], text=True, capture_output=True,
                               check=False, env={**os.environ, "LC_ALL": "C"})
        ours = [line for line in shown.stderr.splitlines() if "reeve" in line and
                "/usr/bin/reeve is not executable" not in line]
        self.assertEqual(ours, [])


class UnderTheUnits(ServiceCase):
    """Each process as its unit starts it, but for the names of places."""

    def setUp(self):
        self.supervisor = None
        super().setUp()

    def confined(self, name, words):
        settings = unit(name)
        rules = Filter(settings)
        libc = ctypes.CDLL(None, use_errno=True)

        def confine():
            for number in range(64):
                libc.prctl(24, number, 0, 0, 0)  # PR_CAPBSET_DROP
            os.setgroups([])
            os.setgid(USER)
            os.setuid(USER)
            if libc.prctl(38, 1, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS
                os._exit(97)
            os.umask(0o077)
            rules.load()

        process = subprocess.Popen(
            [str(PROGRAM), *words], cwd="/", text=True, preexec_fn=confine, env={
                "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                **dict(each.split("=", 1) for each in settings.get("Environment", []))},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        self._started.append(process)
        return process

    def start(self, *words, **options):
        if "serve" not in words:
            return super().start(*words, **options)
        os.chmod(self.directory, 0o755)
        self.state.mkdir(exist_ok=True, mode=0o700)
        os.chown(self.state, USER, USER)
        if self.supervisor is None:
            self.supervisor = self.confined("reeve-supervisor.service",
                                            ["supervisor", "--state", str(self.state),
                                             "--stay", "yes"])
        return self.confined("reeve.service", ["serve", "--state", str(self.state), *self.listen])

    def test_tasks_run_in_their_sandboxes(self):
        run = self.submit(workflow="""
name: enclosed
tasks:
  look:
    run: |
      id -u; touch /usr/x 2>/dev/null && echo writable
      if test $(ls /proc | grep -c '^[0-9]') -lt 8; then echo alone; fi
      echo kept > file; cat file
  other:
    needs: [look]
    run: python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=7); print("code may be made")'
""")
        shown = self.ended(run["id"])
        tasks = self.ask("GET", f"/v1/runs/{run['id']}/tasks").body["tasks"]
        self.assertEqual(shown["state"], "succeeded", tasks)
        logs = self.ask("GET", f"/v1/runs/{run['id']}/tasks/look/logs").body
        self.assertIn("kept", str(logs))
        self.assertNotIn("writable", str(logs))
        self.assertIn("alone", str(logs), "it sees processes of others: there was no sandbox")

    def test_the_service_alone_could_make_no_sandbox(self):
        """Which is why there are two units."""
        done = self.confined("reeve.service", ["doctor"])
        output, _ = done.communicate(timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(output, "(?i)namespace")

    def test_a_restart_leaves_the_tasks_alone(self):
        run = self.submit(command=["sh", "-c", "sleep 2; echo lived"])
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run['id']}/tasks").body["tasks"][0]
                      ["state"] == "running", "the task")
        self.assertEqual(self.stop_service(), 0)
        self.start_service()
        self.assertEqual(self.ended(run["id"])["state"], "succeeded")
        attempts = self.query("SELECT count(*) FROM attempts")
        self.assertEqual(attempts, [(1,)])
        self.assertIsNone(self.supervisor.poll())

    def test_without_its_supervisor_what_comes_waits_and_starts_none(self):
        self.supervisor.kill()
        self.supervisor.wait(timeout=10)
        run = self.submit(command=["true"])
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run['id']}/tasks").body["tasks"][0]
                      ["state"] in ("queued", "starting"), "the task to wait")
        self.assertEqual(processes_of(self.state), {})
        self.supervisor = self.confined("reeve-supervisor.service",
                                        ["supervisor", "--state", str(self.state),
                                         "--stay", "yes"])
        self.assertEqual(self.ended(run["id"])["state"], "succeeded")

    def test_users_tokens_secrets_and_streams_work(self):
        self.ask("PUT", "/v1/users/ann", {"password": "correct-horse-battery", "role": "viewer"},
                 expect=(200, 201))
        self.ask("PUT", "/v1/secrets/KEY", {"value": "x"}, expect=(200, 201))
        run = self.submit(command=["true"])
        self.ended(run["id"])
        events = self.events(f"/v1/runs/{run['id']}/events")
        self.assertTrue(events)


def main():
    if os.environ.get(INSIDE) != "1":
        environment = {**os.environ, INSIDE: "1"}
        os.execvpe("unshare", ["unshare", "-m", sys.executable, os.path.abspath(__file__),
                               *sys.argv[1:]], environment)
    # A copy that everybody may run, and all else read-only, as ProtectSystem=strict.
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", str(PROGRAM.parent)], check=True)
    shutil.copy(BINARY, PROGRAM)
    PROGRAM.chmod(0o755)
    for each in ("/usr", "/etc"):
        subprocess.run(["mount", "--bind", each, each], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", each], check=True)
    unittest.main()


if __name__ == "__main__":
    main()
