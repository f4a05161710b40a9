"""More than the service can do: 640 clients that submit without a pause. Each answer is a run
that is there afterwards, or a 429 that says when to come again; what the service holds does not
grow with the time. REEVE_OVERLOAD_SECONDS: as long as that, with figures (`./dev nightly`: two
minutes)."""

import collections
import json
import os
import pathlib
import selectors
import socket
import time
import unittest

from service_case import ServiceCase

CLIENTS = 640
RUNS_MAX = 2000  # more than they have under way at a time, and soon reached
RESIDENT_MAX = 160 << 20
SECONDS = float(os.environ.get("REEVE_OVERLOAD_SECONDS", "3"))


class Client:
    """One request after the other, on a connection that is kept."""

    def __init__(self, number, address, token):
        self.number, self.token, self.sent = number, token, 0
        self.socket = socket.create_connection(address, timeout=30)
        self.buffer = b""

    def send(self):
        self.sent += 1
        body = b'{"command":["true"]}'
        self.socket.sendall((
            f"POST /v1/runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
            f"Idempotency-Key: {self.number}-{self.sent}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body)

    def reply(self):
        """(status, head, body) if it is complete."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("closed by the service")
        self.buffer += chunk
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        return int(head[9:12]), lower, rest[:length]


class Overload(ServiceCase):
    options = ("--set", f"engine.runs_max={RUNS_MAX}")

    def resident(self):
        text = pathlib.Path(f"/proc/{self.service.pid}/status").read_text(encoding="utf-8")
        return int(text.partition("VmRSS:")[2].split()[0]) << 10

    def flood(self):
        """({status: count}, [run], [resident bytes])."""
        counts, runs, sizes = collections.Counter(), [], []
        poll = selectors.DefaultSelector()
        clients = [Client(number, self.address, self.token) for number in range(CLIENTS)]
        for client in clients:
            poll.register(client.socket, selectors.EVENT_READ, client)
            client.send()
        end = time.monotonic() + SECONDS
        look, open_clients = 0.0, len(clients)
        while open_clients:
            for key, _ in poll.select(timeout=30):
                client = key.data
                got = client.reply()
                if got is None:
                    continue
                status, head, body = got
                counts[status] += 1
                if status == 201:
                    runs.append(json.loads(body)["run"]["id"])
                else:
                    self.assertEqual(status, 429, body)
                    self.assertIn(b"retry-after:", head)
                if time.monotonic() < end:
                    client.send()
                    continue
                poll.unregister(client.socket)
                client.socket.close()
                open_clients -= 1
            if time.monotonic() > look + 0.5:
                look = time.monotonic()
                sizes.append(self.resident())
        return counts, runs, sizes

    def test_whoever_is_acknowledged_is_there(self):
        self.description = None  # it is looked at elsewhere
        counts, runs, sizes = self.flood()
        self.assertEqual(len(runs), len(set(runs)))
        self.assertGreater(len(runs), CLIENTS)
        stored = self.query("SELECT count(*) FROM runs")[0][0]
        self.assertEqual(stored, len(runs), "a run for each acknowledgement, and no other")
        for run in runs[:: max(1, len(runs) // 100)]:
            self.ask("GET", f"/v1/runs/{run}")
        self.assertGreater(counts[429], 0)
        self.assertLess(max(sizes), RESIDENT_MAX)
        if SECONDS > 10:
            print(f"{SECONDS:.0f} s, {CLIENTS} connections: {dict(counts)}; resident: "
                  f"{' '.join(str(each >> 20) for each in sizes[::20])} MiB")


if __name__ == "__main__":
    unittest.main()
