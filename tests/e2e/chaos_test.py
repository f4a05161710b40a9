"""kill -9 of the engine, the supervisor or both, at random moments of one long run.

    chaos_test.py [--kills N] [--tasks N] [--seed N]

After each kill the run is resumed. At the end every task has exactly one accepted result, no
attempt has run twice, and no task has run again after its end was recorded. Each task tells that it
starts by a line in a file of the test's, which the engine does not know of. The seed is printed.
"""

import argparse
import collections
import os
import random
import signal
import sys
import time
import unittest

import reeve_case
from reeve_case import EXITED, RUN_SUCCEEDED, SUCCEEDED, ReeveCase

KILLS = 200
TASKS = 2000
SEED = random.SystemRandom().randrange(2**32)
WORKFLOW = """
name: chaos
tasks:
  element:
    array: {tasks}
    retry: {{backoff: 1ms}}
    run: |
      echo "$REEVE_TASK_INDEX $REEVE_ATTEMPT" >> started
      sleep 0.0{short}
"""


class Chaos(ReeveCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        print(f"chaos: seed {SEED}, {KILLS} kills, {TASKS} tasks", file=sys.stderr)

    def recorded_ends(self):
        return {index for index, state in self.task_states().items() if state == SUCCEEDED}

    def supervisors(self):
        return list(reeve_case.processes_of(self.state))

    def kill(self, engine, victim):
        if victim in ("engine", "both"):
            engine.kill()
        if victim in ("supervisor", "both"):
            for pid in self.supervisors():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def disturb(self, engine):
        """One kill at a random moment; gives an engine that works again, and what was recorded."""
        time.sleep(self.random.uniform(0, 0.25))
        if engine.poll() is not None:
            return None
        victim = self.random.choice(("engine", "supervisor", "both"))
        self.kill(engine, victim)
        self.victims[victim] += 1
        if victim == "supervisor":
            return engine
        engine.wait()
        # Of a dead engine: what is recorded now was recorded before whatever comes.
        recorded = self.recorded_ends()
        self.snapshots.append((len(self.lines("started")), recorded))
        return self.start("resume", "-j", "2")

    def test_nothing_is_lost_and_nothing_runs_twice(self):
        path = self.write("chaos.yaml", WORKFLOW.format(tasks=TASKS, short=2))
        self.victims = collections.Counter()
        self.snapshots = []
        engine = self.start("run", "-j", "2", path)
        self.wait_for(lambda: self.lines("started"), "the first task")
        for _ in range(KILLS):
            after = self.disturb(engine)
            if after is None:
                break
            engine = after
        print(f"chaos: {dict(self.victims)}, {len(self.recorded_ends())} tasks had ended",
              file=sys.stderr)
        output, _ = engine.communicate(timeout=250)
        self.assertEqual(engine.returncode, 0, output)
        self.assertEqual(sum(self.victims.values()), KILLS,
                         "the run was over before the last kill: " + output)
        self.check_results()
        self.check_starts()

    def check_results(self):
        self.assertEqual(self.query("SELECT state FROM runs"), [(RUN_SUCCEEDED,)])
        self.assertEqual(self.recorded_ends(), set(range(TASKS)))
        accepted = self.query("SELECT task & 0xffffffff, number FROM attempts "
                              "WHERE outcome = ? AND code = 0", EXITED)
        self.assertEqual(sorted(index for index, _ in accepted), list(range(TASKS)))
        self.accepted = dict(accepted)

    def check_starts(self):
        starts = [tuple(map(int, line.split())) for line in self.lines("started")]
        counts = collections.Counter(starts)
        self.assertEqual([start for start, count in counts.items() if count > 1], [],
                         "an attempt ran twice")
        self.assertEqual([start for start in starts if start[1] > self.accepted[start[0]]], [],
                         "a task ran again after its accepted attempt")
        self.assertEqual(set(self.accepted.items()) - set(starts), set(),
                         "an accepted attempt never started")
        for position, recorded in self.snapshots:
            again = [start for start in starts[position:] if start[0] in recorded]
            self.assertEqual(again, [], "a task ran again after its end was recorded")
        print(f"chaos: {len(starts)} starts for {TASKS} tasks", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--tasks", type=int, default=TASKS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    KILLS, TASKS, SEED = given.kills, given.tasks, given.seed
    unittest.main(argv=sys.argv[:1])
