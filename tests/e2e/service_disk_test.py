"""Bad days of the disk under a service: full, damaged, of another version. What was acknowledged is
there afterwards; what was not, was refused in words; what can be read is read meanwhile."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

from service_case import ServiceCase

INSIDE = "REEVE_TEST_NAMESPACE"


class FullDisk(ServiceCase):
    """The state is on a tmpfs of 32 MiB."""

    options = ("--set", "engine.disk_reserve=6Mi")

    def setUp(self):
        self.log = None
        self.mounted = False
        super().setUp()

    def start(self, *words, **options):
        if not self.mounted:
            self.state.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "none",
                            str(self.state)], check=True)
            self.mounted = True
        self.log = open(self.directory / "log", "ab")
        self.addCleanup(self.log.close)
        process = subprocess.Popen([self.binary, *map(str, words)], cwd=self.directory, text=True,
                                   env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)
        self._started.append(process)
        return process

    def tearDown(self):
        super().tearDown()
        subprocess.run(["umount", "-l", str(self.state)], check=False)

    def fill(self, leave):
        with open(self.state / "ballast", "ab", buffering=0) as ballast:
            while True:
                place = os.statvfs(self.state)
                room = place.f_bavail * place.f_frsize - leave
                if room <= 0:
                    return
                try:
                    ballast.write(bytes(min(1 << 16, room)))
                except OSError:
                    return

    def said(self):
        return (self.directory / "log").read_text(encoding="utf-8")

    def test_new_runs_are_refused_before_it_is_too_late(self):
        before = [self.submit(command=["true"])["id"] for _ in range(5)]
        waiting = self.submit(command=["sleep", "600"])["id"]
        self.fill(leave=4 << 20)
        key = "the-same-key"
        refused = self.ask("POST", "/v1/runs", {"command": ["true"]}, key=key, expect=507)
        self.assertEqual(refused.body["type"], "urn:reeve:problem:insufficient-storage")
        self.assertIn("retry-after", refused.headers)
        bulk = self.ask("POST", "/v1/runs:bulk", '{"command": ["true"]}\n', expect=507,
                        content_type="application/x-ndjson")
        self.assertIn("disk", bulk.body["detail"])
        self.wait_for(lambda: "engine.disk_reserve" in self.said(), "the log to say so")
        for run in before:
            self.ask("GET", f"/v1/runs/{run}")
        # What makes room, or ends work, is done.
        self.ask("POST", f"/v1/runs/{waiting}/cancel", {}, expect=(200, 202))
        self.ended(waiting)
        (self.state / "ballast").unlink()
        run = self.ask("POST", "/v1/runs", {"command": ["true"]}, key=key, expect=201)
        self.assertEqual(self.ended(run.body["run"]["id"])["state"], "succeeded")
        self.assertEqual(self.query("SELECT count(*) FROM runs"), [(7,)])

    def test_without_a_reserve_nothing_acknowledged_is_lost(self):
        """The commit fails, so the engine ends rather than go on; the next start knows all."""
        self.restart_service(signal.SIGTERM, "--set", "engine.disk_reserve=0")
        acknowledged = [self.submit(command=["true"])["id"] for _ in range(3)]
        self.fill(leave=0)
        text = "x" * 60_000
        for number in range(2000):
            try:
                reply = self.ask("POST", "/v1/runs", {"command": ["true", text, str(number)]},
                                 expect=None)
            except (OSError, ValueError, AssertionError):
                break
            if reply.status != 201:
                self.assertIn(reply.status, (500, 503, 507, 429))
                break
            acknowledged.append(reply.body["run"]["id"])
        self.assertEqual(self.service.wait(timeout=30), 125)
        self.assertRegex(self.said(), "error +the engine failed cause=.*(full|space)")
        (self.state / "ballast").unlink()
        self.start_service()
        for run in acknowledged:
            self.ask("GET", f"/v1/runs/{run}")

    def test_an_answer_that_cannot_be_kept_is_told(self):
        """A change is done and acknowledged, and its answer could not be written to answers.db."""
        with sqlite3.connect(self.state / "answers.db") as database:
            names = [name for (name,) in
                     database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                database.execute(f"CREATE TRIGGER no_{name} BEFORE INSERT ON {name} BEGIN "
                                 "SELECT RAISE(ABORT, 'no room for answers'); END")
        self.ask("PUT", "/v1/flags/quick", {"enabled": True}, expect=None)
        self.submit(command=["true"])
        run = self.submit(command=["sleep", "600"])["id"]
        self.ask("POST", f"/v1/runs/{run}/cancel", {}, expect=(200, 202))
        self.wait_for(lambda: "an answer is not kept" in self.said(), "the line in the log")
        self.assertIn("no room for answers", self.said())


class Damaged(ServiceCase):
    def database(self):
        return self.state / "reeve.db"

    def close_state(self):
        self.assertEqual(self.stop_service(), 0)
        with sqlite3.connect(self.database()) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def refused(self):
        done = self.reeve("serve", *self.listen, expect=None, timeout=60)
        self.assertNotIn(done.returncode, (0, None))
        return done

    def test_a_damaged_page_is_refused_and_restored(self):
        runs = [self.submit(command=["true"])["id"] for _ in range(20)]
        for run in runs:
            self.ended(run)
        copy = self.directory / "copy.tar"
        self.reeve("backup", "--with-keys", copy)
        self.close_state()
        with open(self.database(), "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(4096 * 4))
        done = self.refused()
        self.assertRegex(done.stderr, "(?i)damaged|malformed|corrupt")
        self.assertIn("reeve restore", done.stderr)
        shutil.move(self.state, self.directory / "damaged")
        self.reeve("restore", copy, "--state", self.state)
        self.start_service()
        for run in runs:
            self.assertEqual(self.ask("GET", f"/v1/runs/{run}").body["run"]["state"], "succeeded")
        self.ended(self.submit(command=["true"])["id"])

    def test_a_newer_format_is_refused_untouched(self):
        self.submit(command=["true"])
        self.close_state()
        with sqlite3.connect(self.database()) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            database.execute("PRAGMA user_version = 9999")
        done = self.refused()
        self.assertRegex(done.stderr, "(?i)newer")
        self.assertEqual(self.query("PRAGMA user_version"), [(9999,)])
        self.assertEqual(self.query("SELECT count(*) FROM runs"), [(1,)])
        with sqlite3.connect(self.database()) as database:
            database.execute(f"PRAGMA user_version = {version}")
        self.start_service()
        self.ask("GET", "/v1/runs")


def main():
    if os.environ.get(INSIDE) != "1":
        flags = "-m" if os.geteuid() == 0 else "-rm"
        environment = {**os.environ, INSIDE: "1"}
        os.execvpe("unshare", ["unshare", flags, sys.executable, os.path.abspath(__file__),
                               *sys.argv[1:]], environment)
    unittest.main()


if __name__ == "__main__":
    main()
