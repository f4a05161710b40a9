"""Which kept artifacts a task sees: those that it is told of."""

import os
import unittest

from reeve_case import ReeveCase

MANY = 40


class Sight(ReeveCase):
    def setUp(self):
        super().setUp()
        self.drop = {}
        if os.geteuid() == 0 and self.is_user:
            self.drop = {"user": 61_034, "group": 61_034, "extra_groups": []}
            os.chown(self.directory, 61_034, 61_034)
            self.directory.chmod(0o755)
            self.environment["HOME"] = str(self.directory)

    is_user = False

    def lines_of(self, tasks, last):
        path = self.write("flow.yaml", f"name: flow\ntasks:{tasks}\n")
        self.reeve("run", "-j", "4", path, **self.drop)
        return self.reeve("logs", f"1/{last}", **self.drop).stdout.splitlines()

    def test_those_that_it_is_told_of_and_no_others(self):
        told, names = self.lines_of("""
  one: {run: "echo from one > 'a b.txt'", artifacts: [{name: it, path: a b.txt}]}
  other: {run: echo from other > other.txt, artifacts: [{name: it, path: other.txt}]}
  reads:
    needs: [one, other]
    env: {IT: "${{ needs.one.artifacts.it }}"}
    run: |
      cat "$IT"
      find .reeve/artifacts -name '*.txt' | wc -l
""", "reads")
        self.assertEqual((told, names), ("from one", "1"))

    def test_many_at_once(self):
        lines = self.lines_of(f"""
  make:
    run: mkdir -p n; for i in $(seq 0 {MANY - 1}); do echo $i > n/$i.txt; done
    artifacts: [{{name: it, path: n/*.txt}}]
  reads:
    needs: make
    env: {{ALL: "${{{{ toJSON(needs.make.artifacts.it) }}}}"}}
    run: |
      echo "$ALL" | grep -o '"/[^"]*"' | tr -d '"' | xargs cat
""", "reads")
        self.assertEqual(sorted(map(int, lines)), list(range(MANY)), lines)


class OrdinaryUser(Sight):
    is_user = True


if __name__ == "__main__":
    unittest.main()
