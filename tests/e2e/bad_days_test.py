"""Bad days of tasks, engines and clocks, each on the built program."""

import subprocess
import time
import unittest

from reeve_case import EXITED, FAILED, SIGNALLED, SUCCEEDED, TIMED_OUT, ReeveCase, is_running

CLOCK_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
/* The wall clock, an hour behind. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec -= 3600;
    return result;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (out) *out = precise.tv_sec;
    return precise.tv_sec;
}
"""


class Tasks(ReeveCase):
    def outcomes(self):
        return self.query("SELECT outcome, code FROM attempts ORDER BY task, number")

    def test_a_task_that_ignores_sigterm_is_killed_after_its_grace(self):
        path = self.write("stubborn.yaml", """
name: stubborn
tasks:
  stubborn:
    timeout: {run: 200ms, grace: 200ms}
    run: |
      trap '' TERM
      echo > begun
      while :; do sleep 1.0625; done
""")
        began = time.monotonic()
        self.reeve("run", path, expect=None)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(self.task_states(), {0: TIMED_OUT})
        self.assertTrue((self.directory / "begun").exists())
        self.assertFalse(is_running("1.0625"))

    def test_a_daemon_does_not_outlive_its_task(self):
        path = self.write("daemon.yaml", """
name: daemon
tasks:
  daemon:
    run: |
      setsid sh -c 'sh -c "echo 1 > begun; exec sleep 600.0625" > /dev/null 2>&1 &' &
      while ! [ -s begun ]; do sleep 0.01; done
  neighbour:
    run: echo fine
""")
        self.reeve("run", path)
        self.wait_for(lambda: not is_running("600.0625"), "the daemon to be gone")
        self.assertEqual(self.task_states(), {0: SUCCEEDED, 1: SUCCEEDED})

    def test_death_by_signal_is_told_and_tried_again_only_if_asked(self):
        path = self.write("signals.yaml", """
name: signals
tasks:
  once:
    retry: {max: 2, backoff: 1ms, on: [exit]}
    run: kill -SEGV $$
  again:
    retry: {max: 2, backoff: 1ms, on: [signal]}
    run: kill -KILL $$
""")
        self.reeve("run", path, expect=1)
        self.assertEqual(self.outcomes(), [(SIGNALLED, 11)] + [(SIGNALLED, 9)] * 3)

    def test_ten_gigabytes_of_output(self):
        path = self.write("torrent.yaml", """
name: torrent
tasks:
  torrent:
    run: head -c 10G /dev/zero | tr '\\0' x
  neighbour:
    array: 20
    run: echo "$REEVE_TASK_INDEX"
""")
        self.reeve("run", path, expect=1, timeout=110)
        states = self.task_states()
        self.assertEqual(states.pop(0), FAILED)
        self.assertEqual(set(states.values()), {SUCCEEDED})
        kept = sum(file.stat().st_size for file in self.state.rglob("*") if file.is_file())
        self.assertLess(kept, 300 << 20)

    def test_commands_that_are_missing_or_not_executable(self):
        self.write("plain.txt", "no program\n")
        self.reeve("run", "--", "./no-such-command", expect=127)
        self.reeve("run", "--", "no-such-command-anywhere", expect=127)
        self.reeve("run", "--", "./plain.txt", expect=126)
        self.reeve("run", "--", "/", expect=126)

    def test_what_the_task_names_and_is_missing_fails_at_once(self):
        """A retry would wait for an hour."""
        self.write("plain.txt", "no program\n")
        self.write("file", "")
        (self.directory / "link").symlink_to("/srv")
        faults = {
            "workdir": ("workdir: nowhere, run: x", "cannot work in", "`workdir`"),
            "no_directory": ("workdir: file, run: x", "it is no directory"),
            "linked": ("workdir: link, run: x", "symbolic link"),
            "outside": ("workdir: nowhere, sandbox: none, run: x", "cannot change to", "`workdir`"),
            "readable": ("sandbox: {readable: [/not/there]}, run: x", "/not/there", "`readable`"),
            "writable": ("sandbox: {writable: [out]}, run: x", "/out: No such", "`writable`"),
            "loop": ("sandbox: {writable: [self/x]}, run: x", "self"),
            "program": ("command: [./no-such]", "./no-such"),
            "anywhere": ("command: [no-such-anywhere]", "not found in PATH"),
            "plain": ("command: [./plain.txt]", "./plain.txt"),
        }
        (self.directory / "self").symlink_to("self")
        tasks = "".join(f"  {name}: {{{fault[0]}}}\n" for name, fault in faults.items())
        self.write("w.yaml", "name: missing\ndefaults:\n  retry: {max: 9, backoff: {initial: 1h, "
                             "jitter: false}, on: [exit, rejected]}\n"
                             f"tasks:\n{tasks}")
        done = self.reeve("run", "--allow", "unsandboxed", "w.yaml", expect=1, timeout=30)
        self.assertEqual(self.query("SELECT count(*) FROM attempts"), [(len(faults),)])
        for name, (_, *words) in faults.items():
            said = self.reeve("explain", f"last/{name}").stdout
            for word in words:
                self.assertIn(word, said + done.stderr, name)
            self.assertIn("what it names would be missing again", said)


class Engines(ReeveCase):
    def test_a_second_engine_refuses_and_names_the_first(self):
        first = self.start("run", "--", "sh", "-c", "touch began; while ! [ -e go ]; do sleep .01; "
                                                    "done")
        self.wait_for((self.directory / "began").exists, "the first run")
        second = self.reeve("run", "--", "true", expect=6)
        self.assertIn(str(first.pid), second.stderr)
        self.write("go", "")
        self.assertEqual(first.wait(timeout=30), 0)
        self.reeve("run", "--", "true")

    def test_running_attempts_are_found_again(self):
        """Their engine dies, they go on; the next engine takes their result."""
        engine = self.start("run", "--", "sh", "-c", "echo run >> began; while ! [ -e go ]; do "
                                                     "sleep .01; done; echo ended >> began")
        self.wait_for(lambda: self.lines("began"), "the attempt")
        engine.kill()
        engine.wait()
        resumed = self.start("resume")
        self.write("go", "")
        output, _ = resumed.communicate(timeout=30)
        self.assertEqual(resumed.returncode, 0, output)
        self.assertEqual(self.lines("began"), ["run", "ended"])
        self.assertEqual(self.query("SELECT number, outcome FROM attempts"), [(1, EXITED)])

    def test_a_result_waits_for_the_engine_that_comes_back(self):
        engine = self.start("run", "--", "sh", "-c", "echo run >> began; while ! [ -e go ]; do "
                                                     "sleep .01; done; echo ended >> began")
        self.wait_for(lambda: self.lines("began"), "the attempt")
        engine.kill()
        engine.wait()
        self.write("go", "")
        self.wait_for(lambda: self.lines("began") == ["run", "ended"], "the end of the attempt")
        self.reeve("resume")
        self.assertEqual(self.lines("began"), ["run", "ended"])
        self.assertEqual(self.query("SELECT number, outcome FROM attempts"), [(1, EXITED)])


class Clock(ReeveCase):
    def test_set_back_an_hour_between_two_engines(self):
        shim = self.directory / "shim.so"
        source = self.write("shim.c", CLOCK_SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", str(source), "-o", str(shim), "-ldl"],
                       check=True)
        path = self.write("clock.yaml", """
name: clock
tasks:
  first:
    run: echo first >> done
  second:
    needs: first
    run: |
      touch waiting
      while ! [ -e go ]; do sleep 0.01; done
  third:
    needs: second
    retry: {max: 1, backoff: {initial: 50ms, jitter: false}}
    run: test "$REEVE_ATTEMPT" -eq 2
""")
        engine = self.start("run", path)
        self.wait_for((self.directory / "waiting").exists, "the second task")
        engine.kill()
        engine.wait()
        ((before,),) = self.query("SELECT max(now) FROM journal")
        self.write("go", "")
        began = time.monotonic()
        self.reeve("resume", env={**self.environment, "LD_PRELOAD": str(shim)})
        self.assertLess(time.monotonic() - began, 30)
        moments = [now for (now,) in self.query("SELECT now FROM journal ORDER BY step")]
        self.assertEqual(moments, sorted(moments), "the engine's time ran backwards")
        self.assertGreater(moments[-1], before)
        for began_at, ended_at in self.query("SELECT queued_at, ended_at FROM attempts"):
            self.assertLessEqual(began_at, ended_at)
        self.assertEqual(set(self.task_states().values()), {SUCCEEDED})


if __name__ == "__main__":
    unittest.main()
