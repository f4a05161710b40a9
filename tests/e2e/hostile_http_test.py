"""The HTTP server under hostile hands: bytes over raw sockets that a decent client never sends. In
each case the service says no, or cuts off, and goes on serving others.
"""

import contextlib
import os
import pathlib
import random
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from reeve_case import BINARY, ReeveCase

HOST = b"Host: a\r\n"
GET = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"


class Hostile(ReeveCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="reeve-hostile-"))
        cls.server = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0", "--state", str(cls.root / "state")],
            cwd=cls.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        cls.port = int(cls.server.stdout.readline().strip().rpartition(":")[2])
        token = (cls.root / "state" / "admin.token").read_text(encoding="utf-8").strip()
        cls.auth = f"Authorization: Bearer {token}\r\n".encode()

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        assert cls.server.wait(timeout=30) == 0
        cls.server.stdout.close()
        shutil.rmtree(cls.root, ignore_errors=True)

    def tearDown(self):
        self.assertTrue(self.ask(GET).startswith(b"HTTP/1.1 200 "), "the service does not go on")
        super().tearDown()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.addCleanup(connection.close)
        return connection

    def ask(self, data, close=True):
        """What comes back for bytes, up to the end of the connection."""
        connection = self.connect()
        parts = []
        try:
            connection.sendall(data)
            if close:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                parts.append(part)
        except ConnectionError:
            pass  # cut off in the middle of it
        connection.close()
        return b"".join(parts)

    @staticmethod
    def statuses(reply):
        """Of all replies in these bytes."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) \w", reply)]

    def refused(self, data, *wanted):
        """One reply, of one of these statuses, and the end: nothing behind it is obeyed."""
        reply = self.ask(data + GET)
        self.assertEqual(len(self.statuses(reply)), 1, f"{data[:80]!r}: {reply[:400]!r}")
        self.assertIn(self.statuses(reply)[0], wanted, data[:80])
        self.assertIn(b"Connection: close", reply)
        return reply


class Smuggling(Hostile):
    def test_two_lengths(self):
        post = b"POST /v1/runs HTTP/1.1\r\n" + HOST
        for lengths in (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                        b"Content-Length: 5\r\nContent-Length: 5\r\n",
                        b"Content-Length: 5\r\nContent-Length: 6\r\n",
                        b"Content-Length: 5, 5\r\n", b"Content-Length: +5\r\n",
                        b"Content-Length: 0x5\r\n", b"Content-Length: 5 5\r\n",
                        b"Content-Length: -1\r\n", b"Content-Length: \r\n",
                        b"Content-Length: 18446744073709551617\r\n",
                        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                        b"Transfer-Encoding: chunked, chunked\r\n",
                        b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
                        b"Transfer-Encoding: xchunked\r\n",
                        b"Transfer-Encoding: chunked, identity\r\n"):
            with self.subTest(lengths=lengths):
                self.refused(post + lengths + b"\r\n0\r\n\r\n", 400, 413, 501)

    def test_lines_that_two_servers_read_differently(self):
        for data in (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\n Host: a\r\n\r\n",
                     b"GET /livez HTTP/1.1\nHost: a\n\n",
                     b"GET /livez HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost : a\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
                     b"GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"GET /livez  HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"GET /livez\0 HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"GET /livez#x HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"GET livez HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"G\0T /livez HTTP/1.1\r\nHost: a\r\n\r\n"):
            with self.subTest(data=data):
                self.refused(data, 400, 505)

    def test_hosts_and_versions(self):
        for data in (b"GET /livez HTTP/1.1\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                     b"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n",
                     b"GET /livez HTTP/1.2\r\nHost: a\r\n\r\n",
                     b"GET /livez http/1.1\r\nHost: a\r\n\r\n",
                     b"GET /livez\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            with self.subTest(data=data):
                self.refused(data, 400, 505)

    def test_chunks_that_lie(self):
        head = (b"POST /v1/lint HTTP/1.1\r\n" + HOST + self.auth +
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for body in (b"zz\r\n", b"-1\r\n", b"5\r\nabc\r\n0\r\n\r\n", b"2\r\nabc\r\n0\r\n\r\n",
                     b"ffffffffffffffffff\r\n", b"1" * 20_000, b"5;" + b"x" * 20_000 + b"\r\n"):
            with self.subTest(body=body[:20]):
                self.refused(head + body, 400, 413, 431)


class Size(Hostile):
    def test_what_is_too_long(self):
        for data, status in (
                (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)),
                (b"GET /" + b"a" * 100_000, (414, 431)),
                (b"GET /livez HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 40_000 + b"\r\n\r\n", (431,)),
                (b"GET /livez HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 8_000 + b"\r\n", (431,)),
                (b"GET /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n", (413,)),
                (b"POST /v1/runs HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n",
                 (413,))):
            with self.subTest(data=data[:60]):
                self.refused(data, *status)

    def test_headers_that_come_in_parts_are_measured_as_a_whole(self):
        data = b"GET /livez HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 8_000 + b"\r\n"
        for first in (10, 16_384, 20_000, 30_000, 32_768):
            with self.subTest(first=first):
                connection = self.connect()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                reply = b""
                try:
                    connection.sendall(data[:first])
                    time.sleep(0.1)  # the service reads that on its own
                    connection.sendall(data[first:] + GET)
                    while part := connection.recv(65536):
                        reply += part
                except ConnectionError:
                    pass  # cut off in the middle of it
                self.assertNotIn(200, self.statuses(reply))

    def test_a_body_in_chunks_is_measured_too(self):
        head = (b"POST /v1/lint HTTP/1.1\r\n" + HOST + self.auth +
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        reply = self.ask(head + (b"100000\r\n" + b"a" * 0x100000 + b"\r\n") * 12)
        self.assertIn(self.statuses(reply)[:1], ([413], []))

    def test_nested_json_is_no_stack_overflow(self):
        body = b"[" * 500_000
        reply = self.ask(b"POST /v1/lint HTTP/1.1\r\n" + HOST + self.auth +
                         b"Content-Type: application/json\r\nContent-Length: " +
                         str(len(body)).encode() + b"\r\n\r\n" + body)
        self.assertEqual(self.statuses(reply), [400])


class Slowness(Hostile):
    def ends_within(self, connection, seconds):
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while (left := began + seconds - time.monotonic()) > 0:
                if select.select([connection], [], [], left)[0] and not connection.recv(65536):
                    return True
        return select.select([connection], [], [], 0)[0] != []

    def test_a_head_that_comes_drop_by_drop(self):
        connection = self.connect()
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        began = time.monotonic()
        reply = b""
        while time.monotonic() - began < 25:
            if select.select([connection], [], [], 1)[0]:
                with contextlib.suppress(ConnectionError):
                    while part := connection.recv(65536):
                        reply += part
                break
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"X: a\r\n")
        self.assertLess(time.monotonic() - began, 20, "a slow head is given up after 10 seconds")
        self.assertEqual(self.statuses(reply), [408])

    def test_half_open_connections_and_requests_that_were_cut_off(self):
        post = b"POST /v1/lint HTTP/1.1\r\n" + HOST + self.auth + b"Content-Length: 100\r\n\r\n"
        for data in (b"", b"G", b"GET /livez HTTP/1.1\r\n", post, post + b"half"):
            connection = self.connect()
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            self.assertTrue(self.ends_within(connection, 20), data)

    def test_a_reset_in_the_middle_of_everything(self):
        for data in (b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n",
                     b"GET /v1/events HTTP/1.1\r\n" + HOST + self.auth + b"\r\n",
                     b"POST /v1/runs HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nabc"):
            for _ in range(20):
                connection = self.connect()
                # No time to linger: closing sends a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      b"\1\0\0\0\0\0\0\0")
                connection.sendall(data)
                connection.close()


class Correctness(Hostile):
    def test_pipelined_requests_are_answered_in_order(self):
        data = b"".join(b"GET /nothing-%d HTTP/1.1\r\n" % number + HOST + b"\r\n"
                        for number in range(200))
        reply = self.ask(data)
        self.assertEqual(self.statuses(reply), [404] * 200)
        places = [reply.find(b"/nothing-%d;" % number) for number in range(200)]
        self.assertEqual(places, sorted(places))
        self.assertNotIn(-1, places)

    def test_a_head_has_no_body(self):
        reply = self.ask(b"HEAD /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n" + GET)
        self.assertEqual(self.statuses(reply), [200, 200])
        self.assertTrue(reply.split(b"\r\n\r\n", 1)[1].startswith(b"HTTP/1.1 200"))
        whole = self.ask(b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        length = len(whole.split(b"\r\n\r\n", 1)[1])
        self.assertIn(b"Content-Length: %d\r\n" % length, reply)

    def test_who_expects_to_be_told_is_told(self):
        connection = self.connect()
        body = b'{"workflow": "name: a\\ntasks: {a: {run: x}}"}'
        connection.sendall(b"POST /v1/lint HTTP/1.1\r\n" + HOST + self.auth +
                           b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
                           b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        self.assertEqual(connection.recv(65536), b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200 "))
        self.refused(b"POST /v1/lint HTTP/1.1\r\n" + HOST + b"Expect: tea\r\n"
                     b"Content-Length: 5\r\n\r\n", 417)
        # Refused before the body is sent.
        self.refused(b"POST /v1/lint HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n"
                     b"Content-Length: 999999999\r\n\r\n", 413)

    def test_an_old_client(self):
        reply = self.ask(b"GET /livez HTTP/1.0\r\n\r\n", close=False)
        self.assertEqual(self.statuses(reply), [200])
        self.assertIn(b"Connection: close", reply)

    def test_no_path_leads_out(self):
        for path in (b"/../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/v1/runs/..%2f..%2fx",
                     b"/v1/runs/%00", b"/v1/runs/%", b"/v1/runs/%zz", b"//etc/passwd",
                     b"/v1/runs/1%0d%0aX:%20y", b"/v1/runs/%c0%ae%c0%ae",
                     b"/v1/runs/1/tasks/..%2F..%2Flogs", b"http://a/../etc/passwd"):
            reply = self.ask(b"GET " + path + b" HTTP/1.1\r\n" + HOST + self.auth +
                             b"Connection: close\r\n\r\n")
            self.assertIn(self.statuses(reply), ([400], [404]), path)
            self.assertNotIn(b"root:", reply)
            self.assertNotIn(b"\r\nX: y", reply)

    def test_many_connections_at_once(self):
        connections = [self.connect() for _ in range(500)]
        for connection in connections:
            connection.sendall(GET)
        for connection in connections:
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200 "))


class Noise(Hostile):
    """Good requests with bytes changed, cut, doubled and swapped; REEVE_FUZZ_SECONDS for longer."""

    def test_whatever_comes(self):
        seed = int(os.environ.get("REEVE_FUZZ_SEED", "5"))
        chance = random.Random(seed)
        good = [GET, b"POST /v1/lint HTTP/1.1\r\n" + HOST + self.auth +
                b"Content-Type: application/json\r\nContent-Length: 24\r\n\r\n"
                b'{"workflow": "name: a"}\n',
                b"POST /v1/runs:bulk?mode=each HTTP/1.1\r\n" + HOST + self.auth +
                b"Idempotency-Key: k\r\nContent-Type: application/x-ndjson\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":1}\n\r\n0\r\n\r\n",
                b"GET /v1/runs?state=failed&limit=5&name=%41&label=a%3Db HTTP/1.1\r\n" + HOST +
                self.auth + b"\r\n",
                b"GET /v1/events HTTP/1.1\r\n" + HOST + self.auth + b"Last-Event-ID: 1-1\r\n"
                b"Connection: close\r\n\r\n"]
        until = time.monotonic() + float(os.environ.get("REEVE_FUZZ_SECONDS", "5"))
        rounds = 0
        while time.monotonic() < until:
            data = bytearray(chance.choice(good))
            for _ in range(chance.randint(1, 8)):
                at = chance.randrange(len(data) or 1)
                kind = chance.randrange(5)
                if kind == 0:
                    data[at:at + 1] = bytes([chance.randrange(256)])
                elif kind == 1:
                    del data[at:at + chance.randint(1, 20)]
                elif kind == 2:
                    data[at:at] = data[at:at + chance.randint(1, 40)]
                elif kind == 3:
                    data[at:at] = chance.choice([b"\r\n", b"\0", b"%00", b"{", b"\xff", b"9" * 30])
                else:
                    data += chance.choice(good)
            connection = self.connect()
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                connection.sendall(bytes(data))
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)
            connection.close()
            rounds += 1
            self.assertIsNone(self.server.poll(), f"it died of {bytes(data)!r} (seed {seed})")
        self.assertGreater(rounds, 20)


if __name__ == "__main__":
    unittest.main()
