"""A program on a terminal of its own: a pseudo-terminal with a size, and what it shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from reeve_case import BINARY, ReeveCase

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """One program whose three descriptors are a terminal."""

    def __init__(self, words, cwd, env, columns=80, rows=24):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.modes_before = termios.tcgetattr(self.master)
        self.process = subprocess.Popen(words, cwd=cwd, env=env, stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.output = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.05):
        """What has come; b"" when nothing comes for so long."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return b""
        try:
            chunk = os.read(self.master, 65536)
        except OSError:
            return b""
        self.output += chunk
        return chunk

    def type(self, text):
        os.write(self.master, text.encode())

    def hang_up(self):
        os.close(self.master)
        self.master = -1

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.master >= 0:
            os.close(self.master)

    def text(self):
        return CONTROL.sub("", self.output.decode(errors="replace")).replace("\r\n", "\n")


class TerminalCase(ReeveCase):
    def setUp(self):
        super().setUp()
        self.environment |= {"TERM": "xterm-256color"}
        for name in ("CI", "NO_COLOR"):
            self.environment.pop(name, None)
        self._terminals = []

    def tearDown(self):
        for terminal in self._terminals:
            terminal.close()
        super().tearDown()

    def on_terminal(self, *words, columns=80, rows=24, env=None):
        terminal = Terminal([BINARY, *map(str, words)], self.directory, env or self.environment,
                            columns, rows)
        self._terminals.append(terminal)
        return terminal

    def wait_for_text(self, terminal, pattern, seconds=30):
        """Reads until the pattern has been shown."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, terminal.text()):
            if time.monotonic() > deadline:
                self.fail(f"waited {seconds} s in vain for {pattern!r}; shown:\n{terminal.text()}")
            terminal.read()

    def wait_for_end(self, terminal, seconds=30):
        """Reads to the end; the exit status."""
        deadline = time.monotonic() + seconds
        while terminal.process.poll() is None:
            if time.monotonic() > deadline:
                self.fail(f"did not end within {seconds} s; shown:\n{terminal.text()}")
            terminal.read()
        while terminal.read(0.01):
            pass
        return terminal.process.returncode
