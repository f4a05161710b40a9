"""The live view on a terminal, and what a terminal does to a run: Ctrl-C, a new size, its end."""

import re
import signal
import unittest

from reeve_case import RUN_SUCCEEDED
from terminal_case import CONTROL, TerminalCase

CTRL_C = "\x03"
# Ends when it is asked to, and says that it was.
POLITE = """
tasks:
  polite:
    run: |
      trap 'echo asked >> asked; exit 1' TERM
      touch begun
      while :; do sleep 0.05; done
"""
STUBBORN = """
tasks:
  stubborn:
    timeout: {grace: 10m}
    run: |
      trap 'echo asked >> asked' TERM
      touch begun
      while :; do sleep 0.05 || true; done
"""
GATED = """
name: gated
tasks:
  first: {run: 'true'}
  gate: {run: 'touch begun; while [ ! -e open ]; do sleep 0.02; done', needs: first}
  last: {run: 'true', needs: gate}
"""


def cursor_rows(output):
    """How far each frame went up, and how many lines it drew."""
    frames = output.split(b"\x1b[?25l")[1:]
    return [(int(m.group(1)) if (m := re.match(rb"\r\x1b\[(\d+)A", frame)) else 0,
             frame.count(b"\n")) for frame in frames]


class Interrupt(TerminalCase):
    def begin(self, text):
        self.write("flow.yaml", text)
        terminal = self.on_terminal("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the task")
        self.wait_for_text(terminal, "running")
        return terminal

    def test_ctrl_c_once_cancels_with_grace(self):
        terminal = self.begin(POLITE)
        terminal.type(CTRL_C)
        self.assertEqual(self.wait_for_end(terminal), 130)
        self.assertIn("cancelling", terminal.text())
        self.assertEqual(self.lines("asked"), ["asked"])

    def test_what_ends_well_all_the_same_has_ended_well(self):
        terminal = self.begin(POLITE.replace("exit 1", "exit 0"))
        terminal.type(CTRL_C)
        self.assertEqual(self.wait_for_end(terminal), 0)

    def test_ctrl_c_twice_kills(self):
        terminal = self.begin(STUBBORN)
        terminal.type(CTRL_C)
        self.wait_for(lambda: self.lines("asked"), "SIGTERM to arrive")
        terminal.type(CTRL_C)
        self.assertEqual(self.wait_for_end(terminal), 130)
        self.assertIn("killing", terminal.text())

    def test_ctrl_c_of_a_command(self):
        terminal = self.on_terminal("run", "--", "sh", "-c",
                                    "trap 'echo bye; exit 1' TERM; touch begun; "
                                    "while :; do sleep 0.05; done")
        self.wait_for((self.directory / "begun").exists, "the command")
        terminal.type(CTRL_C)
        self.assertEqual(self.wait_for_end(terminal), 130)
        self.assertIn("bye", terminal.text())

    def test_ctrl_c_ends_watching_only(self):
        self.write("flow.yaml", GATED)
        engine = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        terminal = self.on_terminal("watch")
        self.wait_for_text(terminal, r"gate\s+running")
        terminal.type(CTRL_C)
        self.assertEqual(self.wait_for_end(terminal), 130)
        self.write("open", "")
        self.assertEqual(engine.wait(30), 0)


class View(TerminalCase):
    def begin(self, **size):
        self.write("flow.yaml", GATED)
        terminal = self.on_terminal("run", "flow.yaml", **size)
        self.wait_for((self.directory / "begun").exists, "the gate")
        self.wait_for_text(terminal, r"gate\s+running")
        return terminal

    def test_shows_and_leaves_the_result(self):
        terminal = self.begin()
        self.write("open", "")
        self.assertEqual(self.wait_for_end(terminal), 0)
        last = terminal.text()
        for part in (r"✔ succeeded\s+gated", r"✔ first\s+succeeded", r"✔ last\s+succeeded"):
            self.assertRegex(last, part)
        self.assertTrue(terminal.output.endswith(b"\x1b[?25h"), "the cursor is shown at the end")
        self.assertNotIn(b"\x1b[?1049h", terminal.output)

    def test_every_frame_shows_the_cursor_again(self):
        terminal = self.begin()
        self.write("open", "")
        self.wait_for_end(terminal)
        output = terminal.output
        self.assertEqual(output.count(b"\x1b[?25l"), output.count(b"\x1b[?25h"))

    def test_never_taller_or_wider_than_the_terminal(self):
        tasks = "\n".join(f"  task-with-a-rather-long-name-{i}: {{run: 'true', needs: gate}}"
                          for i in range(40))
        self.write("flow.yaml", "tasks:\n  gate: {run: 'touch begun; while [ ! -e open ]; "
                   "do sleep 0.02; done'}\n" + tasks + "\n")
        terminal = self.on_terminal("run", "flow.yaml", columns=40, rows=10)
        self.wait_for_text(terminal, r"… \d+ more: .*waiting")
        self.write("open", "")
        self.assertEqual(self.wait_for_end(terminal, 60), 0)
        for up, drawn in cursor_rows(terminal.output):
            self.assertLess(up, 10)
            self.assertLess(drawn, 10 + 1)
        frames = terminal.output.split(b"\x1b[?25l")[1:]
        for frame in frames[:-1]:
            for line in CONTROL.sub("", frame.decode()).replace("\r", "").split("\n"):
                if "reeve:" not in line:
                    self.assertLessEqual(len(line), 40, line)

    def test_follows_a_new_size(self):
        terminal = self.begin(columns=100, rows=30)
        terminal.resize(30, 8)
        start = len(terminal.output)
        self.wait_for(lambda: terminal.read() and b"\x1b[?25l" in terminal.output[start:],
                      "a frame of the new size")
        frame = terminal.output[start:].split(b"\x1b[?25l")[-1]
        for line in CONTROL.sub("", frame.decode()).replace("\r", "").split("\n"):
            self.assertLessEqual(len(line), 30, line)
        self.write("open", "")
        self.assertEqual(self.wait_for_end(terminal), 0)

    def test_no_view_where_none_is_wanted(self):
        self.write("flow.yaml", "tasks: {a: {run: 'true'}}\n")
        for change in ({"TERM": "dumb"}, {"CI": "true"}):
            with self.subTest(change):
                terminal = self.on_terminal("run", "flow.yaml", env=self.environment | change)
                self.assertEqual(self.wait_for_end(terminal), 0)
                self.assertNotIn(b"\x1b[?25l", terminal.output)
                self.assertIn("a started", terminal.text())
        terminal = self.on_terminal("run", "--plain", "flow.yaml")
        self.assertEqual(self.wait_for_end(terminal), 0)
        self.assertNotIn(b"\x1b[?25l", terminal.output)

    def test_no_colour_where_none_is_wanted(self):
        self.write("flow.yaml", "tasks: {a: {run: 'true'}}\n")
        coloured = self.on_terminal("run", "flow.yaml")
        self.wait_for_end(coloured)
        self.assertIn(b"\x1b[32m", coloured.output)
        for words, change in ((["--no-color"], {}), ([], {"NO_COLOR": "1"})):
            terminal = self.on_terminal("run", *words, "flow.yaml", env=self.environment | change)
            self.assertEqual(self.wait_for_end(terminal), 0)
            self.assertNotIn(b"\x1b[32m", terminal.output)

    def test_hostile_output_does_not_drive_the_terminal(self):
        self.write("flow.yaml", "tasks: {a: {run: \"printf '\\\\033]0;owned\\\\007\\\\033[2J"
                   "evil\\\\n'; printf '::progress 5 \\\\033[31mred\\\\n'; exit 1\"}}\n")
        terminal = self.on_terminal("run", "flow.yaml")
        self.assertEqual(self.wait_for_end(terminal), 1)
        self.assertIn("evil", terminal.text())
        self.assertNotIn(b"\x1b]0;", terminal.output)
        self.assertNotIn(b"\x1b[2J", terminal.output)
        logs = self.on_terminal("logs", "last")
        self.assertEqual(self.wait_for_end(logs), 0)
        self.assertIn("evil", logs.text())
        self.assertNotIn(b"\x1b[2J", logs.output)
        raw = self.on_terminal("logs", "last", "--raw")
        self.assertEqual(self.wait_for_end(raw), 0)
        self.assertIn(b"\x1b[2J", raw.output)


class HangUp(TerminalCase):
    def test_the_run_goes_on_without_its_terminal(self):
        self.write("flow.yaml", GATED)
        terminal = self.on_terminal("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        self.wait_for_text(terminal, r"gate\s+running")
        terminal.hang_up()
        self.write("open", "")
        self.wait_for(lambda: self.query("SELECT state FROM runs") == [(RUN_SUCCEEDED,)],
                      "the run to end well")
        self.assertEqual(terminal.process.wait(30), 0)

    def test_hang_up_as_a_signal(self):
        self.write("flow.yaml", GATED)
        terminal = self.on_terminal("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the gate")
        terminal.process.send_signal(signal.SIGHUP)
        self.write("open", "")
        self.assertEqual(self.wait_for_end(terminal), 0)


if __name__ == "__main__":
    unittest.main()
