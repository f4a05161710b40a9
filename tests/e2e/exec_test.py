"""`reeve exec`: who enters the sandbox of a task, through pipes and on a terminal, and how it ends.
`reeve retry --debug`: the sandbox of a task that failed, kept open."""

import json
import os
import pathlib
import signal
import subprocess
import termios
import unittest

from reeve_case import BINARY, FAILED, RUN_FAILED, ReeveCase, processes_of
from terminal_case import TerminalCase

CTRL_C = "\x03"
GATED = """
name: gated
tasks:
  gate:
    env: {COLOUR: blue}
    run: |
      echo $$ > /tmp/mine
      touch begun
      while [ ! -e open ]; do sleep 0.02; done
"""
ARRAY = """
name: many
tasks:
  many:
    array: 0-2
    run: |
      touch begun$REEVE_TASK_INDEX
      while [ ! -e open ]; do sleep 0.02; done
"""
FAILING = """
name: failing
tasks:
  broken:
    retry: {max: 3, backoff: {initial: 1ms}}
    run: |
      echo evidence > /tmp/left
      [ -e slow ] && exec sleep 1000
      exit 3
"""
# Tells what it is and may; the words of /proc are the kernel's.
LOOK = r"""
grep -E '^(CapEff|CapPrm|CapBnd|CapAmb|Seccomp|NoNewPrivs):' /proc/self/status
echo "root: $(ls / | tr '\n' ' ')"
echo "init: $(cat /proc/1/comm)"
echo "user: $(id -u)"
echo "here: $(pwd)"
echo "colour: $COLOUR"
echo "mine: $(cat /tmp/mine)"
echo "processes: $(ls /proc | grep -c '^[0-9]')"
echo "routes: $(grep -c . /proc/net/route)"
"""


class ExecCase(ReeveCase):

    def begin(self, text=GATED, begun=("begun",)):
        self.write("flow.yaml", text)
        run = self.start("run", "-j", "4", "flow.yaml")
        for name in begun:
            self.wait_for((self.directory / name).exists, "the task")
        return run

    def enter(self, *words, expect=0, data=None, target="last", options=()):
        done = subprocess.run([BINARY, "exec", *options, target, "--", *words],
                              cwd=self.directory, env=self.environment, input=data or "",
                              text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def end(self, run, status=0):
        self.write("open", "")
        self.assertEqual(run.wait(30), status)

    def task(self, name):
        return json.loads(self.reeve("show", f"last/{name}", "-o", "json").stdout)["task"]["task"]


class Inside(ExecCase):
    """What those who entered can do."""

    def test_pipes_carry_input_output_and_errors(self):
        run = self.begin()
        self.assertEqual(self.enter("cat", data="x\n").stdout, "x\n")
        large = "".join(f"line {i}\n" for i in range(200_000))
        self.assertEqual(self.enter("cat", data=large).stdout, large)
        done = self.enter("sh", "-c", "echo out; echo err >&2; echo more > /dev/stderr")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\nmore\n"))
        # Whoever reads nothing of what comes does not hold anybody up.
        self.enter("true", data=large)
        self.end(run)

    def test_the_exit_status_is_that_of_the_command(self):
        run = self.begin()
        self.enter("sh", "-c", "exit 7", expect=7)
        self.enter("sh", "-c", "kill -9 $$", expect=137)
        done = self.enter("no-such-program", expect=127)
        self.assertIn("no-such-program", done.stderr)
        self.enter("/etc/passwd", expect=126)
        self.end(run)

    def test_it_is_enclosed_as_the_task_is(self):
        run = self.begin()
        said = self.enter("sh", "-c", LOOK).stdout
        for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
            self.assertRegex(said, rf"{name}:\s+0000000000000000\n")
        self.assertRegex(said, r"Seccomp:\s+2\n")
        self.assertRegex(said, r"NoNewPrivs:\s+1\n")
        self.assertIn("init: memfd:reeve-zyg\n", said)
        self.assertIn("user: 1000\n", said)
        self.assertIn(f"here: {self.directory}\n", said)
        self.assertIn("colour: blue\n", said)
        self.assertIn("mine: 2\n", said)  # /tmp and the pid namespace are those of the task
        self.assertRegex(said, r"processes: [3-9]\n")
        self.assertNotRegex(said, r"root: .*(root|home|boot|mnt)")
        for kind in ("pid", "mnt", "net", "ipc", "uts", "user", "cgroup"):
            done = self.enter("sh", "-c", f"readlink /proc/self/ns/{kind} /proc/2/ns/{kind}")
            names = done.stdout.split()
            self.assertEqual(names[0], names[1], kind)
        self.end(run)

    def test_it_has_no_descriptor_but_its_own_three(self):
        run = self.begin()
        listing = self.enter("python3", "-c", "import os; print(sorted(map(int, "
                             "os.listdir('/proc/self/fd'))))").stdout
        self.assertEqual(json.loads(listing)[:3], [0, 1, 2])
        self.assertEqual(len(json.loads(listing)), 4)  # the fourth is the listing's
        self.enter("sh", "-c", "ls /proc/1/fd", expect=2)
        self.enter("sh", "-c", f"cat {self.state}/reeve.db", expect=1)
        self.enter("sh", "-c", f"cat {__file__}", expect=1)
        self.end(run)

    def test_it_is_in_the_control_group_of_the_task(self):
        run = self.begin()
        done = self.enter("sh", "-c", "cmp /proc/self/cgroup /proc/2/cgroup && echo same")
        self.assertEqual(done.stdout, "same\n")
        self.end(run)

    def test_one_task_of_many_has_to_be_named(self):
        run = self.begin(ARRAY, ("begun0", "begun1", "begun2"))
        done = self.enter("true", expect=6)
        for name in ("1/many[0]", "1/many[1]", "1/many[2]"):
            self.assertIn(name, done.stderr)
        self.assertIn("many[2]", self.enter("true", target="1/many", expect=6).stderr)
        done = self.enter("sh", "-c", "echo $REEVE_TASK_INDEX", target="1/many[1]")
        self.assertEqual(done.stdout, "1\n")
        self.enter("true", target="1/many[9]", expect=3)
        self.end(run)

    def test_the_help_says_how(self):
        said = self.reeve("exec", "--help").stdout
        self.assertIn("Usage: reeve exec [OPTIONS] ID[/TASK] [-- COMMAND [ARGUMENT...]]\n", said)

    def test_what_does_not_run_cannot_be_entered(self):
        run = self.begin()
        self.assertIn("attempt 2 does not run",
                      self.enter("true", options=("--attempt", "2"), expect=6).stderr)
        self.enter("true", options=("--attempt", "1"))
        self.enter("true", target="7", expect=3)
        self.enter("true", target="1/other", expect=3)
        self.end(run)
        self.assertIn("retry 1 --debug", self.enter("true", expect=6).stderr)

    def test_without_a_sandbox_there_is_none_to_enter(self):
        self.write("flow.yaml", GATED)
        run = self.start("run", "--sandbox", "none", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the task")
        self.assertIn("without a sandbox", self.enter("true", expect=6).stderr)
        self.end(run)

    def test_there_is_room_for_eight_at_a_time(self):
        run = self.begin()
        inside = [self.start("exec", "last", "--", "sh", "-c",
                             f"touch in{i}; while [ ! -e leave ]; do sleep 0.02; done; exit {i}")
                  for i in range(8)]
        for i in range(8):
            self.wait_for((self.directory / f"in{i}").exists, f"session {i}")
        self.assertIn("8 sessions", self.enter("true", expect=6).stderr)
        self.write("leave", "")
        self.assertEqual([process.wait(30) for process in inside], list(range(8)))
        self.enter("true")
        self.end(run)

    def test_it_is_recorded_before_it_starts_and_replayed(self):
        run = self.begin()
        # The program sees that it was recorded already.
        self.enter("sh", "-c", "exit 0")
        entries = self.task("gate")["entries"]
        self.assertEqual([entry["command"] for entry in entries], ["sh -c exit 0"])
        self.assertEqual(entries[0]["user_id"], os.geteuid())
        self.assertEqual(entries[0]["attempt"], 1)
        for command in ("show", "explain"):
            self.assertRegex(self.reeve(command, "last/gate").stdout, r"entered attempt 1 with: sh")
        for _ in range(25):
            self.enter("true")
        self.end(run)
        self.assertEqual(len(self.task("gate")["entries"]), 20)
        self.assertIn("all as recorded", self.reeve("replay").stdout)
        journal = self.reeve("replay", "-o", "json").stdout
        self.assertTrue(journal)


class Ends(ExecCase):
    """What ends, and what goes on."""

    def hold_inside(self, name="inside", command="exec sleep 1000"):
        process = self.start("exec", "last", "--", "sh", "-c", f"touch {name}; {command}")
        self.wait_for((self.directory / name).exists, "the session")
        return process

    def processes(self):
        return self.enter("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout

    def test_the_task_ends_and_its_visitors_with_it(self):
        run = self.begin()
        session = self.hold_inside()
        self.end(run)
        self.assertEqual(session.wait(30), 137)
        self.assertIn("the attempt has ended", session.stdout.read())

    def test_a_visitor_who_is_killed_takes_its_program_along(self):
        run = self.begin()
        session = self.hold_inside()
        self.assertIn("sleep 1000", self.processes())
        session.kill()
        session.wait()
        self.wait_for(lambda: "sleep 1000" not in self.processes(), "the program to end")
        self.end(run)

    def test_one_that_does_not_mind_is_killed_later(self):
        run = self.begin()
        session = self.start("exec", "last", "--", "sh", "-c", "trap '' HUP; touch stubborn; "
                             "while :; do sleep 0.05; done")
        self.wait_for((self.directory / "stubborn").exists, "the session")
        session.terminate()
        self.assertEqual(session.wait(30), 143)
        self.assertIn("stubborn", self.processes())
        self.wait_for(lambda: self.processes().count("stubborn") == 0, "the program to end")
        self.end(run)

    def test_a_killed_engine_does_not_disturb_who_is_inside(self):
        run = self.begin()
        session = self.hold_inside(command="while [ ! -e leave ]; do sleep 0.02; done; exit 5")
        run.kill()
        run.wait()
        self.assertIn("no engine", self.enter("true", expect=7).stderr)
        self.write("leave", "")
        self.assertEqual(session.wait(30), 5)
        self.write("open", "")
        self.reeve("resume")
        self.assertIn("all as recorded", self.reeve("replay").stdout)

    def test_a_killed_supervisor_is_told(self):
        run = self.begin()
        session = self.hold_inside()
        for pid in processes_of(self.state):
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(session.wait(30), 125)
        self.write("open", "")
        run.wait(30)

    def test_the_entrance_takes_no_strangers(self):
        run = self.begin()
        entrance = self.state / "enter.sock"
        self.assertEqual(entrance.stat().st_mode & 0o777, 0o600)
        program = (
            "import socket, sys\n"
            "for junk in (b'', b'x', bytes(4096), b'\\xff' * 60000):\n"
            "    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
            "    s.connect(sys.argv[1])\n"
            "    s.send(junk)\n"
            "    assert s.recv(10) == b'' or True\n"
        )
        here = os.getcwd()
        os.chdir(self.state)
        try:
            subprocess.run(["python3", "-c", program, "enter.sock"], check=False, timeout=60)
        finally:
            os.chdir(here)
        self.enter("true")
        self.end(run)


class Terminals(TerminalCase):
    def begin(self):
        self.write("flow.yaml", GATED)
        run = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the task")
        return run

    def end(self, run):
        self.write("open", "")
        self.assertEqual(run.wait(30), 0)

    def shell(self, columns=80, rows=24):
        terminal = self.on_terminal("exec", "last", columns=columns, rows=rows)
        self.wait_for_text(terminal, r"\$ $")
        return terminal

    def say(self, terminal, text, pattern):
        terminal.output = b""
        terminal.type(text + "\r")
        self.wait_for_text(terminal, pattern)

    def test_a_shell_has_a_prompt_a_size_and_a_type(self):
        run = self.begin()
        terminal = self.shell(columns=101, rows=33)
        self.say(terminal, "stty size", r"33 101")
        self.say(terminal, "echo type=$TERM", r"type=xterm-256color")
        self.say(terminal, "test -t 0 && test -t 1 && test -t 2 && echo all-three",
                 r"(?<!echo )all-three")
        terminal.resize(120, 40)
        self.say(terminal, "stty size", r"40 120")
        self.say(terminal, "echo so > /dev/tty; echo oh > /dev/stderr", r"so\noh")
        terminal.type("exit 4\r")
        self.assertEqual(self.wait_for_end(terminal), 4)
        self.end(run)

    def test_ctrl_c_interrupts_what_is_inside_and_nothing_else(self):
        run = self.begin()
        terminal = self.shell()
        self.say(terminal, "sleep 1000; echo status=$?", r"1000")
        self.wait_for(lambda: "sleep1000" in self.inside(), "sleep")
        terminal.type(CTRL_C)
        self.wait_for_text(terminal, r"\$ $")
        self.say(terminal, "echo still $((40 + 2))", r"still 42")
        terminal.type("\x04")  # Ctrl-D ends the shell
        self.wait_for_end(terminal)
        self.assertIsNone(run.poll())
        self.end(run)

    def inside(self):
        return self.reeve("exec", "last", "--", "sh", "-c",
                          "cat /proc/[0-9]*/cmdline | tr -d '\\0'").stdout

    def test_the_terminal_is_as_it_was_afterwards(self):
        run = self.begin()
        for ending in ("exit", "kill", "hang up inside", "task"):
            terminal = self.on_terminal("exec", "last")
            before = terminal.modes_before
            self.wait_for_text(terminal, r"\$ $")
            self.assertNotEqual(termios.tcgetattr(terminal.master)[3], before[3])
            if ending == "exit":
                terminal.type("exit\r")
            elif ending == "kill":
                terminal.process.send_signal(signal.SIGTERM)
            elif ending == "hang up inside":
                terminal.type("kill -9 $$\r")
            else:
                self.end(run)
            status = self.wait_for_end(terminal)
            expected = {"exit": 0, "kill": 143, "hang up inside": 137, "task": 137}
            self.assertEqual(status, expected[ending], ending)
            self.assertEqual(termios.tcgetattr(terminal.master), before, ending)

    def test_the_users_own_terminal_stays_outside(self):
        run = self.begin()
        terminal = self.shell()
        name = os.readlink(f"/proc/{terminal.process.pid}/fd/0")
        self.say(terminal, "readlink /proc/$$/fd/0; echo done$((1 + 1))", r"done2")
        self.assertNotIn(name + "\n", terminal.text())
        terminal.type("exit\r")
        self.wait_for_end(terminal)
        self.end(run)

    def test_a_terminal_that_goes_away_ends_the_program(self):
        run = self.begin()
        terminal = self.shell()
        self.say(terminal, "sleep 1000", r"1000")
        self.wait_for(lambda: "sleep1000" in self.inside(), "sleep")
        terminal.hang_up()
        terminal.process.wait(30)
        self.wait_for(lambda: "sleep1000" not in self.inside(), "the program to end")
        self.end(run)


class Held(ExecCase):
    """`reeve retry --debug`."""

    def hold(self, *options):
        self.write("flow.yaml", FAILING)
        self.reeve("run", "flow.yaml", expect=1)
        run = self.start("retry", "last", "--plain", *(options or ("--debug",)))
        self.wait_for(lambda: self.reason() == "held_open", "the hold")
        return run

    def reason(self):
        return self.task("broken")["reason"]

    def check_failed(self):
        task = self.task("broken")
        self.assertEqual((task["state"], task["outcome"], task["code"]), ("failed", "exited", 3))
        self.assertEqual(dict(self.query("SELECT id, state FROM runs")), {1: RUN_FAILED})
        self.assertEqual(self.task_states(), {0: FAILED})
        self.assertIn("all as recorded", self.reeve("replay").stdout)

    def test_what_it_left_is_there_until_it_is_let_go(self):
        run = self.hold()
        for command in ("show", "explain"):
            said = self.reeve(command, "last/broken").stdout
            self.assertIn("reeve exec", said)
            self.assertIn("reeve resume", said)
        self.assertEqual(self.enter("cat", "/tmp/left").stdout, "evidence\n")
        attempt = self.task("broken")["attempt"]
        self.reeve("resume", "last/broken")
        self.assertEqual(run.wait(30), 1)
        said = run.stdout.read()
        self.assertIn("held until", said)
        self.assertIn("exit status 3", said)
        self.assertEqual(self.task("broken")["attempt"], attempt)  # not tried again by itself
        self.check_failed()

    def test_the_whole_run_is_let_go(self):
        run = self.hold("--debug=15m")
        self.reeve("resume", "last")
        self.assertEqual(run.wait(30), 1)
        self.check_failed()

    def test_cancel_lets_it_go(self):
        run = self.hold()
        self.reeve("cancel", "last")
        self.assertEqual(run.wait(30), 1)
        self.check_failed()

    def test_its_time_ends(self):
        run = self.hold("--debug=1s")
        self.assertIn("held until", run.stdout.read())
        run.wait(30)
        self.assertEqual(run.returncode, 1)
        self.check_failed()

    def test_who_is_inside_is_told_when_it_ends(self):
        run = self.hold()
        session = self.start("exec", "last", "--", "sh", "-c", "touch in; exec sleep 1000")
        self.wait_for((self.directory / "in").exists, "the session")
        self.reeve("resume", "last/broken")
        self.assertEqual(session.wait(30), 137)
        self.assertEqual(run.wait(30), 1)

    def test_it_keeps_its_resources(self):
        self.write("flow.yaml", FAILING.replace("retry:", "resources: {cpu: 2}\n    retry:"))
        self.reeve("run", "-j", "2", "flow.yaml", expect=1)
        run = self.start("retry", "last", "--plain", "--debug", "-j", "2")
        self.wait_for(lambda: self.reason() == "held_open", "the hold")
        self.assertEqual(self.task("broken")["state"], "running")
        self.reeve("resume", "last/broken")
        self.assertEqual(run.wait(30), 1)

    def test_a_killed_engine_finds_it_again(self):
        run = self.hold()
        run.kill()
        run.wait()
        again = self.start("resume", "last", "--plain")
        self.wait_for(lambda: self.reeve("exec", "last", "--", "true", expect=None).returncode == 0,
                      "the engine")
        self.assertEqual(self.enter("cat", "/tmp/left").stdout, "evidence\n")
        self.assertEqual(self.reason(), "held_open")
        self.reeve("resume", "last/broken")
        self.assertEqual(again.wait(30), 1)
        self.check_failed()

    def test_it_ends_while_no_engine_is_there(self):
        run = self.hold("--debug=1s")
        run.kill()
        run.wait()
        self.wait_for(lambda: not any("reeve-zygote" in line for line in self.inits()), "its end")
        self.reeve("resume", "last", "--plain", expect=1)
        self.check_failed()

    def inits(self):
        """Processes below the supervisor of this directory."""
        supervisors = {str(pid) for pid in processes_of(self.state)}
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)
            except OSError:
                continue
            if fields[1].split()[1] in supervisors:
                found.append(fields[0].split("(", 1)[1])
        return found

    def test_what_succeeds_or_is_stopped_is_not_held(self):
        self.write("flow.yaml", FAILING)
        self.reeve("run", "flow.yaml", expect=1)
        self.write("slow", "")
        run = self.start("retry", "last", "--plain", "--debug")
        self.wait_for(lambda: self.task("broken")["state"] == "running", "the task")
        self.reeve("cancel", "last")
        run.wait(30)
        self.assertEqual(self.task("broken")["state"], "cancelled")
        self.assertNotIn("held", run.stdout.read())

    def test_what_succeeds_ends_at_once(self):
        self.write("flow.yaml", "tasks: {broken: {run: '[ -e good ]'}}\n")
        self.reeve("run", "flow.yaml", expect=1)
        self.write("good", "")
        said = self.reeve("retry", "last", "--plain", "--debug=1h").stderr
        self.assertNotIn("held", said)
        self.assertEqual(self.task("broken")["state"], "succeeded")

    def test_it_is_refused_where_it_makes_no_sense(self):
        self.write("flow.yaml", FAILING)
        self.reeve("run", "flow.yaml", expect=1)
        self.assertIn("without a sandbox",
                      self.reeve("retry", "last", "--debug", "--sandbox", "none", expect=6).stderr)
        self.reeve("retry", "last", "--debug=soon", expect=2)
        self.reeve("retry", "last", "--debug=8d", expect=2)
        self.reeve("retry", "last", "--debug=0s", expect=2)


if __name__ == "__main__":
    unittest.main()
