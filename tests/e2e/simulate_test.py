"""`reeve simulate`: logs of jobs under other policies, as people and programs use it."""

import gzip
import json
import subprocess
import unittest

from reeve_case import ReeveCase

LOG = """; MaxProcs: 10
1 0 -1 60 6 -1 -1 6 100 -1 1 1 -1 -1 -1 -1 -1 -1
2 1 -1 100 10 -1 -1 10 100 -1 1 1 -1 -1 -1 -1 -1 -1
3 2 -1 90 4 -1 -1 4 98 -1 1 1 -1 -1 -1 -1 -1 -1
4 3 -1 20 4 -1 -1 4 99 -1 1 1 -1 -1 -1 -1 -1 -1
"""


class Simulate(ReeveCase):
    def setUp(self):
        super().setUp()
        self.log = self.write("log.swf", LOG)

    def json_of(self, *words):
        return json.loads(self.reeve("simulate", *words, "-o", "json").stdout)

    def test_one_policy_has_its_figures_at_the_top(self):
        got = self.json_of("--swf", str(self.log), "--policy", "easy")
        self.assertEqual((got["jobs"], got["processors"]), (4, 10))
        self.assertEqual(got["max_wait_seconds"], 189)
        self.assertEqual(got["median_wait_seconds"], 0)
        self.assertAlmostEqual(got["mean_bounded_slowdown"],
                               (1 + 191 / 100 + 1 + 209 / 20) / 4)
        self.assertEqual(got["simulations"], [{k: v for k, v in got.items()
                                               if k not in ("version", "simulations")}])

    def test_policies_are_compared(self):
        got = self.json_of("--swf", str(self.log), "--policy", "fcfs", "--policy", "easy")
        self.assertEqual([one["policy"] for one in got["simulations"]], ["fcfs", "easy"])
        table = self.reeve("simulate", "--swf", str(self.log)).stdout
        for name in ("SLOWDOWN", "easy", "last-two", "learned"):
            self.assertIn(name, table)

    def test_reads_gzip_and_standard_input(self):
        packed = self.directory / "log.swf.gz"
        packed.write_bytes(gzip.compress(LOG.encode()))
        for words, given in ((["--swf", str(packed)], None), (["--swf", "-"], LOG.encode()),
                             (["--swf", "-"], gzip.compress(LOG.encode()))):
            done = subprocess.run([self.binary, "simulate", *words, "--policy", "easy", "-o",
                                   "json"], input=given, capture_output=True, check=False)
            self.assertEqual(json.loads(done.stdout)["max_wait_seconds"], 189, done.stderr)

    def test_writes_the_schedule(self):
        out = self.directory / "schedule.swf"
        self.json_of("--swf", str(self.log), "--policy", "easy", "--schedule", str(out))
        waits = [int(line.split()[2]) for line in out.read_text(encoding="utf-8").splitlines()
                 if not line.startswith(";")]
        self.assertEqual(waits, [0, 91, 0, 189])
        self.reeve("simulate", "--swf", self.log, "--schedule", out, expect=2)
        done = self.reeve("simulate", "--swf", self.log, "--policy", "easy", "--schedule",
                          "/nowhere/x", expect=None)
        self.assertIn("cannot write /nowhere/x: No such file", done.stderr)

    def test_a_log_that_is_made_up_is_the_same_each_time(self):
        words = ["--generate", "bursts", "--count", 500, "--load", "0.9", "--seed", 3]
        got = [self.json_of(*words, *more) for more in ([], [], ["--median", "1s"])]
        self.assertEqual(got[0], got[1])
        self.assertNotEqual(got[0], got[2])
        self.assertEqual({one["jobs"] for one in got[0]["simulations"]}, {500})

    def test_what_has_run_here_can_be_tried_again(self):
        self.assertIn("nothing has been run", self.reeve("simulate", "--history",
                                                         expect=3).stderr)
        self.write("flow.yaml", "name: flow\ntasks:\n  a: {array: 6, run: sleep 0.05, timeout: "
                   "1m}\n  b: {run: exit 3, resources: {cpu: 500m}}\n")
        self.reeve("run", "-j", "2", "flow.yaml", expect=1)
        wide, narrow = (self.json_of("--history", "--processors", many, "--policy", "easy",
                                     "--report", self.directory / "page.html")
                        for many in (8, 1))
        self.assertEqual((wide["jobs"], wide["processors"]), (7, 8))
        self.assertEqual(wide["max_wait_seconds"], 0)
        self.assertGreater(narrow["max_wait_seconds"], 0.2)
        text = (self.directory / "page.html").read_text(encoding="utf-8")
        self.assertEqual(text.count(": 0.5 processors for"), 1)

    def test_compares_two_policies_with_intervals(self):
        got = self.json_of("--generate", "diurnal", "--count", 800, "--compare", "--policy",
                           "fcfs", "--policy", "easy", "--rounds", 6)["comparison"]
        first = got[0]
        self.assertEqual(first["figure"], "mean_bounded_slowdown")
        self.assertAlmostEqual(first["second"] - first["first"], first["difference"])
        self.assertLess(first["difference_low"], first["difference"])
        self.assertLess(first["difference_high"], 0)
        self.assertTrue(first["is_certain"])
        table = self.reeve("simulate", "--swf", self.log, "--compare", "--policy", "easy",
                           "--policy", "easy").stdout
        self.assertIn("may be chance", table)
        done = self.reeve("simulate", "--swf", self.log, "--compare", "--policy", "easy", expect=2)
        self.assertIn("--policy A --policy B", done.stderr)

    def test_writes_a_page(self):
        page = self.directory / "page.html"
        self.json_of("--generate", "poisson", "--count", 3000, "--report", page)
        text = page.read_text(encoding="utf-8")
        self.assertEqual(text.count("<svg"), 3 + 3)
        self.assertGreater(text.count("<rect"), 1000)
        self.assertNotIn("nan", text)
        self.assertNotIn("http", text)
        self.write("empty.swf", "; MaxProcs: 4\n")
        self.json_of("--swf", "empty.swf", "--report", page)
        self.json_of("--swf", self.log, "--report", page)

    def test_says_what_is_wrong(self):
        damaged = self.directory / "damaged.gz"
        damaged.write_bytes(gzip.compress(LOG.encode() * 100)[:-20])
        (self.directory / "text").write_text("hello\n", encoding="utf-8")
        (self.directory / "unsized").write_text(LOG.split("\n", 1)[1], encoding="utf-8")
        for words, status, said in (
                ([], 2, "needs one log of jobs"),
                (["--swf", "nope"], 3, "cannot read nope"),
                (["--swf", str(self.directory)], 6, "is a directory"),
                (["--swf", str(damaged)], 6, "cannot unpack"),
                (["--swf", str(self.directory / "text")], 6, "line 1: 'hello' is not a number"),
                (["--swf", str(self.directory / "unsized")], 2, "--processors N"),
                (["--swf", str(self.log), "--processors", "4"], 6, "job 1 needs 6 processors"),
                (["--swf", str(self.log), "--processors", "0"], 2, "--processors"),
                (["--generate", "weekly"], 2, "poisson, diurnal"),
                (["--generate", "poisson", "--swf", "x"], 2, "one log of jobs"),
                (["--generate", "poisson", "--load", "0"], 2, "--load is a part"),
                (["--generate", "poisson", "--load", "nan"], 2, "--load is a part"),
                (["--generate", "poisson", "--median", "5ms"], 2, "at least a second"),
                (["--generate", "poisson", "--report", "/nowhere/x"], 3, "cannot write /nowhere"),
                (["--swf", str(self.log), "--policy", "eesy"], 2, "did you mean 'easy'?")):
            done = self.reeve("simulate", *words, expect=None)
            self.assertIn(said, done.stderr)
            self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)


def graph(*tasks, version=15):
    """(id, parents, seconds) as WfFormat 1.5, or as 1.3 and older."""
    if version == 13:
        workflow = {"tasks": [{"name": name, "parents": parents, "runtime": seconds}
                              for name, parents, seconds in tasks]}
    else:
        workflow = {"specification": {"tasks": [{"name": "x", "id": name, "parents": parents}
                                                for name, parents, _ in tasks]},
                    "execution": {"tasks": [{"id": name, "runtimeInSeconds": seconds}
                                            for name, _, seconds in tasks]}}
    return json.dumps({"name": "fan", "schemaVersion": "1.5", "workflow": workflow})


FAN = [("first", [], 1), *((f"m{i}", ["first"], 10) for i in range(8)),
       ("last", [f"m{i}" for i in range(8)], 1.5)]


class SimulateGraph(ReeveCase):
    def test_graphs_of_both_formats(self):
        for version in (13, 15):
            path = self.write(f"fan{version}.json", graph(*FAN, version=version))
            got = json.loads(self.reeve("simulate", "--dag", path, "--slots", 7, "--slots", 8,
                                        "-o", "json").stdout)["graphs"]
            self.assertEqual([(one["slots"], one["makespan_seconds"]) for one in got],
                             [(7, 22.5), (8, 12.5)])
            self.assertEqual(got[0]["critical_path_seconds"], 12.5)
            self.assertAlmostEqual(got[0]["ratio"], 22.5 / 12.5)
            self.assertEqual(got[0]["proven_ratio"], 1, "eight on seven slots take two rounds")

    def test_says_what_is_wrong(self):
        for text, said in (("{", "not JSON"), ("[]", "not a JSON object"), ("{}", "'workflow'"),
                           ('{"workflow": {}}', "no list of tasks"),
                           (graph(("a", ["b"], 1)), "task a has a parent that is not there"),
                           (graph(("a", ["b"], 1), ("b", ["a"], 1)),
                            "tasks need each other: a -> b -> a"),
                           (graph(("a", [], 1), ("a", [], 1)), "two tasks are called a"),
                           (graph(("a", [], -1)), "runtimeInSeconds of task a is -1"),
                           (graph(("a", [], "1")), "is not a number"),
                           (graph(("a", 5, 1)), "parents of task a is not a list"),
                           (graph(("", [], 1)).replace('"x"', "7"), "neither id nor name")):
            path = self.write("bad.json", text)
            self.assertIn(said, self.reeve("simulate", "--dag", path, expect=6).stderr)
        for slots in ("0", "x", "-3", "99999999999"):
            done = self.reeve("simulate", "--dag", path, "--slots", slots, expect=2)
            self.assertIn("--slots is a number", done.stderr)


if __name__ == "__main__":
    unittest.main()
