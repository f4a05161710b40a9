"""What the classes of the escape suite share: decoys and controls, how a probe is judged, and the
tables of what was seen."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "e2e")]

# pylint: disable=wrong-import-position
from classes import HOST, JAIL
from reeve_case import BINARY, ROOT, ReeveCase

TIER = os.environ.get("ESCAPE_TIER", "native")
PROBE = os.environ.get("ESCAPE_PROBE", str(ROOT / "build" / "release" / "escape_probe"))
DELEGATED = {"memory", "cpu", "cpuacct", "pids", "blkio"}
IPC_KEY = 0x52454556
IPC_CREATE = 0o1666
DESCRIPTORS_MAX = 8_000
WORDS = {"0": "ESCAPED", "1": "prevented", "2": "unclear", "": "no answer"}
JAILED = ("unshare", "--mount", "--pid", "--fork", "--net", "--uts", "--propagation", "private")

BY_ROOT = "ESCAPED by root"  # of a control: an ordinary user is kept from it by the machine itself
SUCCEEDS = {"ESCAPED": "succeeds", BY_ROOT: "as root"}

results = {}  # tier: [(class, probe, native, what it said, control)]


def print_tables():
    for tier, rows in sorted(results.items()):
        print_table(tier, rows)


def print_table(tier, rows):
    print(f"\n{tier}\n{'class':26} {'probe':31} {'attempt':10} control   what the attempt saw")
    for title, probe, native, says, control in rows:
        is_unshown = control not in (*WORDS.values(), BY_ROOT)
        shown = "not shown" if is_unshown else SUCCEEDS.get(control, control)
        more = f" ({control})" if is_unshown else ""
        print(f"{title:26} {probe:31} {native:10} {shown:9} {says}{more}")
    unshown = sum(1 for row in rows if row[4] not in (*WORDS.values(), BY_ROOT))
    held = sum(1 for row in rows if row[2] == "prevented")
    as_root = sum(1 for row in rows if row[4] == BY_ROOT)
    print(f"{tier}: {len({row[0] for row in rows})} classes, {len(rows)} probes: {held} prevented, "
          f"{sum(1 for row in rows if row[4] in SUCCEEDS)} controls succeed"
          f"{f' ({as_root} as root only)' if as_root else ''}, "
          f"{unshown} cannot be shown on this machine")


class EscapeCase(ReeveCase):
    """A machine with something to find: decoys of the host, and twins of them for the control.

    The engine is `user`'s, and so is what the user would have: see AsUser.
    """

    tier = f"{TIER}, engine of root"
    user = 0

    def setUp(self):
        super().setUp()
        self.own(self.directory)
        self.environment["HOME"] = str(self.directory)
        self.marker = self.directory.name
        self.outside = pathlib.Path(tempfile.mkdtemp(prefix="reeve-escape-", dir="/srv"))
        self.outside.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.outside, ignore_errors=True)
        self.secret = self.outside / "secret"
        self.secret.write_text(f"secret of {self.marker}\n", encoding="utf-8")
        self.own(self.outside, self.secret)
        shutil.copy(PROBE, self.directory / "probe")
        self.settings = {"ESCAPE_MARKER": self.marker, "ESCAPE_SECRET_FILE": str(self.secret)}

    def own(self, *paths):
        """Makes the engine's user the owner of what is there; no link, no program of root's."""
        for path in paths:
            os.chown(path, self.user, self.user)

    def own_below(self, directory):
        self.own(directory, *directory.rglob("*"))

    def as_user(self):
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def reeve(self, *words, **options):
        """As that user, in the tier that is tried."""
        words = list(words)
        if "run" in words:
            words[words.index("run") + 1:words.index("run") + 1] = ["--sandbox", TIER]
        return super().reeve(*words, **self.as_user(), **options)

    def furnish(self, directory):
        for name in ("place", "deep/er"):
            (directory / name).mkdir(parents=True)
        (directory / "own").touch()
        os.mknod(directory / "given_device", 0o20666, os.makedev(1, 3))
        self.own_below(directory)
        for name in ("setuid_program", "capable_program"):
            shutil.copy(PROBE, directory / name)
        (directory / "setuid_program").chmod(0o4755)
        subprocess.run(["setcap", "cap_net_raw+ep", directory / "capable_program"], check=True)

    def native(self, names):
        """{name: (word, what it saw)}"""
        pairs = [f"{name}={value}" for name, value in self.settings.items()]
        done = self.reeve("run", "--", "env", *pairs, "./probe", *names, expect=None)
        return self.parse(done.stdout, names, done.stderr)

    def control(self, place, names, settings):
        """By the engine's user; what that one may not do, and what needs a jail, by root."""
        found = {}
        if place == HOST:
            found = self.run_control((), "PLAIN", names, settings, self.user)
            names = [name for name in names if found[name][0] != "ESCAPED"]
        if names and (place == JAIL or self.user != 0):
            kind, prefix = ("JAIL", JAILED) if place == JAIL else ("PLAIN", ())
            by_root = self.run_control(prefix, kind, names, settings, 0)
            if self.user != 0:
                by_root = {name: (BY_ROOT if word == "ESCAPED" else word, says)
                           for name, (word, says) in by_root.items()}
            found |= by_root
        return found

    def run_control(self, prefix, kind, names, settings, user):
        done = subprocess.run(
            [*prefix, sys.executable, FOLDER / "control.py", kind, str(user),
             self.directory / "probe", *names],
            cwd=self.directory / "control", env={**self.environment, **settings}, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=60)
        return self.parse(done.stdout, names, done.stderr)

    def parse(self, text, names, otherwise):
        found = {}
        for line in text.splitlines():
            name, _, rest = line.partition(" ")
            if name in names and rest[:1] in WORDS:
                found[name] = (WORDS[rest[:1]], rest[2:])
        return {name: found.get(name, ("no answer", otherwise.strip()[-200:])) for name in names}

    def judge(self, title, native, controls):
        """Records; fails if one escapes or a control that should succeed does not."""
        for name, (word, says) in native.items():
            control, seen = controls[name]
            results.setdefault(self.tier, []).append((title, name, word, says, control))
            with self.subTest(escape=title, probe=name):
                self.assertEqual(word, "prevented", says)
                if control in WORDS.values():
                    self.assertIn(control, SUCCEEDS, f"the control: {seen}")


class AsUser:
    """The engine belongs to a user that has no account, no rights and no groups here."""

    tier = f"{TIER}, engine of an ordinary user"
    user = 61_034

    @classmethod
    def setUpClass(cls):
        """The user may not be allowed to where the program was built."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-escape-", dir="/srv"))
        cls.addClassCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        cls.binary = shutil.copy(BINARY, folder)
