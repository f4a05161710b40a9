"""Where the measurements run: the programs, a scratch directory on the disk, two processors."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

SECONDS_MAX = 300  # of one program: what hangs fails


class Bed:
    """Owns a scratch directory below build/bench and removes it at the end."""

    def __init__(self, root, build):
        self.root = root
        self.build = pathlib.Path(build)
        self.reeve = str(self.build / "reeve")
        folder = root / "build" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="scratch-", dir=folder))
        self._folders = 0
        self.environment = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}

    @classmethod
    def make(cls, root, build):
        """Builds what is measured, and keeps to two processors where there are more."""
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
        if build is None:
            build = root / "build" / "release"
            subprocess.run([str(root / "dev"), "build", "release", "reeve", "bench_programs"],
                           check=True, stdout=subprocess.DEVNULL)
        return cls(root, build)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def folder(self):
        """A new empty directory."""
        self._folders += 1
        path = self.scratch / str(self._folders)
        path.mkdir()
        return path

    def drop(self, folder):
        """Removes a folder outside the measured time, and lets the disk finish with it."""
        shutil.rmtree(folder, ignore_errors=True)
        os.sync()

    def program(self, name):
        return str(self.build / "bench" / name)

    def call(self, command, **options):
        """Runs to the end; what it printed. A failure carries the end of what it said."""
        done = subprocess.run(command, text=True, capture_output=True, check=False,
                              env=self.environment, stdin=subprocess.DEVNULL,
                              timeout=SECONDS_MAX, **options)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-400:]
            raise RuntimeError(f"{os.path.basename(command[0])} gave {done.returncode}: {said}")
        return done.stdout

    def call_json(self, command, **options):
        return json.loads(self.call(command, **options).strip().split("\n")[-1])

    def time(self, command, **options):
        """Seconds of the whole command."""
        began = time.monotonic()
        self.call(command, **options)
        return time.monotonic() - began

    def engine(self, *words, processors=None):
        """One command of engine_bench in a directory of its own, on these processors."""
        folder = self.folder()
        pin = [] if processors is None else ["taskset", "-c", ",".join(map(str, processors))]
        try:
            return self.call_json([*pin, self.program("engine_bench"), *words,
                                   "--directory", str(folder)])
        finally:
            self.drop(folder)
