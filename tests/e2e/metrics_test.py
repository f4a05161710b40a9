"""/metrics: read by the parser of prometheus_client, and with numbers that are right."""

import re
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from service_case import ServiceCase

TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class MetricsTest(ServiceCase):
    def families(self, token=""):
        reply = self.ask("GET", "/metrics", token=token)
        self.assertEqual(reply.headers["content-type"], TYPE)
        self.assertTrue(reply.body.endswith("# EOF\n"))
        return {family.name: family for family in text_string_to_metric_families(reply.body)}

    def value(self, families, name, sample=None, **labels):
        found = [each.value for each in families[name].samples
                 if each.name == (sample or name) and labels.items() <= each.labels.items()]
        self.assertEqual(len(found), 1, f"{name} {labels}: {families[name].samples}")
        return found[0]

    def test_all_families_have_a_meaning_a_type_and_right_units(self):
        families = self.families()
        for name in ("cicd_pipeline_run_active", "cicd_pipeline_run_duration_seconds",
                     "reeve_queue_depth", "reeve_queue_oldest_age_seconds",
                     "reeve_task_queue_duration_seconds", "reeve_task_start_duration_seconds",
                     "reeve_task_run_duration_seconds", "reeve_task_retries",
                     "reeve_task_oom_kills", "reeve_resource_requested", "reeve_resource_used",
                     "reeve_resource_reserved", "reeve_http_requests",
                     "reeve_wal_fsync_duration_seconds"):
            self.assertIn(name, families)
        for family in families.values():
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("gauge", "counter", "histogram"))
            if family.name.endswith("_seconds"):
                self.assertEqual(family.unit, "seconds", family.name)

    def test_counts_runs_attempts_and_how_long_they_took(self):
        flow = "name: f\ntasks: {a: {run: 'exit 1', retry: {max: 1}}, b: {run: sleep 0.2}}\n"
        self.ended(self.submit(workflow=flow)["id"])
        self.ended(self.submit(command=["true"])["id"])
        families = self.families()
        duration = "cicd_pipeline_run_duration_seconds"
        count = f"{duration}_count"
        self.assertEqual(self.value(families, duration, count, result="success"), 1)
        self.assertEqual(self.value(families, duration, count, result="failure"), 1)
        self.assertEqual(self.value(families, duration, count, result="cancellation"), 0)
        self.assertEqual(self.value(families, duration, count, state="pending"), 2)
        self.assertGreater(self.value(families, duration, f"{duration}_sum", result="failure"), 0.1)
        for phase in ("queue", "start", "run"):
            name = f"reeve_task_{phase}_duration_seconds"
            self.assertEqual(self.value(families, name, f"{name}_count"), 4, phase)
        self.assertGreater(self.value(families, "reeve_task_run_duration_seconds",
                                      "reeve_task_run_duration_seconds_sum"), 0.2)
        self.assertEqual(self.value(families, "reeve_task_retries", "reeve_task_retries_total"), 1)
        total = sum(each.value for each in families["reeve_task_attempts"].samples)
        self.assertEqual(total, 4)

    def test_shows_what_runs_and_what_waits_and_why(self):
        self.ask("PUT", "/v1/quotas/*", {"running_max": 1})
        runs = [self.submit(command=["sleep", "60"])["id"] for _ in range(3)]
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{runs[0]}").body["run"]["state"]
                      == "running", "the first to run", 30)
        families = self.families()
        active = {each.labels["state"]: each.value
                  for each in families["cicd_pipeline_run_active"].samples}
        self.assertEqual(sum(active.values()), 3)
        depths = families["reeve_queue_depth"].samples
        self.assertEqual(sum(each.value for each in depths), 2, depths)
        self.assertIn("quota", depths[0].labels["reason"])
        self.assertEqual({each.labels["queue"] for each in depths}, {"default"})
        ages = families["reeve_queue_oldest_age_seconds"].samples
        self.assertGreaterEqual(ages[0].value, 0)
        reserved = self.value(families, "reeve_resource_reserved", resource="cpu")
        self.assertGreater(reserved, 0)
        self.assertGreater(self.value(families, "reeve_resource_requested", resource="cpu"),
                           reserved)
        for run in runs:
            self.ask("POST", f"/v1/runs/{run}/cancel", {"kill": True})

    def test_says_nothing_of_runs_tasks_or_people(self):
        run = self.submit(workflow="name: secretplan\ntasks: {hiddentask: {run: 'true'}}\n",
                          labels={"who": "somebody"})
        self.ended(run["id"])
        text = self.ask("GET", "/metrics").body
        for word in (run["id"], "secretplan", "hiddentask", "somebody", "token:"):
            self.assertNotIn(word, text)
        self.assertNotRegex(text, "run_[0-9a-z]{26}")
        names = set(re.findall(r'[{,]([a-z_]+)="', text))
        self.assertLessEqual(names, {"state", "result", "queue", "reason", "resource", "unit",
                                     "outcome", "version", "le", "route", "method", "status"})

    def test_counts_answers_by_route_and_commits_to_the_disk(self):
        name = "reeve_http_requests"
        commits = "reeve_wal_fsync_duration_seconds"
        before = self.value(self.families(), commits, f"{commits}_count")
        run = self.submit(command=["true"])["id"]
        self.ended(run)
        self.ask("GET", "/v1/runs/run_nothing", expect=422)
        for _ in range(3):
            self.ask("GET", "/nothing", expect=404)
            self.ask("GET", "/v1/locks")
        self.events(f"/v1/runs/{run}/events")
        families = self.families()

        def count(route, method, status):
            return self.value(families, name, f"{name}_total", route=route, method=method,
                              status=status)
        self.assertEqual(count("/v1/runs", "POST", "2xx"), 1)
        self.assertEqual(count("/v1/runs/{run}", "GET", "4xx"), 1)
        self.assertGreaterEqual(count("/v1/runs/{run}", "GET", "2xx"), 1)
        self.assertEqual(count("/v1/locks", "GET", "2xx"), 3)
        self.assertEqual(count("/v1/runs/{run}/events", "GET", "2xx"), 1)
        self.assertEqual(count("(none)", "(any)", "4xx"), 3)
        self.assertGreater(self.value(families, commits, f"{commits}_count"), before)
        self.assertGreater(self.value(families, commits, f"{commits}_sum"), 0)

    def test_needs_the_right_unless_a_setting_opens_it_for_this_machine(self):
        self.ask("GET", "/metrics", token=None, expect=401)
        self.families(token=self.new_token("viewer", "somewhere"))
        self.ask("PUT", "/v1/roles/blind", {"actions": ["runs.read"]})
        self.ask("GET", "/metrics", token=self.new_token("blind", "*"), expect=403)
        (self.state / "reeve.toml").write_text("[server]\nmetrics_open = true\n", encoding="utf-8")
        self.ask("POST", "/v1/config/reload")
        self.families(token=None)
        self.ask("GET", "/v1/runs", token=None, expect=401)
        self.ask("POST", "/metrics", token=None, expect=405)

    def test_a_head_has_no_body(self):
        self.assertEqual(self.ask("HEAD", "/metrics").raw, b"")


if __name__ == "__main__":
    unittest.main()
