"""What a service writes down for its operator, and the settings that change while it works:
log.level, log.format, server.streams_max, server.heartbeat."""

import json
import os
import re
import signal
import subprocess
import unittest

from service_case import ServiceCase


class ServiceLog(ServiceCase):
    def setUp(self):
        # The file of lines is there before the service is.
        self.log = None
        super().setUp()

    def start(self, *words, **options):
        if self.log is None:
            self.log = self.directory / "log"
        environment = {**self.environment}
        with open(self.log, "ab") as errors:
            found = os.fstat(errors.fileno())
            if self.under_journal:
                environment["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
            process = subprocess.Popen([self.binary, *map(str, words)], cwd=self.directory,
                                       text=True, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=errors,
                                       start_new_session=True, **options)
        self._started.append(process)
        return process

    under_journal = False

    def text(self):
        return self.log.read_text(encoding="utf-8")

    def line(self, wanted):
        def look():
            found = [each for each in self.text().splitlines() if wanted in each]
            return found[-1] if found else None
        return self.wait_for(look, f"a line with {wanted!r}; there is:\n{self.text()}")

    def settings(self, text):
        self.write(".reeve/reeve.toml", text)
        before = self.text().count("the settings")
        self.service.send_signal(signal.SIGHUP)
        self.wait_for(lambda: self.text().count("the settings") > before, "the reload")


class Plain(ServiceLog):
    def test_lines_levels_and_formats_as_they_change(self):
        ready = self.line("the service is ready")
        self.assertRegex(ready, r"^\d{4}-\d\d-\d\dT[\d:.]+Z info +the service is ready version=")
        self.raw("GET", "/v1/runs")
        refused = self.line("a request was refused")
        self.assertIn("status=401", refused)
        self.assertNotIn("a request was answered", self.text())

        self.settings('[log]\nlevel = "debug"\nformat = "json"\n')
        self.ask("GET", "/v1/runs?limit=7")
        answered = json.loads(self.line("a request was answered"))
        self.assertEqual(answered["level"], "debug")
        self.assertEqual(set(answered), {"ts", "level", "message", "fields"})
        fields = answered["fields"]
        self.assertEqual((fields["method"], fields["path"], fields["status"]),
                         ("GET", "/v1/runs", "200"))
        self.assertIn(":", fields["peer"])

        self.settings('[log]\nformat = "journald"\n')
        size = len(self.text())
        self.settings('[log]\nlevel = "loud"\n')
        self.assertRegex(self.text()[size:], r"(?m)^<3>the settings stay as they are cause=.*loud")

        self.write(".reeve/reeve.toml", '[log]\nlevel = "error"\n')
        self.ask("POST", "/v1/config/reload")
        size = len(self.text())
        self.raw("GET", "/v1/runs")
        self.settings('[log]\nlevel = "loud"\n')
        self.assertRegex(self.text()[size:],
                         r"^\S+Z error +the settings stay as they are [^\n]*\n$")

    def test_no_secret_is_ever_in_it(self):
        self.settings('[log]\nlevel = "debug"\n')
        secret = "correct-horse-battery"
        made = self.new_token("viewer")
        self.ask("PUT", "/v1/secrets/KEY", {"value": secret}, expect=None)
        self.ask("PUT", "/v1/users/ann", {"password": secret, "role": "viewer"}, expect=None)
        self.ask("GET", f"/v1/runs?q={secret}", expect=None)
        self.raw("GET", "/v1/runs", {"authorization": f"Bearer {made}x"})
        self.line("status=401")
        self.stop_service()
        for each in (secret, made, self.token):
            self.assertNotIn(each, self.text())

    def test_streams_are_counted_and_beat_as_told(self):
        self.settings('[server]\nstreams_max = 2\nheartbeat = "1s"\n')
        held = []
        for path in ("/v1/events", "/v1/events"):
            connection = self.connection()
            self.addCleanup(connection.close)
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            reply = connection.getresponse()
            self.assertEqual(reply.status, 200)
            held.append((connection, reply))
        full = self.ask("GET", "/v1/events", expect=429)
        self.assertEqual(full.body["type"], "urn:reeve:problem:too-many-streams")
        self.assertIn("retry-after", full.headers)
        run = self.submit(command=["true"])["id"]
        self.ended(run)
        task = self.ask("GET", f"/v1/runs/{run}/tasks").body["tasks"][0]["name"]
        self.ask("GET", f"/v1/runs/{run}/tasks/{task}/logs/stream", expect=429)
        lines = []
        while b": heartbeat\n" not in lines:
            lines.append(held[0][1].readline())
        held.pop()[0].close()
        self.settings('[server]\nstreams_max = 3\n')
        connection = self.connection()
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {self.token}"})
        self.assertEqual(connection.getresponse().status, 200)


class Journal(ServiceLog):
    under_journal = True

    def test_the_journal_is_given_priorities_and_no_time(self):
        self.assertRegex(self.line("the service is ready"), r"^<6>the service is ready ")
        self.assertEqual(re.findall(r"^(?!<[3-7]>)", self.text().rstrip("\n"), re.M), [])


class Nobody(ServiceCase):
    def test_who_does_not_read_what_it_says_does_not_hold_it_up(self):
        """stdout and stderr are a pipe here that nobody empties."""
        self.write(".reeve/reeve.toml", '[log]\nlevel = "debug"\n')
        self.service.send_signal(signal.SIGHUP)
        self.description = None  # it is looked at elsewhere
        connection = self.connection()
        for _ in range(2500):
            self.raw("GET", "/livez", connection=connection)
        self.assertEqual(self.stop_service(), 0)


if __name__ == "__main__":
    unittest.main()
