"""Workflows that have been run: names, versions, texts, running one again; by namespace."""

import unittest
import uuid

from service_case import ServiceCase

TEXT = """name: {name}
inputs: {{word: {{type: string, default: one}}}}
tasks: {{a: {{run: "echo {word}"}}}}
"""


class WorkflowTest(ServiceCase):
    def run_text(self, word, name="build", name_space="default", **more):
        run = self.submit(workflow=TEXT.format(name=name, word=word), namespace=name_space,
                          **more)["id"]
        self.ended(run)
        return run

    def get(self, path, **how):
        return self.ask("GET", f"/v1/workflows{path}", **how).body

    def test_names_versions_and_texts(self):
        self.assertEqual(self.get("")["workflows"], [])
        for word in ("a", "b", "a"):
            self.run_text(word)
        self.run_text("x", name="odd/name é")
        listed = {each["name"]: each for each in self.get("")["workflows"]}
        self.assertEqual(sorted(listed), ["build", "odd/name é"])
        build = listed["build"]
        self.assertEqual((build["versions"], build["runs"], build["namespace"]), (2, 3, "default"))
        self.assertEqual(self.get("/build")["workflow"], build)
        versions = self.get("/build/versions")["versions"]
        self.assertEqual([(each["number"], each["runs"]) for each in versions], [(2, 1), (1, 2)])
        self.assertEqual(versions[0]["digest"], build["digest"])
        first = self.get("/build/versions/1")["workflow"]
        self.assertEqual(first["source"], TEXT.format(name="build", word="a"))
        self.assertEqual((first["first_run"], first["last_run"]), (1, 3))
        self.assertLessEqual(first["first_seen_at"], first["last_seen_at"])
        self.assertEqual(self.get("/odd%2Fname%20%C3%A9/versions/1")["workflow"]["number"], 1)

    def test_what_comes_later_and_a_restart_change_no_number(self):
        self.run_text("a")
        before = self.get("/build/versions/1")
        self.run_text("b")
        self.assertEqual(self.get("/build/versions/2")["workflow"]["source"],
                         TEXT.format(name="build", word="b"))
        self.restart_service()
        self.assertEqual(self.get("/build/versions/1"), before)
        self.assertEqual(self.get("/build")["workflow"]["versions"], 2)

    def test_pages(self):
        for name in ("p", "q", "r"):
            self.run_text("a", name=name)
        found, cursor = [], "0"
        while cursor is not None:
            page = self.get(f"?limit=2&cursor={cursor}")
            found += [each["name"] for each in page["workflows"]]
            cursor = page["next_cursor"]
        self.assertEqual(found, ["p", "q", "r"])
        self.run_text("b", name="p")
        page = self.get("/p/versions?limit=1")
        self.assertEqual([each["number"] for each in page["versions"]], [2])
        page = self.get(f"/p/versions?limit=1&cursor={page['next_cursor']}")
        self.assertEqual(([each["number"] for each in page["versions"]], page["next_cursor"]),
                         ([1], None))

    def test_runs_a_stored_one(self):
        self.run_text("a")
        self.run_text("b")
        for version, text in ((None, "b"), (1, "a"), (2, "b")):
            body = {"workflow_name": "build", "inputs": {"word": "w"}, "labels": {"by": "name"}}
            if version:
                body["version"] = version
            run = self.submit(body)
            self.assertEqual(run["workflow"], "build")
            self.assertEqual(self.ended(run["id"])["state"], "succeeded")
            log = self.ask("GET", f"/v1/runs/{run['id']}/tasks/a/logs").body
            self.assertEqual(log, text + "\n")
        self.assertEqual(self.get("/build")["workflow"]["versions"], 2)
        self.assertEqual(self.get("/build")["workflow"]["runs"], 5)
        key = str(uuid.uuid4())
        body = {"workflow_name": "build", "version": 1}
        once = self.ask("POST", "/v1/runs", body, key=key, expect=201).body
        self.assertEqual(self.ask("POST", "/v1/runs", body, key=key, expect=(200, 201)).body["run"],
                         once["run"])
        self.restart_service()
        again = self.ask("POST", "/v1/runs", body, key=key, expect=200).body["run"]
        self.assertEqual(again["id"], once["run"]["id"])

    def test_the_same_checks_as_for_a_text(self):
        self.run_text("a")
        for wrong, status in (({"workflow_name": "nothing"}, 404),
                              ({"workflow_name": "build", "version": 2}, 404),
                              ({"workflow_name": "build", "version": 0}, 422),
                              ({"workflow_name": "build", "version": "1"}, 422),
                              ({"workflow_name": "build", "version": 1.5}, 422),
                              ({"workflow_name": 7}, 422),
                              ({"workflow_name": "build", "command": ["true"]}, 422),
                              ({"workflow_name": "build", "workflow": "x"}, 422),
                              ({"workflow_name": "build", "inputs": {"no": 1}}, 422),
                              ({"workflow_name": "build", "namespace": "A B"}, 400),
                              ({"workflow_name": "build", "namespace": 1}, 422),
                              ({"version": 1, "command": ["true"]}, 422)):
            self.ask("POST", "/v1/runs", wrong, expect=status)
        bulk = self.ask("POST", "/v1/runs:bulk", '{"workflow_name": "build"}\n', expect=422,
                        content_type="application/x-ndjson").body
        self.assertIn("one at a time", str(bulk))
        for path in ("/build/versions/0", "/build/versions/2", "/build/versions/x",
                     "/build/versions/-1", "/build/versions/99999999999999999999", "/none",
                     "/none/versions", "/..%2F..", "/'%20OR%201=1"):
            self.get(path, expect=404)
        self.get("/build%00", expect=400)
        for query in ("limit=0", "cursor=x", "name=x"):
            self.get(f"?{query}", expect=400)

    def test_each_namespace_has_its_own(self):
        self.run_text("hidden", name_space="other")
        self.run_text("hidden", name="secret", name_space="other")
        self.run_text("seen", name_space="own")
        viewer = self.new_token("viewer", "own")
        developer = self.new_token("developer", "own")
        listed = self.get("", token=viewer)["workflows"]
        self.assertEqual([(each["namespace"], each["versions"]) for each in listed], [("own", 1)])
        text = self.get("/build/versions/1", token=viewer)["workflow"]["source"]
        self.assertIn("seen", text)
        self.get("/build/versions/2", token=viewer, expect=404)
        self.get("/secret", token=viewer, expect=404)
        for path in ("", "/build", "/build/versions", "/build/versions/1"):
            self.get(f"{path}?namespace=other", token=viewer, expect=(403, 404))
        self.ask("POST", "/v1/runs", {"workflow_name": "secret"}, token=developer, expect=404)
        self.ask("POST", "/v1/runs", {"workflow_name": "secret", "namespace": "other"},
                 token=developer, expect=(403, 404))
        self.ask("POST", "/v1/runs", {"workflow_name": "build"}, token=viewer, expect=403)
        run = self.ask("POST", "/v1/runs", {"workflow_name": "build"}, token=developer,
                       expect=201).body["run"]["id"]
        self.ended(run)
        everything = self.get("")["workflows"]
        self.assertEqual([(each["namespace"], each["name"], each["runs"]) for each in everything],
                         [("other", "build", 1), ("other", "secret", 1), ("own", "build", 2)])
        # Who may submit and not read workflows is not told what there is.
        self.ask("PUT", "/v1/roles/blind", {"actions": ["runs.submit"]})
        blind = self.new_token("blind", "own")
        self.ask("POST", "/v1/runs", {"workflow_name": "build"}, token=blind, expect=403)


if __name__ == "__main__":
    unittest.main()
