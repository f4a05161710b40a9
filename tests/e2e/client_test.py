"""The command line against a service: the same output as on its directory, over TCP, a Unix socket
and TLS; contexts; submitting; tokens; and what happens when nobody answers.
"""

import json
import pathlib
import re
import shutil
import stat
import subprocess
import unittest

from reeve_case import BINARY, ReeveCase

WORKFLOW = """
version: 1
name: several
inputs: {word: {type: string, default: hello}}
tasks:
  first: {run: "echo ${{ inputs.word }}; echo to-stderr >&2"}
  many: {array: 3, run: "echo element $REEVE_ARRAY_INDEX", needs: first}
  legs: {matrix: {os: [a, b]}, run: "true", needs: first}
  broken: {run: "printf 'no end'; exit 3", needs: many}
  after: {run: "true", needs: broken}
"""


class Client(ReeveCase):
    scheme = "http"

    def setUp(self):
        super().setUp()
        self.service_state = self.state = pathlib.Path(self.directory, "service")
        self.environment["XDG_CONFIG_HOME"] = str(self.directory / "config")
        self.server = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0", "--state", str(self.service_state),
             *self.more_options()],
            cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.server.stdout.readline().strip()
        self.assertRegex(self.url, rf"^{self.scheme}://127\.0\.0\.1:\d+$")
        self.token = (self.service_state / "admin.token").read_text(encoding="utf-8").strip()
        self.socket = f"unix:{self.service_state}/api.sock"
        self.workflow = self.directory / "several.yaml"
        self.workflow.write_text(WORKFLOW, encoding="utf-8")

    def more_options(self):
        return ()

    def tearDown(self):
        self.stop_server()
        super().tearDown()

    def reeve(self, *words, **options):
        return super().reeve(*words, **{"expect": None, **options})

    def stop_server(self):
        if self.server.poll() is None:
            self.server.terminate()
        self.server.wait(timeout=30)
        self.server.stdout.close()

    def there(self, *words, **more):
        """The command at the service, over TCP."""
        self.environment["REEVE_TOKEN"] = self.token
        try:
            return self.reeve("--server", self.url, *words, **more)
        finally:
            del self.environment["REEVE_TOKEN"]

    def submitted(self, *words):
        done = self.there("submit", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^run_\w{26}\n$")
        return done.stdout.strip()

    def ended(self, *words):
        run = self.submitted(*words)
        self.assertIn(self.there("wait", run).returncode, (0, 5))
        return run


    def same(self, *words, status=0):
        """What the command says of the service and of its directory: three ways, one answer."""
        here = self.reeve(*words, "--state", str(self.service_state))
        self.assertEqual(here.returncode, status, here.stderr)
        for where in ((self.url, self.token), (self.socket, "")):
            self.environment["REEVE_URL"], self.environment["REEVE_TOKEN"] = where
            try:
                there = self.reeve(*words)
            finally:
                del self.environment["REEVE_URL"], self.environment["REEVE_TOKEN"]
            self.assertEqual(there.returncode, status, f"{words} at {where[0]}: {there.stderr}")
            # How long ago, and how wide that makes its column, changes from one look to the next.
            strip = lambda text: re.sub(  # noqa: E731
                r" +", " ", re.sub(r"\d+(\.\d+)?m?s ago", "AGO", text))
            self.assertEqual(strip(there.stdout), strip(here.stdout), f"{words} at {where[0]}")
            self.assertEqual(there.stderr, here.stderr, f"{words} at {where[0]}")
        return here.stdout


class SameOutput(Client):
    def test_what_ended_looks_the_same(self):
        run = self.ended("--label", "ticket=12", "-i", "word=olá", str(self.workflow))
        self.ended("--", "true")
        for words in (("ls",), ("ls", "-o", "json"), ("ls", "--status", "failed", "-q"),
                      ("ls", "--label", "ticket=12", "-o", "yaml"), ("ls", "--name", "several"),
                      ("ls", "--limit", "1"), ("show", run), ("show", run, "-o", "json"),
                      ("show", "1", "--tasks"), ("show", f"{run}/many"), ("show", f"{run}/broken"),
                      ("show", "1/many[1]", "-o", "json"), ("logs", "1"), ("logs", "1/first"),
                      ("logs", "1/broken", "--raw"), ("logs", "1", "--failed", "--timestamps"),
                      ("logs", "1/first", "--stream", "stderr"), ("logs", "1", "--grep", "element"),
                      ("logs", "1", "--tail", "1"), ("logs", "-f", "1"), ("explain", "1"),
                      ("explain", "1/after"), ("diff", "1", "2"), ("queue",),
                      ("queue", "-o", "json")):
            with self.subTest(words=words):
                self.same(*words)
        self.assertIn("olá", self.same("logs", "1/first"))
        self.same("wait", "1", "-o", "json", status=5)
        self.same("watch", "1", "--plain", status=5)

    def test_what_runs_now_is_seen_by_those_who_may(self):
        run = self.submitted("--", "sleep", "300")
        self.wait_for(lambda: any(row["cpu_seconds"] is not None for row in self.rows("top")),
                      "a sample")
        (shown,) = self.rows("top", run)
        self.assertEqual((shown["run"], shown["name"], shown["state"]), (1, "main", "running"))
        self.assertEqual([set(row) for row in self.rows("top")], [set(shown)])
        with self.subTest("of another namespace"):
            made = self.there("token", "create", "x", "--role", "viewer", "--namespace", "other")
            self.environment["REEVE_TOKEN"] = made.stdout.strip()
            look = self.reeve("--server", self.url, "top", "-o", "json")
            del self.environment["REEVE_TOKEN"]
            self.assertEqual(json.loads(look.stdout)["use"], [])
        self.there("cancel", "--kill", run)
        self.there("wait", run)
        self.assertEqual(self.rows("top"), [])

    def rows(self, *words):
        return json.loads(self.there(*words, "-o", "json").stdout)["use"]

    def test_nodes_are_drained_there(self):
        self.there("node", "drain", "local", "--reason", "new kernel")
        self.assertIn("new kernel", self.same("node", "ls"))
        self.assertEqual(self.there("node", "drain", "local").returncode, 6)
        self.there("node", "resume", "local")
        self.assertEqual(self.there("node", "drain", "nowhere").returncode, 3)

    def test_what_is_wrong_is_said_with_the_same_status(self):
        self.ended("--", "true")
        for words, status in ((("show", "99"), 3), (("logs", "1/nothing"), 3),
                              (("cancel", "1"), 6), (("explain", "99"), 3)):
            here = self.reeve(*words, "--state", str(self.service_state))
            there = self.there(*words)
            self.assertEqual((here.returncode, there.returncode), (status, status), there.stderr)

    def test_bytes_that_are_no_text_arrive_as_they_are(self):
        self.ended("--", "sh", "-c", r"printf 'a\377\000b\n'; printf '\303' >&2")
        done = subprocess.run([BINARY, "--server", self.socket, "logs", "--raw", "1"],
                              env=self.environment, cwd=self.directory, capture_output=True,
                              check=False, timeout=60)
        self.assertEqual(done.stdout, b"a\xff\x00b\n\xc3", done.stderr)


class Acting(Client):
    def test_a_run_is_paused_resumed_and_cancelled(self):
        run = self.submitted("--", "sleep", "600")
        self.assertEqual(self.there("pause", run).returncode, 0)
        self.assertTrue(json.loads(self.there("show", run, "-o", "json").stdout)["run"]["paused"])
        done = self.there("resume", run)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(json.loads(self.there("show", run, "-o", "json").stdout)["run"]["paused"])
        done = self.there("cancel", run, "--reason", "enough", "--grace", "1s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.there("wait", run).returncode, 5)
        self.assertIn("enough", self.there("show", run).stdout)

    def test_approving_and_retrying(self):
        file = self.directory / "gate.yaml"
        file.write_text("name: gate\ntasks:\n  gate: {approval: {}}\n"
                        "  work: {run: 'false', needs: gate}\n", encoding="utf-8")
        run = self.submitted(str(file))
        self.wait_for(lambda: "awaiting_approval" in self.there("show", run, "--tasks").stdout,
                      "it asks")
        done = self.there("approve", f"{run}/gate")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.there("wait", run).returncode, 5)
        done = self.there("retry", run, "--failed")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is tried again", done.stderr)

    def test_run_passes_output_and_status_on(self):
        done = self.there("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
        self.assertEqual((done.stdout, done.returncode), ("out\n", 7), done.stderr)
        self.assertIn("err", done.stderr)
        self.assertEqual(self.there("run", "--", "true").returncode, 0)
        done = self.there("run", str(self.workflow), "-o", "json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(json.loads(done.stdout)["run"]["state"], "failed")
        done = self.there("run", "-j", "4", "--", "true")
        self.assertEqual(done.returncode, 2)

    def test_a_key_makes_a_submission_count_once(self):
        words = ("--idempotency-key", "once", "--array", "0-2", "--", "true")
        self.assertEqual(self.submitted(*words), self.submitted(*words))
        done = self.there("submit", "--idempotency-key", "once", "--", "false")
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertEqual(len(self.there("ls", "-q").stdout.split()), 1)

    def test_logs_follow_what_runs(self):
        run = self.submitted("--", "sh", "-c", "echo first; sleep 1; echo last")
        done = self.there("logs", "-f", run)
        self.assertEqual((done.stdout, done.returncode), ("first\nlast\n", 0), done.stderr)


class Contexts(Client):
    def test_a_context_stands_for_the_service(self):
        file = pathlib.Path(self.environment["XDG_CONFIG_HOME"], "reeve", "contexts.json")
        done = subprocess.run([BINARY, "context", "add", "here", self.url, "--token-stdin"],
                              input=self.token + "\n", env=self.environment, text=True,
                              cwd=self.directory, capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertNotIn(self.token, self.reeve("context", "ls", "-o", "json").stdout)
        self.assertEqual(self.reeve("submit", "--", "true").returncode, 0)
        self.assertEqual(len(self.reeve("ls", "-q").stdout.split()), 1)
        self.assertEqual(self.reeve("--server", "here", "ls", "-q").returncode, 0)
        self.assertEqual(self.reeve("context", "use", "-").returncode, 0)
        self.assertEqual(self.reeve("ls").returncode, 3)
        self.assertEqual(self.reeve("--server", "nowhere", "ls").returncode, 2)
        self.assertEqual(self.reeve("context", "use", "nowhere").returncode, 3)
        self.assertEqual(self.reeve("context", "rm", "here").returncode, 0)
        self.assertEqual(self.reeve("context", "rm", "here").returncode, 3)

    def test_a_directory_of_somebody_else_holds_none_of_ours(self):
        """HOME is still root's after `su`: commands that need no service go on."""
        closed = self.directory / "closed"
        closed.mkdir(mode=0o700)
        self.environment["XDG_CONFIG_HOME"] = str(closed / "config")
        self.directory.chmod(0o755)
        binary = shutil.copy(self.binary, self.directory)
        done = subprocess.run([binary, "ls"], env=self.environment, text=True, user=61_034,
                              group=61_034, extra_groups=[], capture_output=True, check=False,
                              cwd="/")
        self.assertNotIn("ermission denied", done.stderr)

    def test_a_file_that_others_can_read_is_refused(self):
        self.reeve("context", "add", "here", self.url)
        file = pathlib.Path(self.environment["XDG_CONFIG_HOME"], "reeve", "contexts.json")
        file.chmod(0o644)
        done = self.reeve("ls")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("contexts.json", done.stderr)

    def test_tokens_do_not_travel_in_the_open(self):
        self.environment["REEVE_TOKEN"] = self.token
        done = self.reeve("--server", "http://192.0.2.1:7433", "ls")
        self.assertEqual(done.returncode, 2)
        self.assertIn("https://", done.stderr)

    def test_nobody_answers(self):
        self.stop_server()
        done = self.reeve("--server", self.url, "ls")
        self.assertEqual(done.returncode, 7, done.stderr)

    def test_who_may_not_is_told_so(self):
        made = self.there("token", "create", "looker")
        self.assertEqual(made.returncode, 0, made.stderr)
        admin, self.token = self.token, made.stdout.strip()
        self.assertEqual(self.there("ls").returncode, 0)
        self.assertEqual(self.there("submit", "--", "true").returncode, 4)
        self.token = "reeve_nonsense"
        self.assertEqual(self.there("ls").returncode, 4)
        self.token = admin
        listed = json.loads(self.there("token", "ls", "-o", "json").stdout)["tokens"]
        looker = next(one for one in listed if one["label"] == "looker")
        self.assertEqual(self.there("token", "rm", looker["id"]).returncode, 0)
        self.token = made.stdout.strip()
        self.assertEqual(self.there("ls").returncode, 4)

    def test_another_namespace_is_not_there(self):
        run = self.ended("--", "echo", "secret")
        made = self.there("token", "create", "stranger", "--role", "developer", "--namespace",
                          "elsewhere")
        self.token = made.stdout.strip()
        for words in (("show", run), ("logs", run), ("explain", run), ("wait", run)):
            done = self.there(*words)
            self.assertEqual(done.returncode, 3, f"{words}: {done.stdout} {done.stderr}")
        self.assertEqual(self.there("ls", "-q").stdout, "")


class Encrypted(Client):
    scheme = "https"

    def more_options(self):
        self.certificate = self.directory / "service.pem"
        key = self.directory / "service.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", self.certificate, "-days", "2", "-subj", "/CN=reeve",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return ("--tls-certificate", str(self.certificate), "--tls-key", str(key))

    def test_only_with_a_certificate_that_is_trusted(self):
        done = self.there("ls")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("certificate", done.stderr)
        self.environment["REEVE_CA"] = str(self.certificate)
        self.assertEqual(self.there("run", "--", "echo", "over TLS").stdout, "over TLS\n")
        wrong = self.url.replace("127.0.0.1", "localhost")
        self.url = wrong
        self.assertEqual(self.there("ls").returncode, 4, "another name than the certificate's")


if __name__ == "__main__":
    unittest.main()
