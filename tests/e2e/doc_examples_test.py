"""Every block of docs/workflow-format.md is a file that lints, and runs as the document says."""

import json
import subprocess
import sys
import unittest

from reeve_case import ROOT, ReeveCase

DOCUMENT = ROOT / "docs" / "workflow-format.md"


class DocumentedExamples(ReeveCase):
    def setUp(self):
        super().setUp()
        subprocess.run([sys.executable, str(ROOT / "tools" / "doc_examples.py"), str(DOCUMENT),
                        str(self.directory)], check=True)
        listing = (self.directory / "examples.json").read_text(encoding="utf-8")
        self.examples = json.loads(listing)

    def test_all(self):
        self.assertGreater(len(self.examples), 20)
        for example in self.examples:
            with self.subTest(example["name"], line=example["line"]):
                path = self.directory / example["file"]
                self.reeve("lint", path)
                if example["expect"] == "check":
                    continue
                given = {name: f"value of {name}" for name in example["environment"]}
                self.reeve("run", path, expect=0 if example["expect"] == "success" else 1,
                           env={**self.environment, **given})


if __name__ == "__main__":
    unittest.main()
