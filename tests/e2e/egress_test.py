"""Network egress: what a task lists can be reached, and nothing else; the machine itself, its
metadata service and its sockets never. With real servers in a network of the test's own."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import egress_place as place
from egress_place import HERE, METADATA, OTHER, THERE, THERE_V6
from image_case import ImageCase, base_layer
from reeve_case import ReeveCase, processes_of

REACH = "/usr/bin/python3 egress_place.py"
PAUSE = "echo > waiting; until [ -e go ]; do sleep 0.05; done"
HOSTS = pathlib.Path("/etc/hosts")


def children_of(pid):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            about = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if int(about.rpartition(")")[2].split()[1]) == pid:
            found.append(int(path.parent.name))
    return found


def carriers(pid):
    """The slirp4netns that a supervisor has started."""
    names = {}
    for child in children_of(pid):
        try:
            names[child] = pathlib.Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip()
        except OSError:
            continue
    return [child for child, name in names.items() if name == "slirp4netns"]


def setUpModule():
    servers = place.Servers()
    unittest.addModuleCleanup(servers.close)
    place.answer_here()


class EgressCase(ReeveCase):
    def setUp(self):
        super().setUp()
        self.hosts = self.directory / "hosts"
        self.hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
        place.sh("mount", "--bind", self.hosts, HOSTS)
        self.addCleanup(place.sh, "umount", HOSTS)
        shutil.copy(place.__file__, self.directory)

    def name(self, **names):
        """What the machine's resolver says from now on."""
        lines = [f"{address} {name}" for name, each in names.items() for address in each.split()]
        self.hosts.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]), encoding="utf-8")

    def workflow(self, network, run, more=""):
        listed = ", ".join(f"'{each}'" for each in network)
        return self.write("egress.yaml", "name: egress\n"
                          "defaults: {retry: {max: 0, limits: {start: 0}}}\n"
                          f"tasks:\n  reach:\n    sandbox: {{network: [{listed}]}}\n{more}"
                          f"    run: {run}\n")

    def reached(self, network, *targets, options=(), **whose):
        """{target: (yes or no, what was said)} as a task that lists `network` sees it."""
        self.workflow(network, f"{REACH} {' '.join(targets)}")
        done = self.reeve("run", *options, "egress.yaml", expect=None, **whose)
        text = self.reeve("logs", "last", expect=None, **whose).stdout
        found = {}
        for line in text.splitlines():
            words = line.split(" ", 2)
            if words[0] in targets:
                found[words[0]] = (words[1], words[2] if len(words) > 2 else "")
        self.assertEqual(set(found), set(targets), done.stdout + done.stderr + text)
        return found

    def assert_reached(self, found, *targets):
        for target, (answer, says) in found.items():
            with self.subTest(target=target):
                self.assertEqual(answer, "yes" if target in targets else "no", says)

    def control(self, *targets):
        """What the machine itself reaches: a refusal elsewhere proves something."""
        for target in targets:
            self.assertEqual(place.reach(target)[0], "yes", target)

    def refused(self, network, words, **options):
        """The attempt ends before it starts, and says why."""
        self.workflow(network, "echo started > started")
        done = self.reeve("run", "egress.yaml", expect=1, **options)
        self.assertIn(words, done.stderr)
        self.assertFalse((self.directory / "started").exists())
        return done


class Reach(EgressCase):
    def test_what_is_listed_and_nothing_else(self):
        self.name(db=THERE, unlisted=OTHER)
        yes = (f"tcp/{THERE}/443", f"tcp/{THERE}/8000", f"tcp/{THERE}/8001", "tcp/db/443",
               f"tcp/{THERE_V6}/80", f"udp/{THERE}/123", "name/db")
        no = (f"tcp/{THERE}/80", f"tcp/{THERE}/8002", f"tcp/{OTHER}/443", "tcp/db/80",
              f"tcp/{THERE_V6}/443", f"udp/{THERE}/53", f"tcp/{THERE}/53", f"tcp/{THERE}/123",
              f"tcp/{METADATA}/80", f"tcp/{HERE}/80", "tcp/127.0.0.1/80", "tcp/240.0.2.2/80",
              "tcp/240.0.2.3/53", "tcp/unlisted/443", "name/unlisted", f"ping/{THERE}")
        self.control(*(target for target in yes), f"tcp/{THERE}/80", f"tcp/{OTHER}/443",
                     f"tcp/{METADATA}/80", f"tcp/{HERE}/80", "tcp/127.0.0.1/80", "name/unlisted")
        found = self.reached(["db:443", f"{THERE}:8000-8001", f"[{THERE_V6}]:80",
                              f"{THERE}:123/udp"], *yes, *no)
        self.assert_reached(found, *yes)
        self.assertEqual(found["name/db"][1], THERE)

    def test_a_wide_network_leaves_the_machine_and_metadata_out(self):
        no = (f"tcp/{METADATA}/80", f"tcp/{HERE}/80", f"tcp/{HERE}/8080", "tcp/127.0.0.1/80",
              f"tcp/{place.HERE_V6}/80", "tcp/240.0.2.2/80", "tcp/fd00::2/80", "tcp/fd00::3/53")
        self.control(*no[:5])
        found = self.reached(["0.0.0.0/0:1-65535", "[::/0]:1-65535"], f"tcp/{THERE}/80",
                             f"tcp/{OTHER}/8002", f"tcp/{THERE_V6}/443", *no)
        self.assert_reached(found, f"tcp/{THERE}/80", f"tcp/{OTHER}/8002", f"tcp/{THERE_V6}/443")

    def test_sockets_of_the_machine_are_not_there(self):
        marker = f"egress-{self.directory.name}"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("\0" + marker)
            listener.listen()
            self.control(f"unix/{marker}")
            found = self.reached(["0.0.0.0/0:1-65535"], f"unix/{marker}", "tcp/127.0.0.1/8080",
                                 "tcp/localhost/8080")
        self.assert_reached(found)

    def test_a_name_is_pinned(self):
        self.name(db=THERE)
        self.workflow(["db:80"], f"{REACH} tcp/db/80; {PAUSE}; {REACH} tcp/db/80 name/db "
                      f"tcp/{OTHER}/80 tcp/{METADATA}/80")
        process = self.start("run", "egress.yaml")
        self.wait_for((self.directory / "waiting").exists, "the first look")
        self.name(db=f"{METADATA} {OTHER}")
        (self.directory / "go").touch()
        process.wait(60)
        lines = self.reeve("logs", "last").stdout.splitlines()
        self.assertEqual(lines[:3], [f"tcp/db/80 yes {THERE} 80"] * 2 + [f"name/db yes {THERE}"])
        self.assertTrue(all(" no " in line for line in lines[3:]), lines)

    def test_of_a_name_only_what_may_be_reached_is_given(self):
        self.name(db=f"{METADATA} {HERE} {OTHER} 127.0.0.1")
        found = self.reached(["db:80"], "tcp/db/80", "name/db", f"tcp/{METADATA}/80",
                             f"tcp/{HERE}/80")
        self.assertEqual(found["name/db"], ("yes", OTHER))
        self.assert_reached(found, "tcp/db/80", "name/db")

    def test_many_at_once(self):
        self.name(db=THERE)
        self.write("many.yaml", "name: many\ntasks:\n  reach:\n    array: {range: 0-19}\n"
                   "    resources: {cpu: 50m}\n    sandbox: {network: ['db:80']}\n"
                   f"    run: {REACH} tcp/db/80 tcp/{OTHER}/80\n")
        self.reeve("run", "many.yaml", timeout=120)
        text = self.reeve("logs", "last").stdout
        self.assertEqual(text.count(f"tcp/db/80 yes {THERE} 80"), 20)
        self.assertEqual(text.count(f"tcp/{OTHER}/80 no"), 20)


class Elsewhere(EgressCase):
    """The same from other engines, tiers and roots."""

    YES = (f"tcp/{THERE}/80", "tcp/db/80", f"tcp/{THERE_V6}/80", "name/db")
    NO = (f"tcp/{THERE}/443", f"tcp/{OTHER}/80", f"tcp/{METADATA}/80", f"tcp/{HERE}/80",
          "tcp/127.0.0.1/8080", "name/unlisted")
    LISTED = ("db:80", f"{THERE}:80", f"[{THERE_V6}]:80")

    def setUp(self):
        super().setUp()
        self.name(db=THERE, unlisted=OTHER)

    def test_tier_oci(self):
        found = self.reached(self.LISTED, *self.YES, *self.NO, options=("--sandbox", "oci"))
        self.assert_reached(found, *self.YES)
        self.assertIn("tier      oci", self.reeve("show", "last/reach").stdout)

    def give_tun(self, mode):
        place.sh("mount", "-t", "tmpfs", "none", "/dev/net")
        self.addCleanup(place.sh, "umount", "/dev/net")
        os.mknod("/dev/net/tun", 0o20600, os.makedev(10, 200))
        os.chmod("/dev/net/tun", mode)

    def as_user(self):
        user = 61_035
        folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-egress-", dir="/srv"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        self.binary = shutil.copy(self.binary, folder)
        os.chown(self.directory, user, user)
        self.environment.update(HOME=str(self.directory), PATH="/usr/local/bin:/usr/bin:/bin")
        return {"user": user, "group": user, "extra_groups": []}

    def test_an_ordinary_user(self):
        self.give_tun(0o666)
        found = self.reached(self.LISTED, *self.YES, *self.NO, **self.as_user())
        self.assert_reached(found, *self.YES)

    def test_an_ordinary_user_who_may_not_open_the_device(self):
        self.give_tun(0o600)
        user = self.as_user()
        self.refused(self.LISTED, "/dev/net/tun cannot be opened (Permission denied)", **user)
        self.assertRegex(self.reeve("doctor", expect=None, **user).stdout,
                         "egress +○ missing.*Permission denied")


class Images(ImageCase, EgressCase):
    def test_an_image_finds_the_names_that_are_pinned(self):
        self.name(db=THERE, unlisted=OTHER)
        _, name = self.image("egress", base_layer(
            ("bin/nc", "l", "busybox", 0o777), ("etc", "d", "", 0o755),
            ("etc/hosts", "l", "/proc/version", 0o777),
            ("etc/resolv.conf", "f", f"nameserver {THERE}\n".encode(), 0o644)))
        done = self.run_tasks(
            a={"image": name, "sandbox": {"network": ["db:80"]}, "run":
               "cat /etc/hosts /etc/resolv.conf /etc/nsswitch.conf; nc db 80 </dev/null; echo;"
               f"for to in db:443 unlisted:80 {OTHER}:80 {METADATA}:80 {HERE}:80; do"
               " nc -w 3 ${to%:*} ${to#*:} </dev/null && echo reached $to; done; true"})
        self.assertIn(f"{THERE} db\n", done.stdout)
        self.assertIn(f"{THERE} 80\n", done.stdout)
        self.assertNotIn("nameserver", done.stdout)
        self.assertNotIn("reached", done.stdout)


class Refusals(EgressCase):
    def test_names_that_lead_nowhere_good(self):
        self.name(own=HERE, loop="127.0.0.1", metadata=METADATA)
        self.refused(["own:80"], f"own is {HERE}, which no sandbox may reach")
        self.refused(["loop:80"], "loop is 127.0.0.1, which no sandbox may reach")
        self.refused(["metadata:80"], f"metadata is {METADATA}, which no sandbox may reach")
        self.refused([f"{HERE}:80"], f"{HERE} is an address, which no sandbox may reach")
        self.refused(["nobody.invalid:80"], "nobody.invalid")

    def silence(self):
        """The machine's resolver asks a server that does not answer."""
        servers = self.write("resolv.conf", f"nameserver {THERE}\noptions timeout:30\n")
        place.sh("mount", "--bind", servers, "/etc/resolv.conf")
        self.addCleanup(place.sh, "umount", "/etc/resolv.conf")

    def test_limits_while_it_is_prepared(self):
        self.silence()
        self.workflow(["silent.example:80"], "echo started > started",
                      more="    timeout: {start: 1s}\n")
        done = self.reeve("run", "egress.yaml", expect=1)
        self.assertIn("its sandbox was not connected in time", done.stderr)
        self.workflow(["silent.example:80"], "echo started > started")
        process = self.start("run", "egress.yaml")
        self.wait_for(lambda: self.query("SELECT count(*) FROM runs") == [(2,)], "the run")
        self.wait_for(lambda: self.reeve("cancel", "last", expect=None).returncode == 0, "it")
        process.wait(5)
        self.assertFalse((self.directory / "started").exists())

    def test_a_resolver_that_does_not_answer(self):
        self.silence()
        self.refused(["silent.example:80"],
                     "did not say within 10s which addresses silent.example has")

    def test_lint_says_where(self):
        self.write("bad.yaml", "name: bad\ntasks:\n  a:\n    run: x\n    sandbox:\n"
                   "      network:\n        - '*.example.com:443'\n        - pypi.org\n"
                   "        - 169.254.169.254:80\n")
        done = self.reeve("lint", "bad.yaml", expect=None)
        text = done.stdout + done.stderr
        self.assertIn("bad.yaml:7:11: error: '*.example.com:443' is nothing to reach: a name", text)
        self.assertIn("bad.yaml:8:11: error: 'pypi.org' is nothing to reach", text)
        self.assertIn("bad.yaml:9:11: error: '169.254.169.254:80'", text)
        self.assertNotEqual(done.returncode, 0)

    def test_without_a_sandbox(self):
        self.workflow([f"{THERE}:80"], "echo started > started")
        done = self.reeve("run", "--sandbox", "none", "egress.yaml", expect=1)
        self.assertIn("needs a sandbox", done.stderr)
        self.assertFalse((self.directory / "started").exists())

    def hide(self, path):
        place.sh("mount", "--bind", "/dev/null", path)
        self.addCleanup(place.sh, "umount", path)

    def test_what_carries_packets_is_missing(self):
        for program in ("nft", "slirp4netns"):
            with self.subTest(program=program):
                path = shutil.which(program, path="/usr/sbin:/usr/bin")
                place.sh("mount", "--bind", "/dev/null", path)
                try:
                    self.refused([f"{THERE}:80"], f"this machine has no {program}")
                    doctor = self.reeve("doctor", expect=None).stdout
                    self.assertRegex(doctor, rf"egress +○ missing.*{program}")
                finally:
                    place.sh("umount", path)
        self.assertRegex(self.reeve("doctor", expect=None).stdout, "egress +✔ good")

    def test_no_device(self):
        place.sh("mount", "-t", "tmpfs", "none", "/dev/net")
        self.addCleanup(place.sh, "umount", "/dev/net")
        self.refused([f"{THERE}:80"], "/dev/net/tun cannot be opened (No such file")
        self.assertRegex(self.reeve("doctor", expect=None).stdout, "egress +○ missing.*tun")


class Shown(EgressCase):
    def test_what_it_may_reach_is_told(self):
        listed = [f"{THERE}:80", "db:443"]
        self.name(db=THERE)
        self.workflow(listed, "'true'")
        self.assertIn(f"reaches {THERE}:80, db:443", self.reeve("plan", "egress.yaml").stdout)
        self.reeve("run", "egress.yaml")
        self.assertIn(f"reaches     {THERE}:80, db:443\n", self.reeve("show", "last/reach").stdout)
        task = json.loads(self.reeve("show", "last/reach", "-o", "json").stdout)["task"]["task"]
        self.assertEqual((task["network"], task["egress"]), ("egress", listed))
        self.assertIn(f"it may reach {THERE}:80, db:443, and nothing else",
                      self.reeve("explain", "last/reach").stdout)

    def test_visitors_have_the_same_network(self):
        self.workflow([f"{THERE}:80"], "echo > waiting; sleep 1000")
        self.start("run", "egress.yaml")
        self.wait_for((self.directory / "waiting").exists, "the task")
        text = self.reeve("exec", "last/reach", "--", *REACH.split(), f"tcp/{THERE}/80",
                          f"tcp/{OTHER}/80").stdout
        self.assertIn(f"tcp/{THERE}/80 yes", text)
        self.assertIn(f"tcp/{OTHER}/80 no", text)


class Ends(EgressCase):
    def test_what_carries_is_limited_and_shut_in(self):
        _, supervisor, carrier = self.begin()
        about = pathlib.Path(f"/proc/{carrier}")
        limits = (about / "limits").read_text(encoding="utf-8")
        self.assertRegex(limits, r"Max open files +1024 +1024")
        self.assertRegex(limits, r"Max address space +536870912 +536870912")
        status = (about / "status").read_text(encoding="utf-8")
        self.assertRegex(status, r"NSpid:\t\d+\t1\n")
        self.assertRegex(status, r"CapEff:\t0000000000000400\n")  # ports below 1024
        self.assertRegex(status, r"Seccomp:\t2\n")
        # The two that it has bound are empty, made by reeve.
        self.assertEqual(sorted(os.listdir(about / "root")), ["etc", "run"])
        self.assertEqual([*(about / "root/run").iterdir()], [])
        self.assertNotEqual((about / "cgroup").read_text(encoding="utf-8"), "")
        self.assertEqual((about / "cgroup").read_text(encoding="utf-8"),
                         pathlib.Path(f"/proc/{supervisor}/cgroup").read_text(encoding="utf-8"))

    def test_a_flood_of_connections_stays_within(self):
        _, supervisor, _ = self.begin()
        flood = ("import socket\nheld = []\ntry:\n    for _ in range(1500):\n"
                 f"        held.append(socket.create_connection(('{THERE}', 80), 2))\n"
                 "except OSError as error:\n    print('stopped', error)\nprint(len(held))\n")
        self.write("flood.py", flood)
        text = self.reeve("exec", "last/reach", "--", "/usr/bin/python3", "flood.py").stdout
        self.assertLess(int(text.split()[-1]), 1500, text)
        self.assertEqual(len(carriers(supervisor)), 1)

    def begin(self):
        """An attempt that runs; its engine, supervisor and slirp4netns."""
        self.workflow([f"{THERE}:80"], "echo > waiting; sleep 1000")
        engine = self.start("run", "egress.yaml")
        self.wait_for((self.directory / "waiting").exists, "the task")
        supervisor, = processes_of(self.state)
        carrier, = carriers(supervisor)
        return engine, supervisor, carrier

    def is_gone(self, pid):
        return lambda: not pathlib.Path(f"/proc/{pid}/ns/net").exists() or \
            pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2] == "Z"

    def test_with_the_attempt(self):
        _, supervisor, carrier = self.begin()
        self.reeve("cancel", "last", expect=None)
        self.wait_for(self.is_gone(carrier), "the end of slirp4netns")
        self.wait_for(lambda: not carriers(supervisor), "no other")

    def test_with_the_supervisor(self):
        _, supervisor, carrier = self.begin()
        os.kill(supervisor, signal.SIGKILL)
        self.wait_for(self.is_gone(carrier), "the end of slirp4netns")

    def test_not_with_the_engine(self):
        engine, supervisor, carrier = self.begin()
        os.kill(engine.pid, signal.SIGKILL)
        engine.wait()
        self.assertEqual(carriers(supervisor), [carrier])
        os.kill(supervisor, signal.SIGKILL)
        self.wait_for(self.is_gone(carrier), "the end of slirp4netns")

    def test_a_carrier_that_ends_takes_the_network_along(self):
        target = f"tcp/{THERE}/80"
        self.workflow([f"{THERE}:80"], f"{REACH} {target}; {PAUSE}; {REACH} {target}")
        engine = self.start("run", "egress.yaml")
        self.wait_for((self.directory / "waiting").exists, "the first look")
        supervisor, = processes_of(self.state)
        os.kill(carriers(supervisor)[0], signal.SIGKILL)
        self.wait_for(lambda: not carriers(supervisor), "its end")
        (self.directory / "go").touch()
        engine.wait(60)
        lines = self.reeve("logs", "last").stdout.splitlines()
        self.assertEqual(lines[0], f"tcp/{THERE}/80 yes {THERE} 80")
        self.assertTrue(lines[-1].startswith(f"tcp/{THERE}/80 no"), lines)


if __name__ == "__main__":
    place.enter()
    unittest.main()
