"""The Debian package: lintian has nothing to say, and installing, removing and purging it do what
they should, in a copy of this system that is thrown away (an overlay in a namespace of our own)."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from reeve_case import BINARY

INSIDE = "REEVE_TEST_PACKAGE"
BUILD = pathlib.Path(BINARY).parent
HERE = pathlib.Path("/run/reeve-package")


def run(*words, expect=0, **options):
    done = subprocess.run([*map(str, words)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                          **options)
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}")
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="package-", dir=HERE))
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", cls.place)
        (cls.package,) = cls.place.glob("*.deb")

    def test_lintian_has_nothing_to_say(self):
        said = run("lintian", "--allow-root", "--fail-on", "error,warning", self.package)
        self.assertEqual(said, "")

    def test_what_is_in_it(self):
        listed = run("dpkg-deb", "-c", self.package)
        for path in ("usr/bin/reeve", "lib/systemd/system/reeve.service",
                     "lib/systemd/system/reeve-supervisor.service", "etc/reeve/reeve.toml",
                     "lib/systemd/system/reeve.socket", "usr/share/man/man1/reeve.1.gz",
                     "usr/share/man/man1/reeve-serve.1.gz",
                     "usr/share/zsh/vendor-completions/_reeve",
                     "usr/share/bash-completion/completions/reeve",
                     "usr/share/fish/vendor_completions.d/reeve.fish",
                     "usr/share/doc/reeve/copyright", "usr/share/doc/reeve/changelog.Debian.gz"):
            self.assertIn(f" ./{path}\n", listed)
        for line in listed.splitlines():
            self.assertIn(" root/root ", line)
            self.assertNotIn("w", line.split()[0][4:], "somebody else might write it: " + line)

    def test_install_run_remove_purge(self):
        root = HERE / "root"
        for each in (root, HERE / "upper", HERE / "work"):
            each.mkdir()
        run("mount", "-t", "overlay", "none", "-o",
            f"lowerdir=/,upperdir={HERE}/upper,workdir={HERE}/work", root)
        run("mount", "-t", "proc", "proc", root / "proc")
        run("mount", "--rbind", "/dev", root / "dev")
        run("mount", "-t", "tmpfs", "none", root / "run")
        run("mount", "-t", "tmpfs", "none", root / "tmp")
        (root / "tmp" / "reeve.deb").write_bytes(self.package.read_bytes())

        def inside(*words, **more):
            return run("chroot", root, *words, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                                    "LC_ALL": "C.UTF-8", "HOME": "/root"}, **more)

        inside("dpkg", "-i", "/tmp/reeve.deb")
        self.assertIn("reeve 0.", inside("reeve", "--version"))
        self.assertIn("reeve", inside("getent", "passwd", "reeve"))
        self.assertIn("REEVE", inside("sh", "-c", "zcat /usr/share/man/man1/reeve.1.gz").upper())
        example = root / "tmp" / "hello.yaml"
        example.write_text("name: hello\ntasks:\n  say: {run: echo hello > /tmp/said}\n")
        inside("reeve", "run", "--state", "/tmp/state", "--sandbox", "none", "--allow",
               "unsandboxed", "/tmp/hello.yaml")
        self.assertEqual((root / "tmp" / "said").read_text(), "hello\n")
        run("chroot", root, "reeve", "supervisor", "--nonsense", expect=None)

        settings = root / "etc/reeve/reeve.toml"
        settings.write_text(settings.read_text() + "[log]\nlevel = 'debug'\n")
        state = root / "var/lib/reeve"
        state.mkdir()
        (state / "reeve.db").write_text("runs")
        inside("dpkg", "-i", "/tmp/reeve.deb")
        self.assertIn("debug", settings.read_text(), "an upgrade leaves what the operator wrote")
        inside("dpkg", "-r", "reeve")
        self.assertFalse((root / "usr/bin/reeve").exists())
        self.assertTrue((state / "reeve.db").exists(), "to remove is not to forget")
        self.assertTrue(settings.exists())
        inside("dpkg", "-P", "reeve")
        self.assertFalse(state.exists())
        self.assertFalse(settings.exists())
        self.assertEqual(inside("dpkg", "-s", "reeve", expect=None).count("Status: install"), 0)


def main():
    if os.environ.get(INSIDE) != "1":
        environment = {**os.environ, INSIDE: "1"}
        os.execvpe("unshare", ["unshare", "-m", "-p", "-f", "--kill-child", sys.executable,
                               os.path.abspath(__file__), *sys.argv[1:]], environment)
    HERE.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "none", HERE)
    unittest.main()


if __name__ == "__main__":
    main()
