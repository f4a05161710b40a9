"""Secrets: a task has them, and nothing that the engine keeps or shows does, in any form."""

import base64
import os
import pathlib
import re
import shutil
import signal
import unittest
import urllib.parse

from reeve_case import ReeveCase, SUCCEEDED, processes_of

SECRET = "s3cr&t/Va+lue with \"quotes\" üñ"
KEY = ("-----BEGIN TEST KEY-----\nAbCdEfGhIjKlMnOpQrSt\n0123456789abcdefXYZ\n"
       "-----END TEST KEY-----\n")

# Everything that a task can say about its secrets, in Python, because shells quote.
TELL = '''
import base64, json, os, pathlib, re, sys, time, urllib.parse
secret = pathlib.Path(os.environ["REEVE_SECRET_TOKEN"]).read_text(encoding="utf-8")
key = pathlib.Path(os.environ["REEVE_SECRET_KEY"]).read_text(encoding="utf-8")
raw = secret.encode()
def say(text, end="\\n"):
    print(text, end=end, flush=True)
say("begin raw " + secret + " end")
say("base64 " + base64.b64encode(raw).decode())
for before in (b"u:", b"user:", b"xuser:"):
    say("basic " + base64.b64encode(before + raw + b"@host").decode())
    say("basic " + base64.urlsafe_b64encode(before + raw).decode().rstrip("="))
say("url " + urllib.parse.quote(secret) + " " + urllib.parse.quote(secret, safe=""))
say("form " + re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote_plus(secret)))
say("json " + json.dumps({"a": secret}) + json.dumps(secret, ensure_ascii=False))
for character in secret:
    say(character, end="")
    time.sleep(0.005)
say("")
print(secret[:9], end="", flush=True, file=sys.stderr)
time.sleep(0.3)
print(secret[9:], flush=True, file=sys.stderr)
say(key)
say("a line: " + key.splitlines()[2])
say("::progress 40 now " + secret)
pathlib.Path(os.environ["REEVE_PROGRESS"]).write_text("50 then " + secret + "\\n", encoding="utf-8")
say("the end")
'''


def lower_digits(text):
    return re.sub("%..", lambda found: found[0].lower(), text)


class Secrets(ReeveCase):
    def setUp(self):
        super().setUp()
        self.environment.update(TOKEN=SECRET, KEY=KEY)
        self.write("tell.py", TELL)

    def tearDown(self):
        ours = [path for path in pathlib.Path("/dev/shm").glob("reeve-*") if self.is_ours(path)]
        super().tearDown()
        for path in ours:  # of supervisors that super() has killed
            shutil.rmtree(path, ignore_errors=True)

    def forms(self):
        """Byte strings that must not be found anywhere: parts suffice, as all forms have them."""
        raw = SECRET.encode()
        encoded = [urllib.parse.quote(SECRET), urllib.parse.quote_plus(SECRET)]
        found = [raw, raw[:12], KEY.splitlines()[1].encode(), KEY.splitlines()[2].encode(),
                 *(lower_digits(text).encode() for text in encoded),
                 *(text.encode() for text in encoded)]
        for before in range(3):
            middle = base64.b64encode(b"\0" * before + raw)[4:-4]
            found += [middle[:16], middle[-16:], middle.translate(bytes.maketrans(b"+/", b"-_"))]
        return found

    def assert_nowhere(self, *but):
        """Neither in the state directory nor where supervisors keep what must not be on disks."""
        looked_at = 0
        shm = [path for path in pathlib.Path("/dev/shm").glob("reeve-*") if self.is_ours(path)]
        for root in (self.state, *shm):
            for path in root.rglob("*"):
                if not path.is_file() or path in but:
                    continue
                content = path.read_bytes()
                looked_at += 1
                for form in self.forms():
                    self.assertNotIn(form, content, f"{form} in {path}")
        return looked_at

    def is_ours(self, path):
        identity = self.state / "supervisor.id"
        return identity.exists() and identity.read_text(encoding="utf-8").strip() in path.name

    def workflow(self, sandbox, more=""):
        return self.write("w.yaml", f"""\
secrets: [TOKEN, KEY]
tasks:
  tell:
    sandbox: {{tier: {sandbox}}}
    run: python3 tell.py{more}
""")

    def assert_masked(self, *words):
        done = self.reeve("run", *words, "w.yaml")
        logs = self.reeve("logs", "last").stdout
        shown = logs + done.stdout + done.stderr + self.reeve("show", "last", "-o", "json").stdout
        for form in self.forms():
            self.assertNotIn(form, shown.encode())
        self.assertIn("begin raw *** end", logs)
        self.assertIn("base64 ***", logs)
        self.assertIn("url *** ***", logs)
        self.assertIn("form ***", logs)
        self.assertIn('json {"a": "***"}"***"', logs)
        self.assertIn("a line: ***", logs)
        self.assertIn("the end", logs)
        self.assertGreater(self.assert_nowhere(), 3)

    def test_a_task_in_a_sandbox_shows_none_of_them(self):
        self.workflow("native")
        self.assert_masked()

    def test_nor_does_one_without_a_sandbox(self):
        self.workflow("none")
        self.assert_masked("--allow", "unsandboxed")
        self.assertFalse([path for path in pathlib.Path("/dev/shm").glob("reeve-*/*")
                          if self.is_ours(path.parent)])

    def test_nothing_is_left_by_an_engine_that_is_killed(self):
        for tier in ("native", "none"):
            with self.subTest(tier):
                self.workflow(tier, f"; touch told.{tier}; while [ ! -e go ]; do sleep 0.01; done")
                engine = self.start("run", "--sandbox", tier, "w.yaml")
                self.wait_for((self.directory / f"told.{tier}").exists, "the task to tell")
                os.kill(engine.pid, signal.SIGKILL)
                engine.wait()
                for path in self.directory.glob("core*"):
                    self.fail(f"a core file: {path}")
                # Without a sandbox the task still has its own files in memory, and where it reports
                # progress is a file that it writes itself.
                own = [*pathlib.Path("/dev/shm").glob("reeve-*/*/*"),
                       *self.state.glob("runs/*/*.progress")]
                self.assertGreater(self.assert_nowhere(*own), 3)

    def test_the_supervisor_and_the_engine_dump_no_core(self):
        self.workflow("native", "; touch told; while [ ! -e go ]; do sleep 0.01; done")
        engine = self.start("run", "w.yaml")
        self.wait_for((self.directory / "told").exists, "the task to tell")
        pids = [engine.pid, *processes_of(self.state)]
        self.assertGreaterEqual(len(pids), 2)
        for pid in pids:
            # A process that is not dumpable belongs to root in /proc, also for another user.
            status = pathlib.Path("/proc", str(pid), "coredump_filter")
            self.assertEqual(status.stat().st_uid, 0)
            os.kill(pid, signal.SIGABRT)
        self.wait_for(lambda: engine.poll() is not None, "the end of the engine")
        self.assert_nowhere()

    def test_an_output_that_holds_one_is_refused(self):
        for tier, words in (("native", ()), ("none", ("--allow", "unsandboxed"))):
            for command in ('cat "$REEVE_SECRET_TOKEN"', 'base64 -w0 < "$REEVE_SECRET_TOKEN"'):
                with self.subTest(tier=tier, command=command):
                    self.write("w.yaml", f"""\
secrets: [TOKEN]
tasks:
  a:
    sandbox: {{tier: {tier}}}
    run: |
      echo "x=$({command})" >> "$REEVE_OUTPUT"
""")
                    done = self.reeve("run", *words, "w.yaml", expect=None)
                    self.assertNotEqual(done.returncode, 0)
                    said = self.reeve("explain", "last").stdout + done.stderr
                    self.assertIn("REEVE_OUTPUT holds the secret TOKEN", said)
                    self.assert_nowhere()

    def test_too_many_are_refused(self):
        names = [f"S{i}" for i in range(65)]
        self.environment.update({name: f"value of {name}" for name in names})
        self.write("w.yaml", f"secrets: [{', '.join(names)}]\ntasks: {{a: {{run: 'true'}}}}\n")
        done = self.reeve("run", "w.yaml", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("65 secrets are given to one task; at most 64",
                      done.stderr + self.reeve("explain", "last").stdout)

    def test_without_secrets_output_is_as_it_was(self):
        self.write("w.yaml", "tasks: {a: {run: 'printf \"*** TOKEN \\\\0\\\\377\"'}}\n")
        self.reeve("run", "w.yaml")
        self.assertEqual(self.task_states(), {0: SUCCEEDED})


if __name__ == "__main__":
    unittest.main()
