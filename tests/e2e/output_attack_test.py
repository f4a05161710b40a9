"""Output of hostile tasks: stored as it was written, shown so that no terminal is harmed, held to
its limit, and not at the cost of neighbours."""

import json
import re
import subprocess
import time
import unittest

from reeve_case import BINARY, ReeveCase
from terminal_case import Terminal, TerminalCase

# Written by the task as bytes; what a terminal is shown of it.
HOSTILE = [
    (b"\x1b[2J\x1b[31mred", r"\x1b[2J\x1b[31mred"),
    (b"\x1b]0;title\x07 \x1b]52;c;Y2xpcA==\x1b", r"\x1b]0;title\x07 \x1b]52;c;Y2xpcA==\x1b"),
    (b"a\x00b\x08c\x7f", r"a\x00b\x08c\x7f"),
    (b"over\rwritten", r"over\x0dwritten"),
    (b"\xc2\x9b2J \xc2\x85", r"\u009b2J \u0085"),
    (b"\x9b2J \xff\xfe \xc3(", r"\x9b2J \xff\xfe \xc3("),
    (b"\xed\xa0\x80 \xf5\x80\x80\x80", r"\xed\xa0\x80 \xf5\x80\x80\x80"),
    ("user\u202enimda\u2066x\u2069".encode(), r"user\u202enimda\u2066x\u2069"),
    ("\u200e\u200f\u061c\u2028".encode(), r"\u200e\u200f\u061c\u2028"),
    ("fine: \u00fc \u20ac \U0001f600\t.".encode(), "fine: \u00fc \u20ac \U0001f600"),
]
WRITE = "import sys\nsys.stdout.buffer.write({!r})\nsys.stdout.flush()\n"
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f"
                       "\u202a-\u202e\u2066-\u2069\u200e\u200f]")


class Rendering(TerminalCase):
    def setUp(self):
        super().setUp()
        self.raw = b"".join(line + b"\n" for line, _ in HOSTILE)
        self.write("hostile.py", WRITE.format(self.raw))
        self.write("fail.yaml",
                   "tasks: {a: {run: 'python3 hostile.py; exit 3'}, b: {run: 'true'}}\n")

    def on_screen(self, *words, expect=0):
        terminal = self.on_terminal(*words, columns=200, rows=50)
        self.wait_for(lambda: not terminal.read() and terminal.process.poll() is not None,
                      "the end")
        self.assertEqual(terminal.process.returncode, expect)
        return terminal.output

    def assert_harmless(self, output):
        """Of the task's escapes nothing is left; our own ones are colours and cursor movements."""
        own = re.compile(rb"\x1b\[[0-9;?]*[A-HJKSTfhlm]")
        self.assertNotIn(b"\x1b[2J", output)
        rest = own.sub(b"", output).decode("utf-8").replace("\r\n", "\n").replace("\r", "")
        self.assertIsNone(FORBIDDEN.search(rest), repr(rest))
        self.assertNotIn("\x1b", rest)

    def test_logs_are_raw_in_the_file_and_safe_on_a_terminal(self):
        self.reeve("run", "-q", "fail.yaml", expect=1)
        # Not on a terminal: exactly the bytes.
        piped = subprocess.run([BINARY, "logs", "last/a"], cwd=self.directory, check=True,
                               env=self.environment, capture_output=True, timeout=30)
        self.assertEqual(piped.stdout, self.raw)
        for words in (("logs", "last/a"), ("logs", "last", "-t"), ("logs", "last/a", "-f"),
                      ("logs", "last/a", "--tail", "50"), ("logs", "last/a", "--grep", "."),
                      ("show", "last/a"), ("explain", "last/a")):
            with self.subTest(words):
                output = self.on_screen(*words)
                self.assert_harmless(output)
                if words[0] == "logs":
                    for _, shown in HOSTILE:
                        self.assertIn(shown, output.decode("utf-8"))

    def test_the_live_view_and_the_end_of_a_failed_task(self):
        output = self.on_screen("run", "fail.yaml", expect=1)
        self.assert_harmless(output)
        self.assertIn(HOSTILE[0][1], output.decode("utf-8"))
        self.assert_harmless(self.on_screen("run", "--logs", "all", "fail.yaml", expect=1))
        self.assert_harmless(self.on_screen("watch", expect=5))

    def test_stderr_on_a_terminal_while_stdout_is_a_file(self):
        self.write("e.yaml", "tasks: {a: {run: 'python3 hostile.py >&2'}, b: {run: 'true'}}\n")
        for more in ("", " --plain"):
            terminal = self.on_command(f"{BINARY} run --logs all{more} e.yaml > out")
            self.assert_harmless(terminal.output)
            self.assertIn(HOSTILE[0][1], terminal.output.decode("utf-8"))

    def on_command(self, command):
        terminal = Terminal(["sh", "-c", command], self.directory, self.environment, 200, 50)
        self._terminals.append(terminal)
        self.wait_for(lambda: not terminal.read() and terminal.process.poll() is not None,
                      "the end")
        return terminal

    def test_progress_and_names_cannot_harm_either(self):
        self.write("p.yaml", "tasks: {a: {run: 'printf \"::progress 40 \\\\033[2Jx\\\\u202ey"
                             "\\\\n\"; touch begun; while [ ! -e go ]; do sleep 0.05; done'}}\n")
        run = self.on_terminal("run", "p.yaml", columns=150)
        self.wait_for((self.directory / "begun").exists, "the task")
        top = self.on_terminal("top", columns=150)
        for terminal in (run, top):
            self.wait_for(lambda end=terminal: b"40%" in end.output + end.read(), "progress")
            self.assertNotIn(b"\x1b[2J", terminal.output)
            self.assertNotIn("\u202e".encode(), terminal.output)
        self.write("go", "")
        self.wait_for(lambda: not run.read() and run.process.poll() is not None, "the end")

    def test_a_long_line_without_an_end(self):
        self.write("long.yaml",
                   "tasks: {a: {run: 'head -c 3000000 /dev/zero | tr \"\\\\0\" \"x\"'}}\n")
        self.reeve("run", "-q", "long.yaml")
        self.assertEqual(self.reeve("logs", "last/a").stdout, "x" * 3000000)
        output = self.on_screen("logs", "last/a")
        self.assertEqual(output.count(b"x"), 3000000)


class Limits(ReeveCase):
    def test_output_ends_at_its_limit_and_so_does_the_task(self):
        self.write("flood.yaml", "tasks: {a: {output_limit: 1Mi, run: 'cat /dev/zero'}}\n")
        begun = time.monotonic()
        self.reeve("run", "-q", "flood.yaml", expect=1)
        self.assertLess(time.monotonic() - begun, 30)
        attempt = json.loads(self.reeve("show", "last/a", "-o", "json").stdout)
        attempt = attempt["task"]["attempts"][0]
        self.assertEqual(attempt["reason"], "output_over_limit")
        logs = list(self.state.glob("logs/*/*.log"))
        self.assertEqual(len(logs), 1)
        self.assertGreaterEqual(logs[0].stat().st_size, 1 << 20)
        self.assertLess(logs[0].stat().st_size, (1 << 20) + (64 << 10))
        self.assertIn("output over its limit of 1048576 bytes",
                      self.reeve("logs", "last/a").stderr)

    def test_neighbours_start_and_are_heard_while_others_flood(self):
        self.write("flood.yaml", """\
tasks:
  flood:
    array: 1-3
    output_limit: 8Gi
    run: while [ ! -e go ]; do head -c 262144 /dev/zero; done
  beside:
    array: 1-20
    locks: [one]
    run: echo "heard $REEVE_ARRAY_INDEX"; echo $REEVE_ARRAY_INDEX >> done
  last: {needs: beside, run: touch go}
""")
        begun = time.monotonic()
        self.reeve("run", "-q", "-j", "8", "flood.yaml", timeout=100)
        self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual(len(self.lines("done")), 20)
        for i in range(20):
            self.assertEqual(self.reeve("logs", f"last/beside[{i}]").stdout, f"heard {i + 1}\n")


if __name__ == "__main__":
    unittest.main()
