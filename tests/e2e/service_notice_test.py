"""What the service tells systemd over NOTIFY_SOCKET: the datagrams of sd_notify(3)."""

import os
import signal
import socket
import unittest

from reeve_case import ReeveCase


class Notices(ReeveCase):
    def told(self, address, bound, **more):
        """The service, and the socket that it speaks to."""
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(bound)
        receiver.settimeout(20)
        service = self.start("serve", "--listen", "127.0.0.1:0",
                             env={**self.environment, "NOTIFY_SOCKET": address, **more})
        return service, receiver

    def ends(self, service, receiver):
        service.send_signal(signal.SIGTERM)
        while (state := receiver.recv(1000)) != b"STOPPING=1":
            self.assertEqual(state, b"WATCHDOG=1")
        self.assertEqual(service.wait(timeout=30), 0)

    def test_ready_alive_stopping(self):
        path = str(self.directory / "notify")
        service, receiver = self.told(path, path, WATCHDOG_USEC="100000")
        self.assertEqual(receiver.recv(1000), b"READY=1")
        self.reeve("--server", f"unix:{self.state}/api.sock", "ls")
        for _ in range(5):
            self.assertEqual(receiver.recv(1000), b"WATCHDOG=1")
        service.send_signal(signal.SIGSTOP)
        receiver.settimeout(0.5)
        with self.assertRaises(TimeoutError, msg="a service that hangs gives no sign of life"):
            for _ in range(20):
                receiver.recv(1000)
        service.send_signal(signal.SIGCONT)
        receiver.settimeout(20)
        self.ends(service, receiver)

    def test_abstract_socket_and_a_watchdog_of_somebody_else(self):
        name = f"reeve-notify-{os.getpid()}"
        service, receiver = self.told("@" + name, "\0" + name, WATCHDOG_USEC="1000",
                                      WATCHDOG_PID="1")
        self.assertEqual(receiver.recv(1000), b"READY=1")
        self.assertEqual(receiver.recv(1000), b"WATCHDOG=1")
        receiver.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            receiver.recv(1000)
        receiver.settimeout(20)
        self.ends(service, receiver)

    def test_nobody_listens(self):
        for address in ("/no/where", "x" * 200, "@", ""):
            service = self.start("serve", "--listen", "127.0.0.1:0",
                                 env={**self.environment, "NOTIFY_SOCKET": address,
                                      "WATCHDOG_USEC": "-5"})
            self.assertIn("http://", service.stdout.readline() + service.stdout.readline())
            service.send_signal(signal.SIGTERM)
            self.assertEqual(service.wait(timeout=30), 0)


if __name__ == "__main__":
    unittest.main()
