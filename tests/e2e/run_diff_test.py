"""What is not the same in two runs: GET /v1/runs/{a}/diff/{b}, and `reeve diff` of the same."""

import json
import unittest

from service_case import ServiceCase

FLOW = """
name: compared
inputs: {{word: {{type: string, default: one}}}}
tasks:
  same: {{run: "true"}}
  {extra}: {{run: "true"}}
  ends: {{run: '[ "${{{{ inputs.word }}}}" = one ]'}}
  many: {{array: 0-4, run: "true"}}
"""


class RunDiffTest(ServiceCase):
    def two(self, name_space="default"):
        runs = []
        for extra, word in (("old", "one"), ("new", "two")):
            run = self.submit(workflow=FLOW.format(extra=extra), inputs={"word": word},
                              namespace=name_space)["id"]
            self.ended(run)
            runs.append(run)
        return runs

    def test_what_differs_between_runs_and_between_tasks(self):
        a, b = self.two()
        diff = self.ask("GET", f"/v1/runs/{a}/diff/{b}").body["diff"]
        self.assertEqual((diff["a"], diff["b"]), (a, b))
        changed = {each["field"]: (each["a"], each["b"]) for each in diff["changes"]}
        self.assertEqual(changed["state"], ("succeeded", "failed"))
        self.assertEqual(changed["inputs"], ({"word": "one"}, {"word": "two"}))
        self.assertIn("workflow_digest", changed)
        self.assertNotIn("directory", changed)
        tasks = {each["task"]: each["change"] for each in diff["tasks"]}
        self.assertEqual({name: how for name, how in tasks.items() if how != "none"},
                         {"old": "removed", "new": "added", "ends": "result"})
        self.assertEqual(len(tasks), 9)

    def test_the_command_says_the_same_at_the_directory_and_at_the_service(self):
        a, b = self.two()
        tasks = self.ask("GET", f"/v1/runs/{a}/diff/{b}").body["diff"]["tasks"]
        here = self.reeve("diff", "1", "2", "-o", "json", "--state", self.state).stdout
        there = self.reeve("diff", "1", "2", "-o", "json", "--server",
                           f"unix:{self.state}/api.sock")
        self.assertEqual(json.loads(here)["differences"], tasks)
        self.assertEqual(there.stdout, here)
        text = self.reeve("diff", "1", "2", "--state", self.state).stdout
        self.assertIn("state: succeeded → failed", text)
        self.assertIn("specification: ", text)

    def test_pages_and_only_what_changed(self):
        a, b = self.two()
        found, cursor = [], "0"
        while cursor is not None:
            page = self.ask("GET", f"/v1/runs/{a}/diff/{b}?limit=2&cursor={cursor}").body
            found += [each["task"] for each in page["diff"]["tasks"]]
            cursor = page["next_cursor"]
        self.assertEqual((len(found), len(set(found))), (9, 9))
        only = self.ask("GET", f"/v1/runs/{a}/diff/{b}?only=changed").body["diff"]["tasks"]
        self.assertEqual(len(only), 3)
        self.assertEqual(self.ask("GET", f"/v1/runs/{a}/diff/{a}?only=changed").body["diff"],
                         {"a": a, "b": a, "changes": [], "tasks": []})
        beyond = self.ask("GET", f"/v1/runs/{a}/diff/{b}?cursor=9223372036854775807").body
        self.assertEqual((beyond["diff"]["tasks"], beyond["next_cursor"]), ([], None))
        for wrong in ("only=x", "limit=0", "cursor=-1", "cursor=x", "limit=99999999999999999999"):
            self.ask("GET", f"/v1/runs/{a}/diff/{b}?{wrong}", expect=400)
        self.ask("GET", f"/v1/runs/{a}/diff/none", expect=404)
        self.ask("GET", f"/v1/runs/{a}/diff/%2e%2e%2fx", expect=404)

    def test_a_run_of_another_namespace_is_not_there_on_either_side(self):
        own, other = self.two("own")[0], self.two("other")[0]
        token = self.new_token("viewer", "own")
        self.ask("GET", f"/v1/runs/{own}/diff/{own}", token=token)
        for a, b in ((own, other), (other, own), (other, other)):
            reply = self.ask("GET", f"/v1/runs/{a}/diff/{b}", token=token, expect=404)
            self.assertIn(other, reply.body["detail"])


if __name__ == "__main__":
    unittest.main()
