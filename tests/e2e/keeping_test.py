"""Secrets, feature flags and the audit log at a service: the same commands, the same output as on
its directory; refusals with their exit statuses; a service that lies about its log."""

import http.client
import http.server
import json
import subprocess
import threading
import unittest

from client_test import Client
from reeve_case import BINARY

VALUE = "correct horse battery staple ünd mehr"
BYTES = b"\x00\xff\xfe key\n\n"


class Between:
    """Between a command and its service: passes everything on but what a test exchanges."""

    def __init__(self, case, port):
        self.before = lambda method, path: None   # a request is passed on
        self.change = lambda path, body: body     # of an answer
        self.swallow = lambda method, path: False  # passed on, and never answered
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def pass_on(self):
                size = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(size) if size else None
                between.before(self.command, self.path)
                link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                link.request(self.command, self.path, body, dict(self.headers.items()))
                reply = link.getresponse()
                data = between.change(self.path, reply.read())
                link.close()
                if between.swallow(self.command, self.path):
                    self.close_connection = True
                    return
                self.send_response_only(reply.status)
                for name, value in reply.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = pass_on

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()

        def end():
            self.server.shutdown()
            self.server.server_close()
            thread.join()
        case.addCleanup(end)


class Keeping(Client):
    def there(self, *words, given=None, expect=0, url=None):
        """The command at the service, with this on its standard input."""
        done = subprocess.run([BINARY, "--server", url or self.url, *map(str, words)],
                              input=given if given is not None else b"", capture_output=True,
                              cwd=self.directory, check=False, timeout=60,
                              env={**self.environment, "REEVE_TOKEN": self.token})
        done.stdout, done.stderr = (text.decode() for text in (done.stdout, done.stderr))
        if expect is not None:
            self.assertEqual(done.returncode, expect, f"{words}: {done.stdout}{done.stderr}")
        return done

    def json(self, *words, **more):
        return json.loads(self.there(*words, "-o", "json", **more).stdout)

    def here(self, *words):
        return self.reeve(*words, "--state", self.service_state, expect=0)

    def as_token(self, token):
        before, self.token = self.token, token
        self.addCleanup(setattr, self, "token", before)

    def new_token(self, role, *namespaces):
        words = [word for each in namespaces for word in ("--namespace", each)]
        return self.there("token", "create", f"{role} test", "--role", role, *words).stdout.strip()

    def port(self):
        return int(self.url.rpartition(":")[2])


class Secrets(Keeping):
    def test_a_secret_set_there_is_given_to_a_task_and_listed_the_same(self):
        said = self.there("secret", "set", "TOKEN", given=VALUE.encode() + b"\n")
        self.assertIn("TOKEN of the namespace default is set (version 1)", said.stderr)
        self.there("secret", "set", "RAW", "--namespace", "default", given=BYTES)
        self.there("secret", "set", "OTHER", "--namespace", "blue", given=b"x")
        self.write("w.yaml", "secrets: [TOKEN, RAW]\ntasks:\n  a:\n    run: |\n"
                             "      md5sum < $REEVE_SECRET_TOKEN\n"
                             "      md5sum < $REEVE_SECRET_RAW\n")
        self.there("run", "w.yaml")
        ran = self.there("logs", "last").stdout
        for value in (VALUE.encode(), BYTES):
            digest = subprocess.run(["md5sum"], input=value, capture_output=True, check=True).stdout
            self.assertIn(digest.decode().split()[0], ran)
        for form in ((), ("-o", "json"), ("-o", "yaml"), ("-o", "jsonl"), ("-q",),
                     ("--namespace", "blue"), ("--json", "name,version")):
            self.same("secret", "ls", *form)
        self.assertEqual(len(self.json("secret", "ls")["secrets"]), 3)
        said = self.there("secret", "rm", "OTHER", "--namespace", "blue")
        self.assertIn("OTHER of the namespace blue is removed", said.stderr)
        self.there("secret", "rm", "TOKEN")
        self.assertEqual([each["name"] for each in self.json("secret", "ls")["secrets"]], ["RAW"])

    def test_no_refusal_repeats_the_value(self):
        loud = ("s3cret-" * 12000).encode()  # more than may be
        for words, value, status in ((("secret", "set", "TOKEN", "value"), VALUE.encode(), 2),
                                     (("secret", "set", "a b"), VALUE.encode(), 6),
                                     (("secret", "set", "TOKEN"), b"", 6),
                                     (("secret", "set", "BIG"), loud, 6),
                                     (("secret", "set", "BIG"), b"\xff" + loud, 6),
                                     (("secret", "set", "REEVE_TOKEN"), VALUE.encode(), 6),
                                     (("secret", "set", "T", "--namespace", "A B"),
                                      VALUE.encode(), 6)):
            done = self.there(*words, given=value, expect=status)
            self.assertNotIn("s3cret", done.stdout + done.stderr, words)
            self.assertNotIn("horse", done.stdout + done.stderr, words)
            self.assertTrue(done.stderr, words)
        records = self.there("audit", "export").stdout
        self.assertNotIn("s3cret", records)
        self.assertNotIn("horse", records)

    def test_what_only_a_directory_has_is_refused(self):
        self.assertIn("--state", self.there("secret", "rotate-key", expect=2).stderr)
        for option in ("--key-file", "--next-key"):
            self.assertIn("its own key", self.there("secret", "ls", option, "x", expect=2).stderr)

    def test_refusals_have_their_statuses(self):
        self.there("secret", "rm", "NONE", expect=3)
        viewer, far = self.new_token("viewer"), self.new_token("developer", "blue")
        self.there("secret", "set", "MINE", given=b"x")
        self.as_token(viewer)
        self.there("secret", "ls", expect=4)
        self.there("secret", "set", "TOKEN", given=b"x", expect=4)
        self.as_token(far)
        self.there("secret", "set", "MINE", "--namespace", "default", given=b"x", expect=4)
        said = self.there("secret", "set", "TOKEN", given=b"x")
        self.assertIn("of the namespace blue", said.stderr, "its own is the usual one")
        self.assertEqual([each["name"] for each in self.json("secret", "ls")["secrets"]], ["TOKEN"],
                         "and those of others are not there")
        self.as_token("reeve_nonsense")
        self.there("secret", "ls", expect=4)
        self.stop_server()
        self.there("secret", "ls", expect=7)


class Flags(Keeping):
    def test_flags_are_the_same_there(self):
        self.there("flag", "set", "report", "--on", "--rollout", "0", "--description", "näch")
        asked = self.there("flag", "ask", "report", "--subject", "x")
        self.assertEqual(asked.stdout, "off\n")
        self.there("flag", "set", "report", "--namespace", "lab", "--label", "a=b=c & d")
        asked = self.there("flag", "ask", "report", "--subject", "x", "--namespace", "lab",
                           "--label", "a=b=c & d")
        self.assertEqual(asked.stdout, "on\n")
        self.assertIn("rule 1", asked.stderr)
        self.there("flag", "set", "other", "--off")
        for words in (("ls",), ("ls", "-o", "json"), ("ls", "-q"), ("history", "report"),
                      ("history", "report", "-o", "yaml"),
                      ("ask", "report", "--namespace", "lab", "--subject", "é")):
            self.same("flag", *words)
        self.there("flag", "rm", "report")
        history = self.json("flag", "history", "report")["flags"]
        self.assertEqual([(each["version"], each["removed"]) for each in history],
                         [(3, True), (2, False), (1, False)])
        self.there("flag", "set", "report", "--on")
        self.assertEqual(self.json("flag", "history", "report")["flags"][0]["version"], 4)

    def test_a_flag_as_it_is_listed_is_a_file_for_set(self):
        self.there("flag", "set", "a", "--on", "--label", "k=v")
        (shown,) = self.json("flag", "ls")["flags"]
        self.write("f.json", json.dumps({**shown, "description": "changed"}))
        self.there("flag", "set", "a", "--file", "f.json")
        (after,) = self.json("flag", "ls")["flags"]
        self.assertEqual((after["description"], after["rules"]), ("changed", shown["rules"]))

    def test_refusals_have_their_statuses(self):
        self.there("flag", "rm", "none", expect=3)
        self.there("flag", "history", "none", expect=3)
        self.there("flag", "set", "Bad", "--on", expect=6)
        self.there("flag", "set", "x", "--rollout", "101", expect=2)
        self.as_token(self.new_token("developer"))
        self.there("flag", "ls")
        self.assertIn("flags.write", self.there("flag", "set", "x", "--on", expect=4).stderr)
        self.stop_server()
        self.there("flag", "ls", expect=7)

    def test_who_was_slower_is_told_so(self):
        self.there("flag", "set", "report", "--on")
        between = Between(self, self.port())

        def overtake(method, path):
            if method == "PUT":
                between.before = lambda *_: None
                self.there("flag", "set", path.rpartition("/")[2], "--off")
        for name in ("report", "new"):  # If-Match, and If-None-Match
            between.before = overtake
            done = self.there("flag", "set", name, "--on", url=between.url, expect=6)
            self.assertIn("no longer", done.stderr)
        self.assertEqual({each["name"]: each["on"] for each in self.json("flag", "ls")["flags"]},
                         {"report": False, "new": False})

    def test_a_change_whose_answer_was_lost_is_made_once(self):
        self.there("flag", "set", "report", "--on")
        between = Between(self, self.port())
        lost = []

        def swallow(method, _):
            if method == "PUT" and not lost:
                lost.append(method)
                return True
            return False
        between.swallow = swallow
        self.there("flag", "set", "report", "--off", url=between.url)
        self.assertEqual(lost, ["PUT"])
        self.assertEqual(len(self.json("flag", "history", "report")["flags"]), 2)


class Settings(Keeping):
    def test_a_live_setting_is_set_there_and_looks_the_same_here(self):
        self.assertIn("version 1", self.there("config", "set", "log.level", "debug").stderr)
        self.there("config", "set", "log.level", "warning")
        there = {each["name"]: each for each in self.json("config", "show")["settings"]}
        shown = json.loads(self.here("config", "show", "-o", "json").stdout)
        here = {each["name"]: each for each in shown["settings"]}
        self.assertEqual(there["log.level"], here["log.level"])
        self.assertEqual((there["log.level"]["value"], there["log.level"]["origin"]),
                         ("warning", "api"))
        self.there("config", "unset", "log.level")
        there = self.json("config", "history", "log.level")["setting_versions"]
        here = json.loads(self.here("config", "history", "log.level", "-o", "json").stdout)
        self.assertEqual(there, here["setting_versions"])
        self.assertEqual([each["value"] for each in there], [None, "warning", "debug"])

    def test_refusals_have_their_statuses(self):
        refused = self.there("config", "set", "log.levle", "x", expect=3)
        self.assertIn("did you mean", refused.stderr)
        self.there("config", "set", "log.level", "loud", expect=6)
        self.there("config", "set", "server.listen", "[::]:1", expect=6)
        self.there("config", "set", "log.level", expect=2)
        self.there("config", "unset", "log.level", expect=3)
        self.as_token(self.new_token("operator"))
        self.there("config", "set", "log.level", "debug", expect=4)


class Audit(Keeping):
    def setUp(self):
        super().setUp()
        for i in range(7):
            self.there("flag", "set", f"f{i}", "--on")
        self.there("secret", "set", "S", "--namespace", "blue", given=b"x")

    def files(self):
        return sorted((self.service_state / "audit").glob("audit-*.log"))

    def test_it_is_the_same_there(self):
        for words in (("ls",), ("ls", "-o", "json"), ("ls", "--limit", "3"), ("ls", "-q"),
                      ("ls", "--action", "flags.write", "--limit", "2", "-o", "yaml"),
                      ("ls", "--who", "nobody"), ("ls", "--namespace", "blue"), ("export",),
                      ("export", "--format", "csv"), ("export", "--action", "secrets.write"),
                      ("key",), ("checkpoint",)):
            self.same("audit", *words)
        for form in ((), ("-o", "json")):
            self.assertEqual(self.there("audit", "verify", *form).stdout,
                             self.here("audit", "verify", *form).stdout)
        said = self.there("audit", "verify")
        self.assertIn("proved here", said.stderr)
        self.assertIn("says the same", said.stderr)

    def test_what_was_changed_is_found_from_afar(self):
        path = self.files()[0]
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        done = self.there("audit", "verify", expect=1)
        self.assertIn("the audit log was changed", done.stderr)
        found = self.there("audit", "verify", "-o", "json", expect=1)
        proof = json.loads(found.stdout)["audit_proof"]
        here = self.reeve("audit", "verify", "-o", "json", "--state", self.service_state, expect=1)
        self.assertEqual(proof, json.loads(here.stdout)["audit_proof"])

    def test_a_service_that_lies_is_found_out(self):
        between = Between(self, self.port())

        def change(path, body):
            if "audit-000001.log" not in path or not body:
                return body
            return body[:300] + bytes([body[300] ^ 1]) + body[301:]
        between.change = change
        done = self.there("audit", "verify", url=between.url, expect=1)
        self.assertIn("audit-000001.log", done.stderr)
        self.assertIn("says of its log that its 8 records are sound", done.stderr)
        # What cannot be fetched proves nothing.
        between.change = lambda path, body: body
        between.swallow = lambda method, path: "audit-000001.log" in path
        self.there("audit", "verify", url=between.url, expect=7)

    def test_a_log_that_was_put_back_is_found_by_what_was_kept_elsewhere(self):
        key = self.there("audit", "key").stdout.strip()
        line = self.there("audit", "checkpoint").stdout.strip()
        self.there("flag", "set", "more", "--on")
        self.there("audit", "verify", "--checkpoint", line, "--public-key", key)
        other = self.reeve("secret", "set", "X", "--state", "elsewhere", expect=None)
        self.assertEqual(other.returncode, 6, "an empty value, but a log of its own is made")
        self.reeve("flag", "set", "x", "--on", "--state", "elsewhere", expect=0)
        foreign = self.reeve("audit", "key", "--state", "elsewhere").stdout.strip()
        self.there("audit", "verify", "--public-key", foreign, expect=1)
        strange = self.reeve("audit", "checkpoint", "--state", "elsewhere").stdout.strip()
        self.there("audit", "verify", "--checkpoint", strange, expect=1)
        self.there("audit", "verify", "--checkpoint", "zz", expect=6)
        self.there("audit", "verify", "--public-key", "zz", expect=6)

    def test_who_may_read_only_some_has_the_word_of_the_service(self):
        near = self.new_token("admin", "blue")
        self.as_token(near)
        (record,) = self.json("audit", "ls")["audit"]
        self.assertEqual(record["object"], "secret/S")
        done = self.there("audit", "verify")
        self.assertIn("audit.copy", done.stderr)
        self.assertIn("records in 1 files are as they were written", done.stdout)
        for verb in ("key", "checkpoint"):
            self.there("audit", verb, expect=4)
        self.as_token(self.new_token("viewer", "blue"))
        for words in (("ls",), ("export",), ("verify",), ("key",)):
            self.there("audit", *words, expect=4)
        self.stop_server()
        self.there("audit", "ls", expect=7)

    def test_a_log_that_grows_meanwhile_is_proved(self):
        ends, written = threading.Event(), []

        def write():
            link = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=30)
            while not ends.is_set():
                number = len(written)
                link.request("PUT", "/v1/flags/busy", json.dumps({"on": number % 2 == 0}),
                             {"Authorization": f"Bearer {self.token}",
                              "Content-Type": "application/json",
                              "Idempotency-Key": f"grow-{number}"})
                if link.getresponse().read()[:1] != b"{":
                    return
                written.append(number)
            link.close()
        writer = threading.Thread(target=write)
        writer.start()
        try:
            while len(written) < 20 and writer.is_alive():
                self.there("audit", "verify")
                self.there("audit", "export")
                self.there("audit", "checkpoint")
        finally:
            ends.set()
            writer.join()
        self.assertEqual(self.json("audit", "verify")["audit_proof"]["records"], 8 + len(written))
        self.assertGreaterEqual(len(written), 20)

    def test_pages_go_both_ways(self):
        def page(**query):
            target = "/v1/audit?" + "&".join(f"{name}={value}" for name, value in query.items())
            link = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=30)
            link.request("GET", target, headers={"Authorization": f"Bearer {self.token}"})
            reply = json.loads(link.getresponse().read())
            link.close()
            return [each["sequence"] for each in reply["audit"]], reply["next_cursor"]
        for order, expected in (("oldest", [*range(1, 9)]), ("newest", [*range(8, 0, -1)])):
            found, cursor = [], "0"
            while cursor is not None:
                more, cursor = page(order=order, limit=3, cursor=cursor)
                found += more
            self.assertEqual(found, expected)

    def test_the_signing_key_does_not_go_out(self):
        for name in ("signing.key", "lock", "../admin.token", "..%2Fadmin.token", "audit-1.log",
                     "audit-000099.log", "%2Fetc%2Fpasswd"):
            link = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=30)
            link.request("GET", f"/v1/audit/files/{name}",
                         headers={"Authorization": f"Bearer {self.token}"})
            self.assertIn(link.getresponse().status, (400, 404), name)
            link.close()


class InContext(Keeping):
    def test_a_context_in_use_is_where_they_look(self):
        self.there("flag", "set", "report", "--on")
        subprocess.run([BINARY, "context", "add", "prod", self.url, "--token-stdin"],
                       input=self.token + "\n", text=True, check=True, env=self.environment,
                       cwd=self.directory, capture_output=True)
        self.assertEqual(self.reeve("flag", "ls", "-q", expect=0).stdout, "report\n")
        self.assertEqual(len(self.reeve("audit", "ls", "-q", expect=0).stdout.splitlines()), 1)
        self.assertEqual(self.reeve("secret", "ls", "-q", expect=0).stdout, "")
        # A directory that is named goes before it.
        self.assertEqual(self.reeve("flag", "ls", "--state", "nowhere").returncode, 3)

    def test_a_directory_that_a_service_works_on_says_how_to_ask_it(self):
        done = self.reeve("flag", "set", "x", "--on", "--state", self.service_state)
        self.assertEqual(done.returncode, 6)
        self.assertIn(f"--server unix:{self.service_state}/api.sock", done.stderr)
        self.assertEqual(self.reeve("flag", "set", "x", "--on", "--server", self.socket).returncode,
                         0)


if __name__ == "__main__":
    unittest.main()
