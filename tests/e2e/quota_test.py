"""Quotas through the API: they hold at once and after a restart, go before the cluster file, and
say where they come from."""

import json
import unittest
import urllib.parse

from service_case import ServiceCase

LIMITS = ("running_max", "queued_max", "cpu_seconds_a_day")


class QuotaTest(ServiceCase):
    cluster = """
scheduling:
  quotas:
    - {user: ann, max_running: 7}
    - {max_queued: 50}
"""

    def setUp(self):
        self.before_start()
        super().setUp()

    def before_start(self):
        self.options = ()

    def with_cluster(self):
        (self.state / "cluster.yaml").write_text(self.cluster, encoding="utf-8")
        self.ask("POST", "/v1/config/reload")
        self.wait_for(lambda: len(self.quotas()) == 2, "the cluster file", 10)

    def quotas(self):
        return self.ask("GET", "/v1/quotas").body["quotas"]

    def short(self):
        return [(each["user"], each["queue"], *(each[name] for name in LIMITS), each["origin"])
                for each in self.quotas()]

    def put(self, user, body, expect=200, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("PUT", f"/v1/quotas/{user}", body, headers=given, expect=expect)

    def test_set_read_changed_and_removed(self):
        self.assertEqual(self.quotas(), [])
        made = self.put("user%3Aann", {"running_max": 2, "queued_max": 0})
        self.assertEqual(made.headers["etag"], f'"{made.body["quota"]["version"]}"')
        item = self.quotas()[0]
        self.assertEqual(item, made.body["quota"])
        self.assertEqual((item["user"], item["running_max"], item["queued_max"], item["origin"]),
                         ("user:ann", 2, 0, "api"))
        self.assertTrue(item["set_by"])
        self.put("*?queue=lab/a", {"cpu_seconds_a_day": 60, "refuse": True})
        self.assertEqual([(each["user"], each["queue"]) for each in self.quotas()],
                         [("user:ann", None), (None, "lab/a")])
        self.ask("DELETE", "/v1/quotas/user%3Aann", expect=204)
        self.ask("DELETE", "/v1/quotas/user%3Aann", expect=404)
        self.ask("DELETE", "/v1/quotas/*?queue=lab/a", expect=204)
        self.assertEqual(self.quotas(), [])

    def test_if_match(self):
        first = self.put("ann", {"running_max": 1}, If_None_Match="*").headers["etag"]
        self.put("ann", {"running_max": 2}, 412, If_None_Match="*")
        second = self.put("ann", {"running_max": 2}, If_Match=first).headers["etag"]
        self.assertNotEqual(first, second)
        for stale in (first, '"0"', '"x"', "nonsense", '"99999999999999999999999"', f"W/{second}"):
            self.put("ann", {"running_max": 3}, 412, If_Match=stale)
            self.ask("DELETE", "/v1/quotas/ann", headers={"If-Match": stale}, expect=412)
        self.assertEqual(self.quotas()[0]["running_max"], 2)
        self.ask("DELETE", "/v1/quotas/ann", headers={"If-Match": second}, expect=204)

    def test_holds_at_once_for_what_waits(self):
        me = self.submit(command=["true"])["id"]
        self.ended(me)
        stored = self.ask("GET", f"/v1/runs/{me}").body["run"]
        user = urllib.parse.quote(stored["submitter"], safe="")
        self.put(user, {"running_max": 0})
        run = self.submit(command=["true"])["id"]
        why = self.wait_for(lambda: "quota" in (said := json.dumps(self.ask(
            "GET", f"/v1/runs/{run}/explain?task=main").body)) and said, "a quota that holds", 10)
        self.assertIn("quota", why)
        self.restart_service()
        self.assertEqual(self.ask("GET", f"/v1/runs/{run}").body["run"]["state"], "queued")
        self.ask("DELETE", f"/v1/quotas/{user}", expect=204)
        self.assertEqual(self.ended(run)["state"], "succeeded")

    def test_goes_before_the_cluster_file_and_outlives_a_restart(self):
        self.with_cluster()
        file = [("ann", None, 7, None, None, "file"), (None, None, None, 50, None, "file")]
        self.assertEqual(self.short(), file)
        self.put("ann", {"running_max": 1})
        self.put("bob", {"running_max": 3})
        both = [("bob", None, 3, None, None, "api"), ("ann", None, 1, None, None, "api"),
                (None, None, None, 50, None, "file")]
        self.assertEqual(self.short(), both)
        self.restart_service()
        self.assertEqual(self.short(), both)
        self.ask("POST", "/v1/config/reload")
        self.assertEqual(self.short(), both)
        for user in ("ann", "bob"):
            self.ask("DELETE", f"/v1/quotas/{user}", expect=204)
        self.assertEqual(self.short(), file)

    def test_a_cluster_file_that_is_being_edited_does_not_matter(self):
        self.with_cluster()
        (self.state / "cluster.yaml").write_text("nonsense: [", encoding="utf-8")
        self.put("bob", {"running_max": 3})
        self.assertEqual(len(self.quotas()), 3)

    def test_what_is_wrong_is_said(self):
        for body in ({}, {"refuse": True}, {"running_max": 1, "refuse": True},
                     {"running_max": -1}, {"running_max": 2**31}, {"running_max": "1"},
                     {"running_max": 1.5}, {"cpu_seconds_a_day": 10**13}, {"running": 1}):
            self.put("ann", body, 422)
        for path in ("ann?queue=", "ann?queue=A%20B!", "ann?queue=a//b", "%01", "a" * 300, "%ff"):
            self.put(path, {"running_max": 1}, (400, 422))
        self.put("ann", "[]", (400, 415, 422))
        self.assertEqual(self.quotas(), [])

    def test_changes_are_in_the_audit_log_and_for_administrators_of_all_only(self):
        self.put("ann", {"running_max": 1})
        records = self.ask("GET", "/v1/audit?action=queues.write").body["audit"]
        self.assertEqual(records[-1]["object"], "quota/ann")
        for role, places in (("admin", ["default"]), ("developer", ["*"]), ("operator", ["*"]),
                             ("viewer", ["*"])):
            token = self.new_token(role, *places)
            self.ask("PUT", "/v1/quotas/ann", {"running_max": 9}, token=token, expect=403)
            self.ask("DELETE", "/v1/quotas/ann", token=token, expect=403)
            self.assertEqual(self.ask("GET", "/v1/quotas", token=token).body["quotas"],
                             self.quotas())

    def test_one_of_them_and_its_history(self):
        self.ask("GET", "/v1/quotas/ann", expect=404)
        self.assertEqual(self.ask("GET", "/v1/quotas/ann/history").body["versions"], [])
        first = self.put("ann", {"running_max": 1}).headers["etag"]
        shown = self.ask("GET", "/v1/quotas/ann")
        self.assertEqual(shown.headers["etag"], first)
        self.assertEqual(shown.body["quota"], self.quotas()[0])
        self.ask("GET", "/v1/quotas/ann?queue=lab", expect=404)
        self.put("ann", {"cpu_seconds_a_day": 5, "refuse": True}, If_Match=first)
        self.ask("DELETE", "/v1/quotas/ann", expect=204)
        self.put("ann?queue=lab", {"running_max": 9})
        self.restart_service()
        versions = self.ask("GET", "/v1/quotas/ann/history").body["versions"]
        self.assertEqual([each["version"] for each in versions], [3, 2, 1])
        none = {"running_max": None, "queued_max": None, "cpu_seconds_a_day": None}
        self.assertEqual([each["value"] for each in versions],
                         [None, {**none, "cpu_seconds_a_day": 5, "refuse": True},
                          {**none, "running_max": 1, "refuse": False}])
        self.assertTrue(all(each["set_by"].startswith("token:") for each in versions))
        self.ask("DELETE", "/v1/quotas/ann?queue=lab", expect=204)
        self.with_cluster()
        shown = self.ask("GET", "/v1/quotas/ann")
        self.assertEqual((shown.body["quota"]["origin"], shown.headers["etag"]), ("file", '"0"'))


if __name__ == "__main__":
    unittest.main()
