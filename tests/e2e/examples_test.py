"""The examples run green, and what they find out is true."""

import hashlib
import pathlib
import re
import shutil
import subprocess
import tarfile
import unittest
import xml.etree.ElementTree

from reeve_case import EXITED, ROOT, ReeveCase

EXAMPLES = ROOT / "examples"
SIMPLE_LICENCES = {"GPL-2": "GPL", "GPL-2+": "GPL", "GPL-3+": "GPL", "LGPL-2.1+": "LGPL",
                   "MIT": "MIT and X11", "Expat": "MIT and X11", "Apache-2.0": "Apache",
                   "BSD-3-clause": "BSD", "BSL-1.0": "Boost", "ISC": "ISC",
                   "MPL-2.0": "MPL and kin"}


def installed_packages():
    """{package: (directory of its documents, KiB)}, asked in another way than the example does."""
    listing = subprocess.run(
        ["dpkg-query", "-f", "${db:Status-Abbrev}|${binary:Package}|${Package}|${Installed-Size}\n",
         "-W"], text=True, capture_output=True, check=True).stdout
    rows = (line.split("|") for line in listing.splitlines())
    return {name: (folder, int(size or 0)) for status, name, folder, size in rows
            if status[1] == "i"}


def declared_licence(path):
    """What a machine-readable copyright file says of `Files: *` on its own line, else None."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.lower().startswith("format"):
        return None
    for paragraph in re.split(r"\n[ \t]*\n", text):
        if re.search(r"^Files:[ \t]*\*[ \t]*$", paragraph, re.MULTILINE):
            found = re.search(r"^License:[ \t]*(\S.*?)[ \t]*$", paragraph, re.MULTILINE)
            return found.group(1) if found else None
    return None


class LicenceCensus(ReeveCase):
    def setUp(self):
        super().setUp()
        done = self.reeve("run", EXAMPLES / "licence-census.yaml")
        self.folder = self.directory / "reports" / "licence-census"
        self.assertIn(str(self.folder / "licence-census.md"), done.stdout + done.stderr)
        lines = (self.folder / "census.tsv").read_text(encoding="utf-8").splitlines()
        self.census = {line.split("\t")[0]: line.split("\t")[1:] for line in lines}

    def test_numbers_agree_with_dpkg(self):
        packages = installed_packages()
        self.assertEqual(set(self.census), set(packages))
        sizes = {name: int(columns[0]) for name, columns in self.census.items()}
        self.assertEqual(sizes, {name: size for name, (_, size) in packages.items()})
        self.check_licences(packages)
        self.check_report(len(packages))
        self.check_chart(len(packages))
        left = sorted(path.name for path in self.folder.iterdir())
        self.assertEqual(left, ["census.tsv", "licence-census.md", "licence-census.svg"])

    def check_licences(self, packages):
        checked = 0
        for name, (folder, _) in packages.items():
            path = pathlib.Path("/usr/share/doc", folder, "copyright")
            family = SIMPLE_LICENCES.get(declared_licence(path)) if path.exists() else None
            if family is None:
                continue
            checked += 1
            self.assertEqual(self.census[name][2], family, name)
        self.assertGreater(checked, 0)

    def check_report(self, packages):
        text = (self.folder / "licence-census.md").read_text(encoding="utf-8")
        self.assertIn(f"{packages} packages", text)
        families = {columns[2] for columns in self.census.values()}
        section = text.split("## By licence")[1].split("##")[0]
        rows = dict(re.findall(r"^\| ([^|*]+?) \| (\d+) \|", section, re.MULTILINE))
        self.assertEqual(set(rows), families)
        self.assertEqual(sum(map(int, rows.values())), packages)

    def check_chart(self, packages):
        chart = xml.etree.ElementTree.parse(self.folder / "licence-census.svg").getroot()
        name = "{http://www.w3.org/2000/svg}"
        hints = [title.text for title in chart.iterfind(f"{name}rect/{name}title")]
        counted = [int(found.group(1)) for hint in hints
                   if (found := re.fullmatch(r".*: (\d+) packages", hint))]
        # Each package is in the strip of kinds and in a bar of its licence.
        self.assertEqual(sum(counted), 2 * packages)


class CProject(ReeveCase):
    def test_builds_tests_and_packs(self):
        shutil.copytree(EXAMPLES / "c-project", self.directory / "tree")
        self.reeve("run", "-i", "source=tree", EXAMPLES / "c-project.yaml")
        self.assertEqual(self.outputs()["checks"], "306")
        with tarfile.open(self.directory / "build/c-project/grain.tar.gz") as package:
            self.assertIn("libgrain.a", package.getnames())
            self.assertIn("include/grain.h", package.getnames())

    def test_a_broken_unit_fails_and_is_named(self):
        shutil.copytree(EXAMPLES / "c-project", self.directory / "tree")
        self.write("tree/src/utf8.c", "this is no C\n")
        done = self.reeve("run", "-i", "source=tree", EXAMPLES / "c-project.yaml", expect=1)
        self.assertIn("utf8", done.stdout + done.stderr)
        self.assertEqual(self.lines("build/c-project/grain.tar.gz"), [])


class FlakyDownload(ReeveCase):
    def test_everything_arrives_at_the_fourth_try(self):
        self.reeve("run", EXAMPLES / "flaky-download.yaml")
        folder = self.directory / "reports" / "flaky-download"
        expected = "".join(f"{n}\n" for n in range(1, 200001)).encode()
        self.assertEqual(hashlib.sha256((folder / "numbers").read_bytes()).digest(),
                         hashlib.sha256(expected).digest())
        self.assertEqual((folder / "letters").read_bytes(),
                         expected.translate(bytes.maketrans(b"0123456789", b"abcdefghij")))
        self.assertEqual((folder / "countdown").read_text(encoding="ascii").split()[-1], "1")
        ends = self.query("SELECT count(*), sum(outcome = ? AND code = 0) FROM attempts "
                          "GROUP BY task ORDER BY task", EXITED)
        self.assertEqual(ends, [(1, 1), (4, 1), (4, 1), (4, 1), (1, 1)])


class Array(ReeveCase):
    def test_counts_the_primes(self):
        self.reeve("run", EXAMPLES / "array-10000.yaml", timeout=110)
        self.assertEqual(self.outputs()["primes"], "17984")
        ((attempts, good),) = self.query(
            "SELECT count(*), sum(outcome = ? AND code = 0) FROM attempts", EXITED)
        self.assertEqual((attempts, good), (10001, 10001))


if __name__ == "__main__":
    unittest.main()
