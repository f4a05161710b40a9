"""Programs that are started ahead of their attempts: that an attempt is what it would be without,
that nothing of one is left for the next, and what becomes of programs that do not come up."""

import json
import os
import pathlib
import shutil
import signal
import unittest

from reeve_case import BINARY, ROOT, ReeveCase, is_running, processes_of

# What the sandbox sees of it.
NODE = shutil.which("node", path="/usr/local/bin:/usr/bin:/bin")


def documented(language):
    """The example of a program of one's own, as docs/workflow-format.md has it."""
    text = (ROOT / "docs" / "workflow-format.md").read_text(encoding="utf-8")
    return text.split(f"```{language}\n", 1)[1].split("```", 1)[0]


TEMPLATE_PYTHON = documented("python")
TEMPLATE_SHELL = documented("sh")
TEMPLATE_NODE = """#!/usr/bin/env node
const fs = require('fs');
const table = [...Array(100).keys()].map((number) => number * number);
fs.writeSync(4, 'ready\\n');
const records = fs.readFileSync(3, 'utf8').split('\\0').map((record) => {
  const equals = record.indexOf('=');
  return [record.slice(0, equals), record.slice(equals + 1)];
});
const script = records.find(([key]) => key === 'script')[1];
console.log(records.filter(([key]) => key === 'argument').map(([, value]) => value).join(' '));
new Function('table', fs.readFileSync(script, 'utf8'))(table);
"""

# What a program can tell of itself; the same text goes to a warm and to a cold one.
TELL_PYTHON = """\
import os, sys, stat
print(sys.argv, __name__, __file__, sys.path[0], sys.flags, sys.orig_argv)
print(sorted(set(globals()) - {"stat"}), sys.modules["__main__"].__dict__ is globals())
print(sorted(name for name in os.environ if name != "REEVE_TOKEN"), os.environ["TEXT"])
print(os.getcwd(), sys.stdin.read(), sorted(os.listdir("/run/reeve")), os.getppid())
print(sorted(os.listdir("/proc/self/fd")), os.getsid(0) == os.getpid(), os.getuid())
print([oct(stat.S_IFMT(os.fstat(n).st_mode)) for n in range(3)], sys.stdout.encoding)
print([line for line in open("/proc/self/status") if line[:3] in ("Cap", "Sig", "Sec", "NoN")])
print(open("/proc/self/limits").read(), sys.excepthook is sys.__excepthook__)
print(sys.path, "sitecustomize" in sys.modules, open("/proc/self/cmdline").read())
print(os.environ.get("PYTHONPATH"), os.environ.get("PYTHONWARNINGS"), sys.warnoptions)
frame = sys._getframe()
print(frame.f_back)
def fail():
    raise ValueError(os.environ["TEXT"])
fail()
"""
TELL_SHELL = """\
echo "$0 $# $-"
echo "$TEXT"
env | grep -v REEVE_TOKEN | grep -v ^_= | sort
pwd; ls -l /proc/self/fd | awk '{print $9}' | tr '\\n' ' '; cat; ls /run/reeve | grep -v script
trap 'echo trapped' EXIT
f() { return 3; }
f || echo "gave $?"
grep -E '^(Cap|Sig|Sec|NoN)' /proc/self/status
false
echo never
"""
TELL_NODE = """\
const fs = require('fs');
const env = Object.keys(process.env).filter((name) => name !== 'REEVE_TOKEN').sort();
console.log(process.argv, process.execArgv, env, process.env.TEXT, process.cwd());
console.log(require.main === module, __filename, module.paths, Object.keys(require.cache));
console.log(fs.readFileSync(0, 'utf8'), process.stdin.isTTY, process.env.NODE_OPTIONS);
console.error('to stderr');
process.on('exit', (code) => console.log('exits', code));
process.exitCode = 5;
"""
LEAVE_BEHIND = """\
import builtins, json, os, socket, subprocess, sys, threading
mark = "of-" + os.environ["REEVE_TASK_INDEX"]
found = [name for name in (
    getattr(builtins, "left", None), getattr(json, "left", None), os.environ.get("LEFT"),
    *(path for path in ("/tmp/left", "/dev/shm/left", "/run/reeve/left")
      if os.path.exists(path)),
    json.dumps(1) if json.dumps(1) != "1" else None) if name]
found += [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid())]
found += [line for line in open("/proc/net/unix") if "@left" in line]
found += [line for line in open("/proc/net/tcp").readlines()[1:] if line.split()[3] == "0A"]
found += open("/proc/sysvipc/shm").readlines()[1:]
found += [n for n in range(3, 64) if os.path.exists(f"/proc/self/fd/{n}")]
print("found", found, "hash", hash("salt"), "at", id(builtins), flush=True)
builtins.left = json.left = os.environ["LEFT"] = mark
json.dumps = lambda *_: mark
for path in ("/tmp/left", "/dev/shm/left", "/run/reeve/left"):
    open(path, "w").write(mark)
subprocess.Popen(["setsid", "sleep", "1000"])
subprocess.run(["ipcmk", "-M", "4096"], stdout=subprocess.DEVNULL)
listener = socket.create_server(("127.0.0.1", 4711))
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\\0left")
abstract.listen()
threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


def indented(text, by=6):
    return "".join(" " * by + line + "\n" for line in text.splitlines())


class WarmCase(ReeveCase):
    def run_text(self, text, fields="", expect=0, more="", **options):
        self.write("flow.yaml", f"tasks:\n  t:\n{indented(fields, 4)}    run: |\n{indented(text)}"
                                f"{more}")
        return self.reeve("run", "flow.yaml", expect=expect, **options)

    def log(self, task="t"):
        return self.reeve("logs", f"last/{task}").stdout

    def task(self, name="t"):
        return json.loads(self.reeve("show", f"last/{name}", "-o", "json").stdout)["task"]["task"]

    def same(self, text, warm, cold, expect):
        """What both print, which is one and the same."""
        said = []
        for fields in (warm, cold):
            self.run_text(text, fields + '\nenv: {TEXT: "it\'s a \\"text\\"\\nof two $lines",'
                                         ' PYTHONWARNINGS: error, LANG: C.UTF-8}', expect=expect)
            said.append(self.log().replace(self.last_id(), "ID"))
        # The two streams meet in any order.
        self.assertEqual(*(sorted(text.splitlines()) for text in said))
        return said[0]

    def same_failure(self, warm, cold, program):
        for fields in (warm, cold):
            done = self.run_text("x", fields, expect=1)
            self.assertIn("127", done.stdout + done.stderr)
            self.assertIn(program, done.stdout + done.stderr)

    def last_id(self):
        return json.loads(self.reeve("show", "last", "-o", "json").stdout)["run"]["id"]


class Likeness(WarmCase):
    def test_python_is_as_it_is_cold(self):
        said = self.same(TELL_PYTHON, "warm: {python: [json, re, argparse, sqlite3]}",
                         "shell: python3", 1)
        self.assertIn('File "/run/reeve/script", line 15, in fail', said)
        self.assertIn("'/run/reeve/script'] __main__ /run/reeve/script", said)

    def test_a_shell_is_as_it_is_cold(self):
        said = self.same(TELL_SHELL, "warm: sh", "shell: sh", 1)
        self.assertIn("sh 0 e\n", said)
        self.assertNotIn("never", said)
        said = self.same("set -u; echo ${#BASH_VERSION}; a=(1 2); echo ${a[1]} $0; exit 7",
                         "warm: sh\nshell: bash", "shell: bash", 1)
        self.assertEqual(self.task()["code"] if "code" in self.task() else 7, 7)

    def test_node_is_as_it_is_cold(self):
        if NODE is None:  # then it fails as it would cold
            return self.same_failure("warm: node", "shell: node", "node")
        said = self.same(TELL_NODE, "warm: node", "shell: node", 1)
        self.assertIn("exits 5", said)

    def test_modules_are_there(self):
        self.run_text("import sys\nprint('sqlite3' in sys.modules, 'csv' in sys.modules)",
                      "warm: {python: sqlite3}")
        self.assertIn("True False", self.log())

    def test_what_is_printed_while_importing_is_the_attempts(self):
        self.write("loud/loud.py", "import sys\nprint('on import')\n"
                                   "print('aside', file=sys.stderr)\n")
        self.run_text("print('later')", "warm: {python: loud}\nenv: {PYTHONPATH: loud}")
        self.assertRegex(self.log(), r"(?s)on import.*later")
        self.assertIn("aside", self.log())

    def test_a_module_that_changed_meanwhile_is_imported_anew(self):
        self.write("mine/mine.py", "VALUE = 1\n")
        self.run_text("import mine, pathlib\nprint('value', mine.VALUE, flush=True)\n"
                      "pathlib.Path('mine/mine.py').write_text('VALUE = 12345\\n')",
                      "warm: {python: mine}\nenv: {PYTHONPATH: mine}\narray: 3\nmax-parallel: 1")
        said = "".join(self.log(f"t[{i}]") for i in range(3))
        self.assertEqual(said.count("value 1\n"), 1)
        self.assertEqual(said.count("value 12345\n"), 2)

    def test_it_ends_as_it_would(self):
        for text, state in (("import os\nos.kill(os.getpid(), 9)", "signal"),
                            ("raise SystemExit(3)", "3"),
                            ("import os\nos.kill(os.getpid(), 2)", "signal")):
            with self.subTest(text):
                done = self.run_text(text, "warm: python", expect=1)
                self.assertIn(state, done.stdout + done.stderr)

    def test_timeouts_and_signals_reach_it(self):
        self.run_text("import signal, time\n"
                      "def on_term(*_):\n    print('told', flush=True)\n    raise SystemExit(0)\n"
                      "signal.signal(signal.SIGTERM, on_term)\ntime.sleep(1000)",
                      "warm: python\ntimeout: {run: 300ms, grace: 5s}", expect=124)
        self.assertIn("told", self.log())
        self.assertEqual(self.task()["state"], "timed_out")
        self.run_text("trap '' TERM; while :; do :; done",
                      "warm: sh\ntimeout: {run: 300ms, grace: 100ms}", expect=124)
        self.assertEqual(self.task()["state"], "timed_out")

    def test_more_memory_than_it_may_have(self):
        for limit in ("64Mi", "1Mi"):
            with self.subTest(limit):
                self.run_text("x = bytearray(1 << 30)\nprint(len(x))",
                              f"warm: python\nresources: {{memory: {limit}}}", expect=1)
                self.assertIn("out_of_memory", json.dumps(self.task()))

    def test_a_large_environment(self):
        text = "x" * 120_000
        for fields, script in (("warm: python", "import os\nprint(len(os.environ['BIG'] * 2))"),
                               ("warm: sh", "echo $((${#BIG} * 2))")):
            self.run_text(script, f"{fields}\nenv: {{BIG: {text}, MORE: {text}}}")
            self.assertIn("240000", self.log())

    def test_outputs_secrets_and_progress(self):
        self.environment["KEY"] = "very-secret"
        self.write("flow.yaml", """\
tasks:
  t:
    warm: python
    secrets: [KEY]
    run: |
      import os
      key = open(os.environ["REEVE_SECRET_KEY"]).read()
      print("it is", key, flush=True)
      open(os.environ["REEVE_OUTPUT"], "w").write("size=%d\\n" % len(key))
outputs:
  size: ${{ needs.t.outputs.size }}
""")
        self.reeve("run", "flow.yaml")
        self.assertIn("it is ***", self.log())
        self.assertEqual(self.outputs(), {"size": "11"})
        self.assertNotIn(b"very-secret", b"".join(
            path.read_bytes() for path in self.state.rglob("*") if path.is_file()))

    def test_without_the_native_sandbox_it_starts_cold(self):
        self.run_text("import sys\nprint('cold', 'sqlite3' not in sys.modules)",
                      "warm: {python: sqlite3}")
        self.assertIn("cold False", self.log())
        self.reeve("run", "--sandbox", "none", "flow.yaml")
        self.assertIn("cold True", self.log())


class Isolation(WarmCase):
    def test_nothing_of_one_attempt_is_there_for_the_next(self):
        self.run_text(LEAVE_BEHIND, "warm: {python: [json, subprocess, socket, threading]}\n"
                                    "array: 4\nmax-parallel: 1")
        said = [self.log(f"t[{i}]") for i in range(4)]
        for text in said:
            self.assertIn("found [] ", text)
        # Not even the layout of memory or the seed of hashes is shared.
        self.assertEqual(len({text.split("hash ")[1].split()[0] for text in said}), 4)
        self.assertFalse(is_running("1000"))

    def test_it_knows_nothing_before_it_is_told(self):
        self.write("spy.py", """\
import os
seen = [sorted(os.environ), os.listdir("/run/reeve"), os.listdir("/tmp"),
        open("/proc/self/environ").read(), open("/proc/self/cmdline").read()]
seen = repr(seen)
""")
        self.environment["KEY"] = "very-secret"
        self.run_text("import spy\nprint(spy.seen)",
                      "warm: {python: spy}\nenv: {PYTHONPATH: ., HIDDEN: unseen}\nsecrets: [KEY]")
        for word in ("HIDDEN", "unseen", "REEVE_", "secrets", "TASK"):
            self.assertNotIn(word, self.log())

    def test_exec_enters_it(self):
        self.write("flow.yaml", "tasks:\n  t:\n    warm: python\n    env: {COLOUR: blue}\n"
                                "    run: |\n      import os, time, pathlib\n"
                                "      pathlib.Path('/tmp/mine').write_text('mine')\n"
                                "      pathlib.Path('begun').touch()\n"
                                "      while not os.path.exists('open'): time.sleep(0.01)\n")
        run = self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the task")
        done = self.reeve("exec", "last", "--", "sh", "-c",
                          "cat /tmp/mine; echo $COLOUR; ls /proc | grep -c '^[0-9]'")
        self.assertEqual(done.stdout, "mineblue\n5\n")
        self.write("open", "")
        self.assertEqual(run.wait(30), 0)

    def test_nothing_is_left_when_the_supervisor_is_killed(self):
        name = f"warm-{os.getpid()}.py"
        self.write(name, TEMPLATE_PYTHON).chmod(0o755)
        program = str(self.directory / name)
        self.write("flow.yaml", f"tasks:\n  t:\n    warm: {{command: [{program}]}}\n"
                                "    shell: python3\n    run: |\n      import time\n"
                                "      open('begun', 'w')\n      time.sleep(1000)\n")
        self.start("run", "flow.yaml")
        self.wait_for((self.directory / "begun").exists, "the task")
        for pid in processes_of(self.state):
            os.kill(pid, signal.SIGKILL)
        self.wait_for(lambda: not is_running(program), "the end of all warm programs")


class OwnPrograms(WarmCase):
    def run_template(self, text, script, expect=0, shell="python3", **options):
        self.write("template", text).chmod(0o755)
        return self.run_text(script, f"warm: {{command: [{self.directory}/template]}}\n"
                                     f"shell: {shell}\nretry: {{limits: {{start: 0}}}}",
                             expect=expect, **options)

    def test_in_python(self):
        self.run_template(TEMPLATE_PYTHON,
                          "import os\nprint(TABLE[12], os.environ['REEVE_ATTEMPT'])")
        self.assertIn("144 1", self.log())

    def test_in_node(self):
        if NODE is None:
            return self.refused(TEMPLATE_NODE, "exited with status 127 before it was used")
        self.run_template(TEMPLATE_NODE, "console.log(table[12]); process.exitCode = 3", 1, "node")
        self.assertIn("node /run/reeve/script\n", self.log())
        self.assertIn("144", self.log())

    def test_in_a_shell(self):
        self.run_template(TEMPLATE_SHELL, 'echo "$table at $REEVE_ATTEMPT"; exit 4', 1, "sh")
        self.assertIn("1 4 9 16 at 1", self.log())

    def refused(self, text, words, **options):
        done = self.run_template(f"#!/bin/sh\n{text}\n", "print(1)", 1, **options)
        self.assertIn(words, done.stdout + done.stderr)
        self.wait_for(lambda: not is_running(str(self.directory / "template")), "its end")

    def test_that_ends(self):
        self.refused("echo why >&2; exit 3", "exited with status 3 before it was used")
        self.assertIn("why", json.dumps(self.task()))
        self.refused("exit 0", "exited with status 0 before it was used")
        self.refused("kill -9 $$", "killed by signal 9 before it was used")
        self.refused("echo ready >&4; exit 0", "exited with status 0 before it was used")

    def test_that_is_not_there(self):
        done = self.run_text("print(1)", "warm: {command: [/nowhere/template]}\nshell: python3",
                             expect=1)
        self.assertIn("/nowhere/template: the warm program: cannot execute the program: No such "
                      "file or directory", done.stdout + done.stderr)
        self.same_failure("warm: python\nshell: /nowhere/python3", "shell: /nowhere/python3",
                          "/nowhere/python3")

    def test_modules_that_are_not_there(self):
        done = self.run_text("print(1)", "warm: {python: [json, no_such_module]}", expect=1)
        self.assertIn("python3: the warm program exited with status 1", done.stdout + done.stderr)
        self.assertIn("No module named 'no_such_module'", json.dumps(self.task()))

    def test_that_says_something_else(self):
        self.refused("echo hello >&4; exec sleep 1000", "something other than `ready`")
        self.refused("head -c 1000000 /dev/zero >&4; exec sleep 1000",
                     "something other than `ready`")

    def test_that_leaves_processes(self):
        self.refused("(setsid sleep 1000 &); echo ready >&4; read line <&3",
                     "left processes behind")

    def test_that_is_never_ready(self):
        for text in ("exec sleep 1000", "exec 3<&- 4>&-; exec sleep 1000", "yes"):
            self.write("template", f"#!/bin/sh\necho starting; {text}\n").chmod(0o755)
            done = self.run_text("print(1)", f"warm: {{command: [{self.directory}/template]}}\n"
                                             "shell: python3\ntimeout: {start: 300ms}\n"
                                             "retry: {limits: {start: 0}}", expect=1)
            self.assertIn("the warm program was not ready in time", done.stdout + done.stderr)
            self.wait_for(lambda: not is_running(str(self.directory / "template")), "its end")

    def test_that_does_not_listen(self):
        text = "x" * 100_000
        self.write("template", "#!/bin/sh\necho ready >&4; exec sleep 1000\n").chmod(0o755)
        self.run_text("print(1)", f"warm: {{command: [{self.directory}/template]}}\n"
                                  "shell: python3\ntimeout: {run: 300ms, grace: 100ms}\n"
                                  f"env: {{BIG: {text}}}", expect=124)
        self.assertEqual(self.task()["state"], "timed_out")


class Words(WarmCase):
    def lint(self, task, expect=2, top=""):
        self.write("bad.yaml", f"{top}tasks:\n  t: {task}\n")
        done = self.reeve("lint", "bad.yaml", expect=None)
        return done.stdout + done.stderr

    def test_what_does_not_go_together_is_told(self):
        self.assertIn("'bash' cannot be warm as python: leave shell out, or name a python3",
                      self.lint("{warm: python, shell: bash, run: x}"))
        self.assertIn("warm has a meaning only beside run",
                      self.lint("{warm: python, command: [x]}"))
        self.assertIn("shell is missing", self.lint("{warm: {command: [x]}, run: x}"))
        self.assertIn("expected the name of a module", self.lint("{warm: {python: a-b}, run: x}"))
        self.assertIn("did you mean 'python'", self.lint("{warm: pyhton, run: x}"))
        self.assertIn("only one of", self.lint("{warm: {python: a, node: b}, run: x}"))
        self.assertIn("cannot be warm as python",
                      self.lint("{run: x}", top="defaults: {warm: python, shell: bash}\n"))

    def test_defaults(self):
        self.write("flow.yaml", """\
defaults: {warm: {python: sqlite3}}
tasks:
  warm: {run: "import sys; print('sqlite3' in sys.modules)"}
  cold: {warm: none, run: "import sys; print('sqlite3' in sys.modules)"}
  other: {shell: sh, run: "echo other"}
  bare: {command: [echo, bare]}
""")
        self.reeve("run", "flow.yaml")
        for task, said in (("warm", "True"), ("cold", "False"), ("other", "other"),
                           ("bare", "bare")):
            self.assertIn(said, self.log(task))


if __name__ == "__main__":
    pathlib.Path(BINARY).stat()
    unittest.main()
