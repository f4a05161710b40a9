"""A service that finds a state directory of an older format brings it up to date, goes on with the
runs in it, and all commands work on it afterwards. What the older one wrote is in formats/."""

import base64
import json
import pathlib
import sqlite3
import unittest

from service_case import ServiceCase

FORMATS = pathlib.Path(__file__).resolve().parent / "formats"
STORES = FORMATS.parent.parent / "conformance" / "formats"
NEWEST = 7


class Older(ServiceCase):
    def setUp(self):
        super(ServiceCase, self).setUp()  # the service starts when the state is there

    def make_database(self, dump):
        self.state.mkdir(mode=0o700, exist_ok=True)
        with sqlite3.connect(self.state / "reeve.db") as database:
            database.executescript(dump.read_text(encoding="utf-8"))
            # Where its runs work is a directory of the state.
            database.execute("UPDATE origins SET directory = ?",
                             (str(self.state / "work" / "default"),))
        database.close()

    def make_format_6(self):
        self.make_database(FORMATS / "state_v6.sql")
        (self.state / "work" / "default").mkdir(parents=True)
        logs = json.loads((FORMATS / "state_v6_logs.json").read_text(encoding="utf-8"))
        for name, text in logs.items():
            path = self.state / "logs" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(base64.b64decode(text))

    def version(self):
        return self.query("PRAGMA user_version")[0][0]

    def test_format_6_goes_on_where_it_was(self):
        self.make_format_6()
        self.assertEqual(self.version(), 6)
        refused = self.reeve("ls", expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("older format", refused.stderr)
        self.start_service()
        self.assertEqual(self.version(), NEWEST)
        states = {run["number"]: run["state"] for run in self.ask("GET", "/v1/runs").body["runs"]}
        self.assertEqual(states, {1: "succeeded", 2: "failed", 3: "running", 4: "queued"})
        # Run 3 waits for a person, and run 4 for the concurrency group that 3 holds.
        waits = self.ask("GET", "/v1/runs/4/explain").body["explanation"]
        self.assertEqual(waits["reason"], "concurrency_busy")
        follower = self.submit(command=["echo", "at last"], after=[{"run": "4"}, {"run": "1"}])
        self.ask("POST", "/v1/runs/3/approve", {"task": "gate"}, expect=(200, 202))
        for number in (3, 4, follower["number"]):
            self.assertEqual(self.ended(number)["state"], "succeeded", number)
        self.reeve("retry", "2", "--failed")
        self.assertEqual(self.ended(2)["round"], 2)
        self.look_at_all(follower)

    def look_at_all(self, follower):
        for has_service in (True, False):
            listed = self.reeve("ls", "-o", "json").stdout
            self.assertEqual([(run["number"], run["after"] == [])
                              for run in json.loads(listed)["runs"]],
                             [(5, False), (4, True), (3, True), (2, True), (1, True)])
            self.assertIn("gated", self.reeve("show", "3").stdout)
            self.assertIn("4 (success): succeeded", self.reeve("show", follower["id"]).stdout)
            self.assertIn("exit status 3", self.reeve("explain", "2/bad").stdout)
            for run, text in (("1", "hello of format 6"), ("3/build", "built by format 6"),
                              ("3/ship", "shipped"), ("5", "at last")):
                self.assertIn(text, self.reeve("logs", run).stdout)
            if has_service:
                self.assertEqual(self.stop_service(), 0)
        replayed = self.reeve("replay", "-o", "json")
        self.assertNotIn("diverge", replayed.stderr)
        steps = self.query("SELECT max(step) FROM journal")[0][0]
        self.assertIn(str(steps), replayed.stdout)

    def test_a_crash_on_the_way_is_made_good_at_the_next_start(self):
        self.make_format_6()
        # What a kill between two steps of the migration leaves: the older format, whole.
        for _ in range(2):
            self.start_service()
            self.assertEqual(self.ask("GET", "/v1/runs/3").body["run"]["state"], "running")
            self.stop_service(9)
        self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.version(), NEWEST)

    def test_every_older_format_opens(self):
        dumps = sorted(STORES.glob("store_v*.sql"))
        self.assertEqual(len(dumps), NEWEST - 1)
        for dump in dumps:
            with self.subTest(dump.name):
                self.state = self.directory / dump.stem
                self.environment["REEVE_STATE"] = str(self.state)
                self.make_database(dump)
                # Its only open run is not one that an engine would have left behind.
                with sqlite3.connect(self.state / "reeve.db") as database:
                    database.execute("UPDATE runs SET state = 3 WHERE state < 2")
                database.close()
                self.start_service("--state", str(self.state))
                self.assertEqual(self.version(), NEWEST)
                runs = self.ask("GET", "/v1/runs").body["runs"]
                self.assertEqual(len(runs), self.query("SELECT count(*) FROM runs")[0][0])
                self.assertEqual(self.ended(self.submit(command=["true"])["id"])["state"],
                                 "succeeded")
                self.assertEqual(self.stop_service(), 0)


if __name__ == "__main__":
    unittest.main()
