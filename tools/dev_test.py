"""Checks ./dev against itself: its verbs, its package lists and its answers to mistakes.

Run: python3 tools/dev_test.py
"""

import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VERBS = ["setup", "build", "try", "test", "fmt", "tidy", "sim", "replay", "package", "bench",
         "coverage", "fuzz", "ci", "nightly"]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def dev(*arguments):
    return subprocess.run(["./dev", *arguments], cwd=ROOT, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)


class Dev(unittest.TestCase):
    def test_it_lists_every_verb_it_has(self):
        functions = re.findall(r"^verb_(\w+)\(\)", read("dev"), re.MULTILINE)
        self.assertEqual(VERBS, functions)
        listing = dev()
        self.assertEqual(0, listing.returncode)
        self.assertEqual(VERBS, re.findall(r"^  (\w+) ", listing.stdout, re.MULTILINE))

    def test_an_unknown_verb_fails_and_names_the_known(self):
        answer = dev("frobnicate")
        self.assertNotEqual(0, answer.returncode)
        self.assertIn("frobnicate", answer.stderr)
        self.assertIn("nightly", answer.stderr)

    def test_an_unknown_preset_fails_and_names_the_known(self):
        answer = dev("build", "frobnicate")
        self.assertNotEqual(0, answer.returncode)
        self.assertIn('"release"', answer.stderr)

    def test_every_library_that_cmake_looks_for_has_a_package(self):
        packages = re.search(r"BUILD_PACKAGES=\((.*?)\)", read("dev"), re.DOTALL).group(1)
        aliases = {"tl-expected": "expected", "sodium": "sodium", "SQLite3": "sqlite3",
                   "CLI11": "cli11", "OpenSSL": "ssl", "GTest": "gtest", "PkgConfig": "pkg-config"}
        wanted = re.findall(r"^(?:find_package|pkg_check_modules)\(([\w-]+)",
                            read("cmake/dependencies.cmake"), re.MULTILINE)
        self.assertGreater(len(wanted), 8)
        for name in wanted:
            if name != "Threads":
                self.assertIn(aliases.get(name, name.lower()), packages)

    def test_the_ci_runs_the_command_that_the_readme_gives(self):
        self.assertIn("exec ./dev ci", read(".ci/run"))
        self.assertIn("./dev test", read("README.md"))
        self.assertRegex(read("dev"), r"stage 'tests' verb_test\b")


if __name__ == "__main__":
    unittest.main()
