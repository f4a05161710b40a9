"""Secrets, feature flags, settings and the audit log, as the commands keep them."""

import base64
import csv
import io
import json
import os
import pathlib
import re
import shutil
import sqlite3
import stat
import subprocess
import unittest

from reeve_case import ReeveCase

VALUE = "pl4in t3xt of the s3cret"


class SecurityCase(ReeveCase):
    def given(self, text, *words, expect=0, **options):
        """Runs with `text` on standard input."""
        done = subprocess.run([self.binary, *words], input=text, text=True, capture_output=True,
                              cwd=self.directory, env=options.get("env", self.environment),
                              timeout=60, check=False)
        if expect is not None:
            self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def json(self, *words):
        return json.loads(self.reeve(*words, "-o", "json").stdout)

    def audit_files(self):
        return sorted((self.state / "audit").glob("audit-*.log"))


class Secrets(SecurityCase):
    def assert_nowhere(self, text):
        forms = [text.encode(), text.encode()[:12], base64.b64encode(text.encode())[:16],
                 text.encode().hex().encode()]
        looked_at = 0
        for path in self.state.rglob("*"):
            if not path.is_file():
                continue
            looked_at += 1
            content = path.read_bytes()
            for form in forms:
                self.assertNotIn(form, content, path)
        self.assertGreater(looked_at, 3)

    def test_a_task_is_given_a_secret_that_is_in_no_file(self):
        self.given(VALUE + "\n", "secret", "set", "TOKEN")
        self.write("w.yaml", """\
secrets: [TOKEN]
tasks:
  a:
    run: |
      printf %s "$(cat "$REEVE_SECRET_TOKEN")" | wc -c > "$REEVE_WORK/size" 2>/dev/null || true
      printf 'length=%s\\n' "$(wc -c < "$REEVE_SECRET_TOKEN")"
      cat "$REEVE_SECRET_TOKEN"
""")
        self.reeve("run", "w.yaml")
        logs = self.reeve("logs", "last").stdout
        self.assertIn(f"length={len(VALUE)}", logs)
        self.assertIn("***", logs)
        self.assertNotIn(VALUE, logs)
        listed = self.reeve("secret", "ls")
        self.assertIn("TOKEN", listed.stdout)
        self.assertNotIn(VALUE, listed.stdout + listed.stderr)
        self.reeve("secret", "rotate-key")
        self.reeve("run", "w.yaml")
        self.given("another value", "secret", "set", "TOKEN")
        self.reeve("secret", "rm", "TOKEN")
        self.assert_nowhere(VALUE)
        self.assertEqual(self.reeve("audit", "verify").returncode, 0)
        said = self.reeve("run", "w.yaml", expect=None)
        self.assertNotEqual(said.returncode, 0)

    def test_a_run_is_given_the_secrets_of_its_namespace_only(self):
        self.given(VALUE, "secret", "set", "TOKEN", "--namespace", "blue")
        self.write("w.yaml", "secrets: [TOKEN]\n"
                             'tasks: {a: {run: "wc -c < $REEVE_SECRET_TOKEN"}}')
        refused = self.reeve("run", "w.yaml", expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("TOKEN is not set", refused.stderr + self.reeve("explain", "last").stdout)
        self.reeve("run", "--label", "namespace=blue", "w.yaml")
        self.assertIn(str(len(VALUE)), self.reeve("logs", "last").stdout)
        # What this command has in its environment is for runs that the store says nothing of.
        self.environment["TOKEN"] = "x" * 77
        self.reeve("run", "w.yaml")
        self.assertIn("77", self.reeve("logs", "last").stdout)

    def test_the_key_is_for_its_owner_and_the_only_one_that_fits(self):
        self.given(VALUE, "secret", "set", "TOKEN")
        key = self.state / "secrets.key"
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        for name in ("security.db", "audit/signing.key"):
            self.assertEqual(stat.S_IMODE((self.state / name).stat().st_mode), 0o600)
        key.chmod(0o644)
        self.assertIn("chmod 600", self.reeve("secret", "ls", expect=4).stderr)
        key.chmod(0o600)
        before = key.read_text(encoding="utf-8")
        key.write_text("0" * 64 + "\n", encoding="utf-8")
        self.assertIn("another key", self.reeve("secret", "ls", expect=4).stderr)
        key.write_text(before, encoding="utf-8")
        self.reeve("secret", "ls")
        moved = self.directory / "elsewhere.key"
        key.rename(moved)
        self.reeve("secret", "ls", "--key-file", moved)
        env = {**self.environment, "REEVE_SECRETS_KEY": before.strip()}
        self.reeve("secret", "ls", env=env)
        self.assertIn("--next-key", self.reeve("secret", "rotate-key", env=env, expect=6).stderr)

    def test_a_value_is_never_an_argument(self):
        self.reeve("secret", "set", "TOKEN", "value", expect=2)
        self.reeve("secret", "set", expect=2)
        self.reeve("secret", "ls", "NAME", expect=2)
        refused = self.given("v", "secret", "set", "a b", expect=6)
        self.assertIn("no name of a secret", refused.stderr)
        self.given("", "secret", "set", "TOKEN", expect=6)
        self.reeve("secret", "rm", "TOKEN", expect=3)

    def test_values_of_several_lines_and_any_bytes_are_kept_as_they_are(self):
        pem = "-----BEGIN-----\nabc\n-----END-----\n"
        self.given(pem, "secret", "set", "KEY")
        self.write("w.yaml", 'secrets: [KEY]\ntasks: {a: {run: "md5sum < $REEVE_SECRET_KEY"}}')
        self.reeve("run", "w.yaml")
        expected = subprocess.run(["md5sum"], input=pem, text=True, capture_output=True, check=True)
        self.assertIn(expected.stdout.split()[0], self.reeve("logs", "last").stdout)

    def test_every_change_is_audited_and_no_value_with_it(self):
        self.given(VALUE, "secret", "set", "TOKEN")
        self.reeve("secret", "rm", "NONE", expect=3)
        self.reeve("secret", "rm", "TOKEN")
        self.reeve("secret", "rotate-key")
        records = self.json("audit", "ls")["audit"]
        self.assertEqual([(each["action"], each["object"], each["result"]) for each in records],
                         [("secrets.write", "secret/TOKEN", "allowed"),
                          ("secrets.write", "secret/NONE", "allowed"),
                          ("secrets.write", "secret/NONE", "failed"),
                          ("secrets.write", "secret/TOKEN", "allowed"),
                          ("settings.write", "secrets/key", "allowed")])
        self.assertEqual({each["who"] for each in records}, {f"local:{os.geteuid()}"})


class Audit(SecurityCase):
    def setUp(self):
        super().setUp()
        for i in range(4):
            self.reeve("flag", "set", f"flag{i}", "--on")

    def test_what_was_changed_is_named(self):
        self.assertIn("4 records", self.reeve("audit", "verify").stdout)
        path = self.audit_files()[0]
        whole = path.read_bytes()
        at = whole.index(b"flag/flag2")
        path.write_bytes(whole[:at] + b"flag/flag9" + whole[at + 10:])
        refused = self.reeve("audit", "verify", expect=1)
        self.assertIn("record 3 is the first", refused.stderr)
        self.assertIn("audit-000001.log", refused.stderr)
        found = json.loads(self.reeve("audit", "verify", "-o", "json", expect=1).stdout)
        self.assertFalse(found["audit_proof"]["is_sound"])
        self.assertEqual(found["audit_proof"]["fault"]["sequence"], 3)
        self.assertEqual(self.reeve("audit", "ls", expect=1).stdout, "")
        # What cannot be audited is not done.
        self.reeve("flag", "set", "flag9", "--on", expect=1)
        self.assertNotIn("flag9", self.reeve("flag", "ls").stdout)
        path.write_bytes(whole)
        self.reeve("audit", "verify")

    def test_a_tail_that_was_cut_off_is_missed(self):
        path = self.audit_files()[0]
        whole = path.read_bytes()
        for size in range(len(whole) - 200, len(whole)):
            path.write_bytes(whole[:size])
            self.reeve("audit", "verify", expect=1)
        path.unlink()
        self.reeve("audit", "verify", expect=1)

    def test_a_log_that_was_put_back_is_found_by_a_checkpoint(self):
        early = self.reeve("audit", "checkpoint").stdout.strip()
        copy = self.directory / "copy"
        shutil.copytree(self.state / "audit", copy)
        self.reeve("flag", "rm", "flag0")
        late = self.reeve("audit", "checkpoint").stdout.strip()
        key = self.reeve("audit", "key").stdout.strip()
        for line in (early, late):
            self.reeve("audit", "verify", "--checkpoint", line, "--public-key", key)
        shutil.rmtree(self.state / "audit")
        shutil.copytree(copy, self.state / "audit")
        self.reeve("audit", "verify")
        refused = self.reeve("audit", "verify", "--checkpoint", late, expect=1)
        self.assertIn("put back", refused.stderr)
        other = "0" * 64
        self.reeve("audit", "verify", "--public-key", other, expect=1)
        self.reeve("audit", "verify", "--public-key", "zz", expect=6)

    def test_export_is_read_by_other_programs(self):
        lines = self.reeve("audit", "export").stdout.splitlines()
        self.assertEqual([json.loads(line)["sequence"] for line in lines], [1, 2, 3, 4])
        rows = list(csv.DictReader(io.StringIO(self.reeve("audit", "export", "--format",
                                                          "csv").stdout)))
        self.assertEqual([row["object"] for row in rows], [f"flag/flag{i}" for i in range(4)])
        self.assertEqual(len(self.json("audit", "ls", "--limit", "2")["audit"]), 2)
        self.assertEqual(self.json("audit", "ls", "--action", "runs.act")["audit"], [])

    def test_without_a_log(self):
        shutil.rmtree(self.state / "audit")
        for verb in ("verify", "ls", "export", "checkpoint", "key"):
            self.reeve("audit", verb, expect=3)

    def test_a_program_of_its_own_can_check_the_chain(self):
        """As docs/security.md says the format is."""
        import hashlib  # pylint: disable=import-outside-toplevel
        data = self.audit_files()[0].read_bytes()
        self.assertEqual(data[:8], b"reeveau1")
        log, chain, at, records = data[8:24], data[36:68], 132, 0
        public = bytes.fromhex((self.state / "audit" / "signing.pub").read_text(encoding="utf-8"))
        self.assertEqual(log, hashlib.blake2b(public, digest_size=32).digest()[:16])
        self.assertEqual(chain, hashlib.blake2b(b"reeve audit log 1\n" + log,
                                                digest_size=32).digest())
        while at < len(data):
            size = int.from_bytes(data[at:at + 4], "little")
            entry = data[at:at + 5 + size]
            chain = hashlib.blake2b(chain + entry, digest_size=32).digest()
            self.assertEqual(chain, data[at + 5 + size:at + 37 + size])
            records += entry[4:5] == b"R"
            at += 37 + size
        self.assertEqual(records, 4)


class Flags(SecurityCase):
    def test_flags_are_set_asked_and_removed_with_their_history(self):
        self.reeve("flag", "set", "report", "--on", "--rollout", "0")
        self.assertEqual(self.reeve("flag", "ask", "report", "--subject", "x").stdout, "off\n")
        self.reeve("flag", "set", "report", "--namespace", "lab")
        asked = self.reeve("flag", "ask", "report", "--subject", "x", "--namespace", "lab")
        self.assertEqual(asked.stdout, "on\n")
        self.assertIn("rule 1", asked.stderr)
        self.reeve("flag", "set", "report", "--off")
        self.reeve("flag", "rm", "report")
        self.assertEqual(self.json("flag", "ls")["flags"], [])
        history = self.json("flag", "history", "report")["flags"]
        self.assertEqual([each["version"] for each in history], [4, 3, 2, 1])
        self.assertTrue(history[0]["removed"])
        self.reeve("flag", "rm", "report", expect=3)
        self.reeve("flag", "set", "Bad", "--on", expect=6)
        self.reeve("flag", "set", "x", "--rollout", "101", expect=2)
        self.reeve("flag", "set", "x", "--on", "--off", expect=2)

    def test_a_flag_as_json(self):
        self.write("f.json", '{"name": "a", "on": true, "rules": [{"labels": {"k": "v"}}]}')
        self.reeve("flag", "set", "a", "--file", "f.json")
        self.assertEqual(self.reeve("flag", "ask", "a", "--label", "k=v").stdout, "on\n")
        self.write("f.json", '{"name": "a", "onn": true}')
        self.assertIn("did you mean 'on'?",
                      self.reeve("flag", "set", "a", "--file", "f.json", expect=6).stderr)


class Config(SecurityCase):
    def settings(self, *words):
        return {each["name"]: each for each in self.json("config", "show", *words)["settings"]}

    def test_every_value_says_where_it_comes_from(self):
        self.write("reeve.toml", '[server]\nlisten = "127.0.0.1:1"\nconnections_max = 5\n')
        self.environment["REEVE_LOG_LEVEL"] = "debug"
        found = self.settings("--config", "reeve.toml", "--set", "server.connections_max=6")
        self.assertEqual((found["server.listen"]["value"], found["server.listen"]["place"]),
                         ("127.0.0.1:1", "reeve.toml:2:10"))
        self.assertEqual((found["server.connections_max"]["value"],
                          found["server.connections_max"]["origin"]), (6, "flag"))
        self.assertEqual((found["log.level"]["value"], found["log.level"]["origin"]),
                         ("debug", "environment"))
        self.assertEqual(found["server.heartbeat"]["value"], 15)

    def test_what_is_wrong_is_refused_all_at_once(self):
        self.write("bad.toml", '[server]\nlisen = "x"\n\n[log]\nlevel = "loud"\n')
        refused = self.reeve("config", "show", "--config", "bad.toml", expect=6).stderr
        self.assertIn("bad.toml:2:1: there is no setting 'server.lisen': did you mean "
                      "'server.listen'?", refused)
        self.assertIn("bad.toml:5:9: log.level: one of debug, info, warning, error is expected",
                      refused)
        self.reeve("config", "show", "--config", "none.toml", expect=3)
        self.environment["REEVE_SERVER_LISEN"] = "x"
        self.assertIn("REEVE_SERVER_LISTEN", self.reeve("config", "show", expect=6).stderr)


class Kills(SecurityCase):
    def test_a_command_that_is_killed_leaves_a_log_that_is_sound(self):
        self.reeve("flag", "set", "x", "--on")
        for i in range(30):
            command = self.start("flag", "set", f"x{i}", "--on")
            try:
                command.wait(timeout=0.001 * i)
            except subprocess.TimeoutExpired:
                command.kill()
                command.wait()
            self.reeve("audit", "verify")
        self.reeve("flag", "set", "last", "--on")
        audited = {json.loads(line)["object"]
                   for line in self.reeve("audit", "export").stdout.splitlines()}
        with sqlite3.connect(pathlib.Path(self.state, "flags.db")) as flags:
            names = {f"flag/{name}" for (name,) in flags.execute("SELECT name FROM flags")}
        self.assertLessEqual(names, audited)  # nothing was done that is not in the log
        self.assertTrue(re.search("flag/last", " ".join(audited)))


if __name__ == "__main__":
    unittest.main()
