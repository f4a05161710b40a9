"""A service that restarts while clients work with it: nobody is turned away, nothing is lost.

With --take-over the next process gets the sockets of the one before; under systemd, sockets come as
LISTEN_FDS, and stay open outside of the service."""

import json
import os
import select
import signal
import socket
import subprocess
import threading
import unittest
import uuid

from reeve_case import ReeveCase
from service_case import ServiceCase, UnixConnection


class Load:
    """Clients that submit, each on a connection that it keeps as long as it is allowed to."""

    def __init__(self, connect, token, clients=6):
        self.connect, self.token = connect, token
        self.faults, self.acknowledged, self.answers = [], [], 0
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def work(self):
        connection = None
        while not self.ends.is_set():
            try:
                connection = connection or self.connect()
                connection.request("POST", "/v1/runs", json.dumps({"command": ["true"]}),
                                   {"authorization": f"Bearer {self.token}",
                                    "content-type": "application/json",
                                    "idempotency-key": str(uuid.uuid4())})
                reply = connection.getresponse()
                body = reply.read()
                if reply.status not in (201, 429):
                    self.faults.append((reply.status, body))
                if reply.status == 201:
                    self.acknowledged.append(json.loads(body)["run"]["id"])
                self.answers += 1
                if reply.will_close:
                    connection.close()
                    connection = None
            except (OSError, ValueError, AttributeError) as fault:
                self.faults.append(repr(fault))
                connection = None
        if connection is not None:
            connection.close()

    def finish(self):
        self.ends.set()
        for thread in self.threads:
            thread.join(timeout=60)


class Restart(ServiceCase):
    def setUp(self):
        probe = socket.socket()
        probe.bind(("127.0.0.1", 0))
        self.listen = ("--listen", f"127.0.0.1:{probe.getsockname()[1]}")
        probe.close()
        super().setUp()

    def load(self, connect=None):
        load = Load(connect or self.connection, self.token)
        self.addCleanup(load.finish)
        self.wait_for(lambda: load.answers > 50, "a load")
        return load

    def more(self, load, count=50):
        before = load.answers
        self.wait_for(lambda: load.answers > before + count or load.faults, "more answers")

    def successor(self, *more):
        """A process that takes over, once it has said where it listens."""
        process = self.start("serve", *self.listen, "--take-over", *more)
        return process

    def serves(self, process):
        said = []
        while not said or not said[-1].startswith("unix:"):
            line = process.stdout.readline()
            self.assertTrue(line, f"the next one did not start: {said}")
            said.append(line)

    def check_load(self, load):
        load.finish()
        self.assertEqual(load.faults, [])
        known = {uuid for (uuid,) in self.query("SELECT count(*) FROM runs")}
        self.assertGreaterEqual(known.pop(), len(load.acknowledged))
        for run in load.acknowledged[:: max(1, len(load.acknowledged) // 50)]:
            self.ask("GET", f"/v1/runs/{run}")

    def test_under_load_nobody_notices(self):
        load = self.load()
        over_unix = self.load(lambda: UnixConnection(self.state / "api.sock"))
        for _ in range(2):
            before = self.service
            self.service = self.successor()
            self.serves(self.service)
            self.assertEqual(before.wait(timeout=30), 0)
            self.more(load)
            self.more(over_unix)
        self.check_load(over_unix)
        self.check_load(load)

    def test_a_stream_ends_and_goes_on_where_it_was(self):
        connection = self.connection()
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {self.token}"})
        stream = connection.getresponse()
        run = self.submit(command=["sleep", "1"])["id"]
        before, self.service = self.service, self.successor()
        lines = [line.decode().strip() for line in stream]
        self.assertIn("retry: 500", lines, "the end of the stream says that one may come again")
        ids = [line[4:] for line in lines if line.startswith("id: ")]
        self.assertTrue(ids)
        self.serves(self.service)
        self.assertEqual(before.wait(timeout=30), 0)
        self.ended(run)
        rest = self.events("/v1/events", after=ids[-1], until=("dev.reeve.run.succeeded",))
        found = ids + [event["id"] for event in rest]
        self.assertEqual(len(found), len(set(found)), "an event came twice")
        everything = [event["id"] for event in
                      self.events(f"/v1/runs/{run}/events", after=None, until=found[-1])]
        self.assertEqual([each for each in found if each in everything], everything)

    def test_the_next_one_is_killed_in_the_middle(self):
        """The first one finds that out, and goes on; who came meanwhile has waited."""
        load = self.load()
        self.raw("GET", "/livez")
        knocker = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(knocker.close)
        knocker.connect(str(self.state / "takeover.sock"))
        knocker.sendall(b"reeve take-over 1\n")
        offer, sockets, _, _ = socket.recv_fds(knocker, 4096, 64)
        self.assertEqual(len(json.loads(offer)["sockets"]), len(sockets))
        knocker.sendall(b"go\n")
        # As by kill -9.
        for each in sockets:
            os.close(each)
        knocker.close()
        self.more(load)
        self.assertIsNone(self.service.poll())
        self.check_load(load)
        # And it can still be taken over from.
        before, self.service = self.service, self.successor()
        self.serves(self.service)
        self.assertEqual(before.wait(timeout=30), 0)

    def test_the_first_one_is_killed_in_the_middle(self):
        acknowledged = [self.submit(command=["true"])["id"] for _ in range(20)]
        self.service.send_signal(signal.SIGSTOP)
        following = self.successor()
        self.service.send_signal(signal.SIGCONT)
        self.wait_for(lambda: "waits for the other one" in self.said(following) or
                      following.poll() is not None, "the hand-over")
        self.service.kill()
        self.service = following
        for run in acknowledged:
            self.wait_for(lambda: self.look(run), f"{run} at the next one")

    def said(self, process):
        while select.select([process.stdout], [], [], 0)[0]:
            chunk = os.read(process.stdout.fileno(), 4096)
            if not chunk:
                break
            self.heard += chunk.decode()
        return self.heard

    heard = ""

    def look(self, run):
        try:
            return self.ask("GET", f"/v1/runs/{run}", expect=None).status == 200
        except OSError:
            return False

    def test_whoever_knocks_and_says_nonsense_changes_nothing(self):
        for words in (b"", b"hello\n", b"x" * 100_000, b"reeve take-over 1\n",
                      b"reeve take-over 2\n"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocker:
                knocker.connect(str(self.state / "takeover.sock"))
                try:
                    knocker.sendall(words)
                except OSError:
                    pass
            self.ask("GET", "/v1/runs")
        self.assertIsNone(self.service.poll())

    def test_settings_that_are_wrong_are_found_before_anybody_goes(self):
        following = self.start("serve", *self.listen, "--take-over",
                               "--set", "server.heartbeat=never")
        self.assertNotEqual(following.wait(timeout=30), 0)
        following = self.start("serve", "--take-over", "--listen", "0.0.0.0:7433")
        self.assertEqual(following.wait(timeout=30), 2)
        self.ask("GET", "/v1/runs")

    def test_without_being_asked_a_second_one_refuses(self):
        done = self.reeve("serve", *self.listen, expect=6)
        self.assertIn("held by process", done.stderr)
        self.assertIn("--take-over", done.stderr)
        self.ask("GET", "/v1/runs")


class Nobody(ReeveCase):
    def test_where_nobody_serves_there_is_nothing_to_take_over(self):
        service = self.start("serve", "--listen", "127.0.0.1:0", "--take-over")
        self.assertTrue(service.stdout.readline())
        service.send_signal(signal.SIGTERM)
        self.assertEqual(service.wait(timeout=30), 0)


class Passed(ServiceCase):
    """As under a socket unit of systemd: this test holds the sockets."""

    def setUp(self):
        self.sockets = None
        super().setUp()

    def start(self, *words, **options):
        if "serve" not in words:
            return super().start(*words, **options)
        if self.sockets is None:
            tcp = socket.create_server(("127.0.0.1", 0), backlog=1024)
            local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            local.bind(str(self.directory / "reeve.sock"))
            local.listen(1024)
            self.sockets = (tcp, local)
            for each in self.sockets:
                self.addCleanup(each.close)
        # As systemd does: from 3 on, and the number of the process is its own.
        script = ('exec 3<&"$1" 4<&"$2"; shift 2; export LISTEN_PID=$$ LISTEN_FDS=2 '
                  'LISTEN_FDNAMES=web:local; exec "$@"')
        numbers = [each.fileno() for each in self.sockets]
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", *map(str, numbers), self.binary, *words[:1]],
            cwd=self.directory, text=True, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=numbers,
            start_new_session=True)
        self._started.append(process)
        return process

    def test_a_restart_under_load(self):
        self.assertEqual(self.address, self.sockets[0].getsockname())
        load = Load(self.connection, self.token)
        self.addCleanup(load.finish)
        local = Load(lambda: UnixConnection(self.directory / "reeve.sock"), self.token)
        self.addCleanup(local.finish)
        for _ in range(2):
            before = load.answers
            self.wait_for(lambda: load.answers > before + 50, "a load")
            self.assertEqual(self.stop_service(), 0)
            self.start_service()
        before = load.answers, local.answers
        self.wait_for(lambda: load.answers > before[0] + 20 and local.answers > before[1] + 20,
                      "answers of the last one")
        for each in (load, local):
            each.finish()
            self.assertEqual(each.faults, [])
        self.assertTrue((self.directory / "reeve.sock").exists())
        for run in (load.acknowledged + local.acknowledged)[::20]:
            self.ask("GET", f"/v1/runs/{run}")

    def test_tasks_have_no_such_socket(self):
        run = self.submit(command=["sh", "-c", "env | grep LISTEN; ls /proc/self/fd | wc -l"])
        self.ended(run["id"])
        shown = self.reeve("--state", self.state, "logs", run["id"]).stdout
        self.assertNotIn("LISTEN", shown)


class PassedNonsense(ReeveCase):
    def test_what_is_no_socket_is_said(self):
        for count, third, said in (("1", "/dev/null", "no stream socket that listens"),
                                   ("1", "&-", "is not open"),
                                   ("many", "&-", "LISTEN_FDS is many"),
                                   ("-1", "&-", "LISTEN_FDS is -1")):
            script = f"export LISTEN_PID=$$ LISTEN_FDS={count}; exec '{self.binary}' serve"
            done = subprocess.run(["bash", "-c", f"exec 3<{third}; {script}"], text=True,
                                  cwd=self.directory, env=self.environment, timeout=30,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, done.stdout)


if __name__ == "__main__":
    unittest.main()
