"""Backup of a state that is in use, and what restore makes of it, and of files that are none."""

import fcntl
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import tarfile
import unittest

from reeve_case import ReeveCase
from service_case import ServiceCase

ONE = "name: one\ntasks:\n  a: {run: echo hello}\n"


class Audited(ServiceCase):
    def made(self, name, *options, **more):
        """What `backup -o json` says, and what it says of it on stderr."""
        done = self.reeve("backup", "--state", self.state, self.directory / name, "-o", "json",
                          *options, **more)
        return json.loads(done.stdout)["backup"], done.stderr

    def records(self):
        found = json.loads(self.reeve("audit", "ls", "--state", self.state, "--action",
                                      "backups.write", "-o", "json").stdout)["audit"]
        return [(each["object"], each["from"], each["result"]) for each in found]

    def test_a_backup_is_in_the_audit_log(self):
        self.ended(self.submit(workflow=ONE)["id"])
        first, second = self.directory / "first", self.directory / "second"
        said, _ = self.made("first", "--with-keys")
        self.assertEqual((said["file"], said["state"], said["with_keys"], said["with_logs"],
                          said["audited"]), (str(first), str(self.state), True, False, True))
        self.assertGreater(said["files"], 5)
        self.assertEqual(said["size_bytes"], first.stat().st_size)
        self.assertEqual(self.records(), [(f"backup with keys/{first}", "unix", "allowed")])
        # It holds the record of itself.
        other = self.directory / "elsewhere"
        self.reeve("restore", first, "--state", other)
        self.assertIn(str(first), self.reeve("audit", "ls", "--state", other).stdout)
        self.stop_service()
        self.assertTrue(self.made("second", "--with-logs")[0]["audited"])
        self.assertEqual(self.records()[1:], [(f"backup/{second}", "command", "allowed")])
        self.reeve("audit", "verify", "--state", self.state)

    def test_what_cannot_be_recorded_is_said_and_made_nevertheless(self):
        self.ended(self.submit(workflow=ONE)["id"])
        self.stop_service()
        (log,) = (self.state / "audit").glob("audit-*.log")
        content = bytearray(log.read_bytes())
        content[200] ^= 1
        log.write_bytes(content)
        said, talk = self.made("first")
        self.assertFalse(said["audited"])
        self.assertIn("this backup is not in the audit log: ", talk)
        self.assertTrue((self.directory / "first").exists())
        # Where there never was a service there is no log, and none is made.
        self.state = self.directory / "small"
        self.reeve("run", "--state", self.state, "--", "true")
        said, talk = self.made("second")
        self.assertFalse(said["audited"])
        self.assertNotIn("audit", talk)
        self.assertFalse((self.state / "audit").exists())

    def test_only_who_may_make_backups_notes_them(self):
        self.ask("POST", "/v1/backups", {"file": "/x"}, token=self.new_token("admin"), expect=403)
        self.ask("POST", "/v1/backups", {"file": "/x", "with": 1}, expect=422)
        self.ask("POST", "/v1/backups", {}, expect=422)
        self.ask("POST", "/v1/backups", {"file": "/x"}, expect=204)


class BackupUnderLoad(ServiceCase):
    def test_backup_under_load_kill_restore_elsewhere(self):
        many = "name: many\ntasks:\n" + "".join(
            f"  t{i}: {{run: 'echo {i}'}}\n" for i in range(200))
        first = self.submit(workflow=ONE)
        self.ended(first["id"])
        file = self.directory / "backup"
        self.submit(workflow=many)
        self.wait_for(lambda: self.query("SELECT count(*) FROM attempts")[0][0] > 3, "attempts")
        before = self.query("SELECT count(*) FROM attempts")[0][0]
        self.reeve("backup", "--state", self.state, file)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.stop_service(signal.SIGKILL)
        with tarfile.open(file) as archive:
            names = archive.getnames()
        for name in ("reeve.db", "security.db", "answers.db", "audit/signing.key", "audit/head"):
            self.assertIn(name, names)
        for name in ("secrets.key", "admin.token"):
            self.assertNotIn(name, names)
        self.assertFalse(list(self.directory.glob("backup.*")), "nothing is left beside it")

        other = self.directory / "elsewhere"
        self.reeve("restore", file, "--state", other)
        self.assertEqual(stat.S_IMODE((other / "audit" / "signing.key").stat().st_mode), 0o600)
        self.reeve("audit", "verify", "--state", other)
        rows = json.loads(self.reeve("ls", "-o", "json", "--state", other).stdout)
        self.assertIn("many", json.dumps(rows))
        self.reeve("show", "1", "--state", other)
        self.state = other
        self.assertIn(self.query("SELECT state FROM runs WHERE id = 2"), ([(0,)], [(1,)]),
                      "it was made while the run went on")
        self.assertGreaterEqual(self.query("SELECT count(*) FROM attempts")[0][0], before)
        self.reeve("resume", "2", "--state", other, "--plain", timeout=100)
        self.assertEqual(self.query("SELECT state FROM runs ORDER BY id"), [(2,), (2,)])
        self.reeve("replay", "--state", other)
        # A service goes on there: its audit log with the same key, tokens with their holders.
        token = self.token
        shutil.copy(self.directory / ".reeve" / "admin.token", other / "admin.token")
        self.start_service("--state", other)
        self.assertEqual(self.token, token)
        self.ended(self.submit(workflow=ONE)["id"])
        self.stop_service()
        self.reeve("audit", "verify", "--state", other)


class BackupFiles(ReeveCase):
    def setUp(self):
        super().setUp()
        self.write("w.yaml", ONE)
        self.reeve("run", "w.yaml")
        self.reeve("flag", "set", "x", "--on")
        self.file = self.directory / "backup"
        self.reeve("backup", self.file)

    def restored(self, file, name="out", expect=0):
        return self.reeve("restore", file, "--state", self.directory / name, expect=expect)

    def test_every_flipped_byte_is_found(self):
        whole = self.file.read_bytes()
        ends = [len(whole) - 1 - i for i in range(0, 4096, 97)]
        places = list(range(0, 1600, 23)) + ends + random.Random(5).sample(range(len(whole)), 120)
        bad = self.directory / "bad"
        for place in places:
            changed = bytearray(whole)
            changed[place] ^= 1 << (place % 8)
            bad.write_bytes(changed)
            done = self.reeve("restore", "--check", bad, expect=None)
            self.assertIn(done.returncode, (1, 6), f"byte {place}: {done.stderr}")
        for size in (0, 1, 511, 512, 5000, len(whole) - 512, len(whole) - 1):
            bad.write_bytes(whole[:size])
            self.assertEqual(self.reeve("restore", "--check", bad, expect=None).returncode, 1)
        bad.write_bytes(whole + b"\0")
        self.assertIn("follows its end", self.restored(bad, expect=1).stderr)
        self.assertFalse((self.directory / "out").exists(), "nothing was made")

    def test_what_is_asked_for_comes_and_nothing_else(self):
        (self.state / "secrets.key").write_text("0" * 64 + "\n")
        (self.state / "secrets.key").chmod(0o600)
        (self.state / "admin.token").write_text("reeve_x\n")
        (self.state / "work").mkdir()
        (self.state / "work" / "file").write_text("x")
        plain = self.directory / "plain"
        self.reeve("backup", plain)
        with tarfile.open(plain) as archive:
            self.assertFalse({name.split("/")[0] for name in archive.getnames()} -
                             {"reeve-backup.json", "reeve.db", "flags.db", "audit", "artifacts",
                              "DIGESTS", "ARCHIVE"})
        full = self.directory / "full"
        self.reeve("backup", "--with-keys", "--with-logs", full)
        with tarfile.open(full) as archive:
            names = archive.getnames()
            self.assertEqual(archive.getmember("secrets.key").mode, 0o600)
        self.assertIn("secrets.key", names)
        self.assertTrue([name for name in names if name.endswith("/0.1.log")])
        self.restored(full)
        self.assertIn("hello", self.reeve("logs", "1", "--state", self.directory / "out").stdout)

    def test_places_that_are_not_empty_or_in_use_are_refused(self):
        self.assertIn("is not empty", self.reeve("restore", self.file, expect=6).stderr)
        self.assertIn("is there already", self.reeve("backup", self.file, expect=6).stderr)
        self.reeve("backup", self.directory / "none", "--state", self.directory / "no", expect=3)
        self.reeve("restore", self.directory / "none", expect=3)
        self.restored(self.file)
        self.assertIn("is not empty", self.restored(self.file, expect=6).stderr)

    def test_a_directory_that_is_locked_is_refused(self):
        out = self.directory / "out"
        out.mkdir()
        with open(out / "engine.lock", "w", encoding="utf-8") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            self.assertIn("another engine", self.restored(self.file, expect=6).stderr)
        self.restored(self.file)

    def test_names_and_modes_of_artifacts(self):
        box = self.state / "artifacts" / "ab" / ("c" * 62)
        box.mkdir(parents=True)
        names = ("n" * 101, "n" * 250, "line\nfeed", "space and \u00fc", "back\\slash", "x" * 29)
        for number, name in enumerate(names):
            (box / name).write_bytes(bytes([number]) * (511 + number))
            (box / name).chmod(0o444)
        (box / "link").symlink_to("/etc/passwd")
        new = self.directory / "new"
        self.reeve("backup", new)
        self.restored(new)
        other = self.directory / "out" / "artifacts" / "ab" / ("c" * 62)
        self.assertEqual(sorted(os.listdir(other)), sorted(names))
        with tarfile.open(new) as archive:
            for number, name in enumerate(names):
                content = bytes([number]) * (511 + number)
                self.assertEqual((other / name).read_bytes(), content)
                self.assertEqual(stat.S_IMODE((other / name).stat().st_mode), 0o444)
                member = archive.extractfile(f"artifacts/ab/{'c' * 62}/{name}")
                self.assertEqual(member.read(), content)
        place = self.directory / "by-tar"
        place.mkdir()
        subprocess.run(["tar", "xf", self.file, "-C", place], check=True)
        subprocess.run(["b2sum", "-l", "256", "--quiet", "-c", "DIGESTS"], check=True, cwd=place)

    def hostile(self, *members):
        """A tar file whose entries tarfile has made; each: name, content, changes to the header."""
        path = self.directory / "hostile"
        with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
            for name, content, changes in members:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                entry.mode = 0o600
                for key, value in changes.items():
                    setattr(entry, key, value)
                archive.addfile(entry, io.BytesIO(content))
        return path

    def test_hostile_archives_are_refused(self):
        head = ("reeve-backup.json", b'{"format":"reeve-backup","version":1}\n', {})
        cases = (
            ("leads out", (head, ("../evil", b"x", {}))),
            ("leads out", (head, ("/etc/evil", b"x", {}))),
            ("leads out", (head, ("audit/../../evil", b"x", {}))),
            ("no part of a state", (head, ("work", b"x", {}))),
            ("is a link", (head, ("audit", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc"}))),
            ("is a link", (head, ("audit", b"", {"type": tarfile.LNKTYPE, "linkname": "x"}))),
            ("is a link", (head, ("reeve.db", b"", {"type": tarfile.FIFOTYPE}))),
            ("before its directory", (head, ("audit/head", b"x", {}))),
            ("twice", (head, ("flags.db", b"x", {}), ("flags.db", b"y", {}))),
            ("permissions", (head, ("flags.db", b"x", {"mode": 0o4755}))),
            ("formats up to 1", (("reeve-backup.json", b'{"version":2}\n', {}),)),
            ("does not say", (("reeve-backup.json", b'{"version":"1"}\n', {}),)),
            ("no backup", (("something", b"x", {}),)),
        )
        for said, members in cases:
            done = self.restored(self.hostile(*members), expect=None)
            self.assertIn(done.returncode, (1, 6), done.stderr)
            self.assertIn(said, done.stderr)
            self.assertFalse((self.directory / "out").exists())
            self.assertFalse((self.directory / "evil").exists())

    def test_damaged_page_is_told_and_restore_works(self):
        database = self.state / "reeve.db"
        with sqlite3.connect(database) as connection:
            root = connection.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'").fetchone()[0]
            size = connection.execute("PRAGMA page_size").fetchone()[0]
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with open(database, "r+b") as opened:
            opened.seek((root - 1) * size)
            opened.write(b"\xa5" * size)
        for command in (("ls",), ("backup", self.directory / "second")):
            done = self.reeve(*command, expect=None)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("is damaged", done.stderr)
        self.assertFalse((self.directory / "second").exists())
        os.rename(self.state, self.directory / "broken")
        self.reeve("restore", self.file)
        self.assertIn("one", self.reeve("ls").stdout)
        self.reeve("run", "w.yaml")


if __name__ == "__main__":
    unittest.main()
