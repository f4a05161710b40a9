"""kill -9 of a service under load, again and again: what it acknowledged is there, once.

    service_kills_test.py [--kills N] [--seed N]        REEVE_SERVICE_KILLS=N does as --kills

Clients hand in single runs and bulks, each with its key, and send again what got no answer; the
service is killed at a random moment and started again on the same directory. At the end each key
has one run and one id in all answers, all runs end, the audit chain holds, and a stream from the
first event on tells of each run's end once. The seed is printed.
"""

import argparse
import collections
import http.client
import json
import os
import random
import sys
import threading
import time
import unittest
import uuid

from service_case import ServiceCase

KILLS = 6
SEED = random.SystemRandom().randrange(2**32)
CLIENTS = 4
BULK = 20
ALIVE_SECONDS = 0.7
FLOW = json.dumps({"workflow": "name: w\ntasks: {a: {command: ['true'], if: 'false'}}\n"})


class Client(threading.Thread):
    """Goes on until it is told to stop, and then until what it began is answered."""

    def __init__(self, case, random_seed):
        super().__init__(daemon=True)
        self.case, self.random = case, random.Random(random_seed)
        self.answers = collections.defaultdict(list)  # key: [[id]], one for each answer
        self.statuses = collections.Counter()
        self.stopping = threading.Event()
        self.is_done = False

    def send(self, key, target, kind, body):
        address = self.case.address  # None while it starts
        if address is None:
            return 0, b""
        connection = http.client.HTTPConnection(*address, timeout=10)
        try:
            connection.request("POST", target, body, {
                "Authorization": f"Bearer {self.case.token}", "Content-Type": kind,
                "Idempotency-Key": key})
            reply = connection.getresponse()
            return reply.status, reply.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def run(self):
        self.hand_in()
        self.is_done = True

    def hand_in(self):
        while not self.stopping.is_set():
            is_bulk, key = self.random.random() < 0.2, str(uuid.uuid4())
            given = ("/v1/runs:bulk", "application/x-ndjson", (FLOW + "\n") * BULK) if is_bulk \
                else ("/v1/runs", "application/json", FLOW)
            # Now and then what was answered is sent again as well.
            for _ in range(2 if self.random.random() < 0.1 else 1):
                status = 0
                while status not in (200, 201):
                    status, raw = self.send(key, *given)
                    self.statuses[status] += 1
                    if status not in (200, 201):
                        time.sleep(0.05)
                    assert status in (0, 200, 201, 409, 429, 503), (status, raw)
                self.answers[key].append(self.ids(is_bulk, raw))

    @staticmethod
    def ids(is_bulk, raw):
        if not is_bulk:
            return [json.loads(raw)["run"]["id"]]
        accepted = sorted(json.loads(raw)["accepted"], key=lambda each: each["index"])
        return [each["id"] for each in accepted]


class ServiceKills(ServiceCase):
    def test_nothing_acknowledged_is_lost_or_done_twice(self):
        chance = random.Random(SEED)
        clients = [Client(self, chance.random()) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(KILLS):
            time.sleep(chance.random() * ALIVE_SECONDS)
            self.restart_service()
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(60)
            self.assertTrue(client.is_done, "a client got no answer, or one that it did not expect")
        wanted = {}
        for client in clients:
            for key, answers in client.answers.items():
                self.assertTrue(all(answer == answers[0] for answer in answers), answers)
                wanted[key] = answers[0]
        ids = [each for answer in wanted.values() for each in answer]
        self.assertEqual(len(ids), len(set(ids)), "two keys have one run")
        stored = self.query("SELECT count(*) FROM runs")[0][0]
        self.assertEqual(stored, len(ids), "runs that nobody was told of, or that are gone")
        self.wait_for(lambda: self.query("SELECT count(*) FROM runs WHERE state = 2") ==
                      [(stored,)], "the ends of all", 60)
        self.reeve("audit", "verify")
        told = sum((client.statuses for client in clients), collections.Counter())
        print(f"service kills: seed {SEED}, {KILLS} kills, {stored} runs, answers {dict(told)}",
              file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int,
                        default=int(os.environ.get("REEVE_SERVICE_KILLS", KILLS)))
    parser.add_argument("--seed", type=int, default=SEED)
    given_words, rest = parser.parse_known_args()
    KILLS, SEED = given_words.kills, given_words.seed
    unittest.main(argv=[sys.argv[0], *rest])
