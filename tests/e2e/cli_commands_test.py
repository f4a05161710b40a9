"""What commands print: for people, for programs (a versioned contract) and for shells."""

import json
import os
import re
import shutil
import subprocess
import unittest

from reeve_case import ROOT, ReeveCase

FLOW = """
name: sample
description: of everything
inputs: {who: {type: string, default: world}}
tasks:
  greet:
    run: |
      echo "hello, ${{ inputs.who }}"
      echo "word=hello" >> "$REEVE_OUTPUT"
  count:
    needs: greet
    matrix: {unit: [bytes, words]}
    run: echo "${{ matrix.unit }} of ${{ needs.greet.outputs.word }}"
  shards: {array: 0-2, run: 'echo shard $REEVE_ARRAY_INDEX; [ $REEVE_ARRAY_INDEX != 1 ]'}
  flaky: {retry: {max: 2, backoff: 1ms}, run: '[ $REEVE_ATTEMPT = 2 ]'}
  never: {run: 'true', needs: shards}
"""


def shape(value):
    """The structure of a JSON value: names and types, no contents."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
        return "time"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


class Data(ReeveCase):
    def setUp(self):
        super().setUp()
        self.write("flow.yaml", FLOW)
        self.reeve("run", "-l", "team=a", "flow.yaml", expect=1)

    def json(self, *words, expect=0):
        return json.loads(self.reeve(*words, "-o", "json", expect=expect).stdout)

    def fields(self, kind):
        """What docs/cli.md promises of a kind."""
        text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
        section = re.search(rf"\n### {kind}\n\nPrinted by.*?(?=\n###|\Z)", text, re.DOTALL)
        return re.findall(r"^\| `(\w+)` \|", section.group(0), re.MULTILINE)

    def test_every_kind_holds_exactly_the_documented_fields(self):
        for kind, words, expect in [
            ("runs", ["ls"], 0),
            ("run", ["show", "1"], 0),
            ("tasks", ["show", "1", "--tasks"], 0),
            ("task", ["show", "1/flaky"], 0),
            ("explanation", ["explain", "1"], 0),
            ("waited", ["wait", "1"], 5),
            ("differences", ["diff", "1", "1"], 0),
            ("plan", ["plan", "flow.yaml"], 0),
            ("checks", ["doctor"], 0),
            ("replay", ["replay"], 0),
            ("program", ["version"], 0),
        ]:
            with self.subTest(kind):
                answer = self.json(*words, expect=expect)
                self.assertEqual(list(answer), ["version", kind])
                self.assertEqual(answer["version"], 1)
                items = answer[kind] if isinstance(answer[kind], list) else [answer[kind]]
                self.assertTrue(items)
                for item in items:
                    self.assertEqual(list(item), self.fields(kind))
        groups = self.json("show", "1")["run"]["groups"]
        self.assertEqual(list(groups[0]), self.fields("groups"))
        self.write("invalid.yaml", "tasks: {a: {rum: x}}\n")
        diagnostics = self.json("lint", "invalid.yaml", expect=6)["diagnostics"]
        self.assertEqual(list(diagnostics[0]), self.fields("diagnostics"))
        found = {(one["line"], one["column"]): one["suggestion"] for one in diagnostics}
        self.assertIn("run", found[(1, 13)])

    def test_the_structure_of_a_task(self):
        task = self.json("show", "1/flaky")["task"]
        self.assertEqual(shape(task["attempts"][0]), {
            "number": "number", "outcome": "str", "code": "number", "reason": "str",
            "sentence": "str", "placed": "str", "tier": "str", "next": "str", "message": "NoneType",
            "decided": "NoneType", "queued_at": "time",
            "started_at": "time", "ended_at": "time", "duration_seconds": "number",
            "user_cpu_seconds": "number", "system_cpu_seconds": "number",
            "memory_peak_bytes": "number", "read_bytes": "number", "written_bytes": "number",
            "context_switches": "number",
            "output_bytes": "number", "log": "str"})
        self.assertEqual([attempt["code"] for attempt in task["attempts"]], [1, 0])
        self.assertEqual(task["task"]["attempt"], 2)
        self.assertEqual(task["task"]["attempts_max"], 3)
        greet = self.json("show", "1/greet")["task"]["task"]
        self.assertEqual(greet["outputs"], {"word": "hello"})
        self.assertTrue(greet["id"].endswith("/greet"))

    def test_the_run(self):
        run = self.json("show", "last")["run"]
        self.assertEqual(run["state"], "failed")
        self.assertEqual(run["labels"], {"team": "a"})
        self.assertEqual(run["inputs"], {"who": "world"})
        self.assertEqual(run["tasks"], {"total": 8, "succeeded": 6, "failed": 1, "skipped": 1})
        self.assertEqual(run["directory"], str(self.directory))
        self.assertEqual([group["name"] for group in run["groups"]],
                         ["greet", "count", "shards", "flaky", "never"])

    def test_the_other_forms(self):
        ident = self.json("ls")["runs"][0]["id"]
        self.assertRegex(ident, "^run_[0-9a-z]{26}$")
        self.assertEqual(self.reeve("ls", "-q").stdout, ident + "\n")
        self.assertEqual(self.reeve("ls", "-o", "name").stdout, ident + "\n")
        self.assertEqual(self.reeve("show", ident, "-q").stdout, ident + "\n")
        self.assertEqual(self.reeve("show", ident[-6:], "-q").stdout, ident + "\n")
        lines = self.reeve("show", "1", "--tasks", "-o", "jsonl").stdout.splitlines()
        self.assertEqual([json.loads(line)["version"] for line in lines], [1] * 8)
        only = json.loads(self.reeve("ls", "--json", "number,state").stdout)
        self.assertEqual(only, {"version": 1, "runs": [{"number": 1, "state": "failed"}]})
        yaml = self.reeve("ls", "-o", "yaml").stdout
        self.assertIn("version: 1\nruns:\n  - id: ", yaml)
        self.assertIn("\n    number: 1\n", yaml)

    def test_run_gives_data_too(self):
        done = self.reeve("run", "-o", "json", "flow.yaml", expect=1)
        run = json.loads(done.stdout)["run"]
        self.assertEqual((run["number"], run["state"]), (2, "failed"))
        done = self.reeve("run", "-q", "flow.yaml", expect=1)
        self.assertEqual(done.stderr, "")

    def test_filters(self):
        self.write("good.yaml", "tasks: {a: {run: 'true'}}\n")
        self.reeve("run", "-n", "named", "good.yaml")
        numbers = lambda *words: [run["number"] for run in self.json("ls", *words)["runs"]]
        self.assertEqual(numbers(), [2, 1])
        self.assertEqual(numbers("-s", "failed"), [1])
        self.assertEqual(numbers("-s", "failed", "-s", "succeeded"), [2, 1])
        self.assertEqual(numbers("-s", "interrupted"), [])
        self.assertEqual(numbers("-n", "named"), [2])
        self.assertEqual(numbers("-n", "sample"), [1])
        self.assertEqual(numbers("-l", "team=a"), [1])
        self.assertEqual(numbers("-l", "team=b"), [])
        self.assertEqual(numbers("--limit", "1"), [2])
        self.assertEqual(numbers("--since", "1h"), [2, 1])
        self.assertEqual(numbers("--since", "2999-01-01T00:00:00Z"), [])
        states = [task["name"] for task in self.json("show", "1", "-s", "failed")["tasks"]]
        self.assertEqual(states, ["shards[1]"])

    def test_logs(self):
        logs = lambda *words: self.reeve("logs", *words).stdout.splitlines()
        self.assertEqual(logs("1/greet"), ["hello, world"])
        self.assertEqual(logs("1/count (words)"), ["words of hello"])
        self.assertEqual(logs("1/shards"), [f"shards[{i}] | shard {i}" for i in range(3)])
        self.assertEqual(logs("1/shards[2]"), ["shard 2"])
        self.assertEqual(logs("1", "--failed"), ["shards[1] | shard 1"])
        self.assertEqual(logs("1", "--grep", "shard [02]"),
                         ["shards[0] | shard 0", "shards[2] | shard 2"])
        self.assertEqual(logs("1/greet", "--tail", "0"), [])
        self.assertEqual(logs("1/greet", "--since", "2999-01-01T00:00:00Z"), [])
        self.assertRegex(logs("1/greet", "-t")[0], r"^\d{4}-\d\d-\d\dT[\d:.]+Z hello, world$")
        self.assertEqual(logs("1/greet", "--stream", "stderr"), [])
        self.reeve("logs", "1", "--grep", "(", expect=2)

    def test_explanations(self):
        said = lambda *words: self.reeve("explain", *words).stdout
        self.assertIn("1 of its tasks did not succeed", said("1"))
        self.assertIn("shards[1] ended with exit status 1", said("1"))
        self.assertIn("shards", said("1/never"))
        self.assertIn("is tried again: retry 1 of 2", said("1/flaky"))
        self.assertIn("2 succeeded, such as shards[0]", said("1/shards"))

    def test_differences(self):
        self.write("flow.yaml", FLOW.replace("!= 1", "!= 9").replace("never:", "other:"))
        self.reeve("run", "-i", "who=you", "flow.yaml")
        text = self.reeve("diff", "1", "2").stdout
        for part in ("state: failed → succeeded", 'inputs: {"who":"world"} → {"who":"you"}',
                     "specification:", "added", "removed", "shards[1]"):
            self.assertIn(part, text)
        changes = {item["task"]: item["change"] for item in self.json("diff", "1", "2")
                   ["differences"]}
        self.assertEqual((changes["never"], changes["other"], changes["shards[1]"],
                          changes["greet"]), ("removed", "added", "result", "none"))
        self.assertEqual(self.reeve("diff", "1", "1").stdout, "no differences\n")

    def test_retry_from_a_task(self):
        self.reeve("retry", "1", "--from", "greet", expect=1)
        attempts = {task["name"]: task["attempt"] for task in
                    self.json("show", "1", "--tasks")["tasks"]}
        self.assertEqual((attempts["greet"], attempts["count (bytes)"]), (2, 2))
        self.assertEqual(self.json("show", "1")["run"]["round"], 2)

    def test_replay(self):
        self.assertIn("all as recorded", self.reeve("replay").stdout)
        self.assertIn("all as recorded", self.reeve("replay", self.directory).stdout)
        self.assertIn("1 steps", self.reeve("replay", "--until", "1").stdout)
        events = [json.loads(line) for line in
                  self.reeve("replay", "--events").stdout.splitlines()]
        self.assertIn("submit_run", {event["type"] for event in events})


class Plans(ReeveCase):
    def test_order_levels_and_notes(self):
        self.write("flow.yaml", FLOW + "finally: {tidy: {run: 'true'}}\n"
                   "on_failure: {alarm: {run: 'true'}}\n")
        groups = json.loads(self.reeve("plan", "-j", "2", "flow.yaml", "-o", "json").stdout)["plan"]
        rows = {g["group"]: (g["level"], g["tasks"], g["first_step"], g["last_step"])
                for g in groups}
        self.assertEqual(rows["greet"], (1, 1, 1, 1))
        self.assertEqual(rows["count"][:2], (2, 2))
        self.assertEqual(rows["never"][0], 2)
        self.assertEqual(rows["alarm"][2], None)
        self.assertEqual({g["group"]: g["phase"] for g in groups}["tidy"], "finally")

    def test_what_cannot_be_placed(self):
        self.write("flow.yaml", "tasks: {a: {run: x, resources: {cpu: 3, licenses: {l: 1}}}}\n")
        done = self.reeve("plan", "-j", "2", "flow.yaml", expect=8)
        self.assertIn("a asks for 3 cpu, 1 l", done.stderr)
        self.assertIn("more than there is", done.stdout)
        self.reeve("plan", "-j", "cpu=4,licence.l=1", "flow.yaml")

    def planned(self, *words):
        return {group["group"]: group for group in
                json.loads(self.reeve("plan", *words, "flow.yaml", "-o", "json").stdout)["plan"]}

    def test_what_tasks_took_before_says_how_long_it_takes(self):
        self.write("flow.yaml", "name: flow\ntasks: {a: {run: sleep 0.05}, b: {run: sleep 0.08, "
                   "needs: a}, c: {run: sleep 0.03}}\n")
        self.assertIsNone(self.planned()["b"]["start_seconds"])
        self.reeve("run", "-j", "4", "flow.yaml")
        took = {task["name"]: task["duration_seconds"] for task in
                json.loads(self.reeve("show", "--tasks", "last", "-o", "json").stdout)["tasks"]
                if task["state"] == "succeeded"}
        plan = self.planned("-j", "4")
        self.assertEqual(plan["a"]["start_seconds"], 0)
        self.assertAlmostEqual(plan["b"]["start_seconds"], took["a"], 3)
        self.assertAlmostEqual(plan["b"]["end_seconds"], took["a"] + took["b"], 3)
        self.assertAlmostEqual(plan["c"]["end_high_seconds"], took["c"], 3)
        one_at_a_time = self.planned("-j", "1")
        self.assertAlmostEqual(max(one_at_a_time[name]["end_seconds"] for name in "abc"),
                               took["a"] + took["b"] + took["c"], 3)
        table = self.reeve("plan", "-j", "4", "flow.yaml").stdout
        self.assertIn("expected to take", table)
        self.assertIn("STARTS", table)

    def test_fan_out_at_run_time(self):
        self.write("flow.yaml", "tasks:\n  a: {run: x}\n  b: {needs: a, "
                   "for_each: '${{ fromJSON(needs.a.outputs.l) }}', run: x}\n")
        done = self.reeve("plan", "flow.yaml")
        self.assertIn("at run time", done.stdout)

    def test_the_starter_runs(self):
        self.reeve("init", "-n", "first-steps")
        self.reeve("lint", "reeve.yaml")
        self.reeve("plan", "reeve.yaml")
        done = self.reeve("run", "reeve.yaml")
        self.assertIn("first-steps", done.stderr)
        self.assertIn("hello, world", self.reeve("logs", "last").stdout)

    def test_standard_input(self):
        done = subprocess.run([os.environ["REEVE_BINARY"], "run", "-"], cwd=self.directory,
                              env=self.environment, input="tasks: {a: {run: 'exit 4'}}",
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("exit status 4", done.stderr)


class BareCommands(ReeveCase):
    def test_options(self):
        done = self.reeve("run", "-e", "A=x y", "-e", "HOME", "-w", "/", "--", "sh", "-c",
                          'echo "$A:$HOME:$PWD"')
        self.assertEqual(done.stdout, f"x y:{os.environ['HOME']}:/\n")
        done = self.reeve("run", "--", "echo", "${{ inputs.argv }}", "$HOME", "a b")
        self.assertEqual(done.stdout, "${{ inputs.argv }} $HOME a b\n")
        self.reeve("run", "--resources", "cpu=100000", "--", "true", expect=8)

    def test_arrays(self):
        self.reeve("run", "-j", "2", "--array", "0-9", "--", "sh", "-c",
                   "echo $REEVE_ARRAY_INDEX >> seen")
        self.assertEqual(sorted(map(int, self.lines("seen"))), list(range(10)))
        done = self.reeve("run", "--array", "0-99", "--", "true")
        self.assertIn("100 of 100 done", done.stderr)

    def test_all_logs(self):
        self.write("flow.yaml", FLOW)
        done = self.reeve("run", "--logs", "all", "flow.yaml", expect=1)
        self.assertIn("shards[2] | shard 2", done.stdout.splitlines())
        done = self.reeve("run", "--logs", "none", "flow.yaml", expect=1)
        self.assertNotIn("shard 1", done.stderr)
        done = self.reeve("run", "flow.yaml", expect=1)
        self.assertIn("  | shard 1", done.stderr.splitlines())


class Manuals(ReeveCase):
    def commands(self):
        text = self.reeve("help").stdout
        return re.findall(r"^  ([a-z]+) +\S", text, re.MULTILINE)

    def test_help_and_manual_of_every_command(self):
        self.assertGreaterEqual(len(self.commands()), 23)
        for words in [[], *([name] for name in self.commands())]:
            with self.subTest(words):
                help_text = self.reeve("help", *words).stdout
                self.assertNotEqual(help_text, "")
                self.assertLessEqual(max(map(len, help_text.splitlines())), 100)
                page = self.write("page.1", self.reeve("man", *words).stdout)
                groff = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-z", str(page)],
                                       capture_output=True, text=True, check=True)
                self.assertEqual(groff.stderr, "")

    def test_the_reference_is_current(self):
        """Otherwise: build/<preset>/reeve man --markdown > docs/cli.md"""
        stored = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
        self.assertEqual(self.reeve("man", "--markdown").stdout, stored)

    def complete(self, line):
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        script = (f"source completion; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
                  "_reeve; printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "-c", script], cwd=self.directory, env=self.environment,
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes(self):
        self.write("completion", self.reeve("completion", "bash").stdout)
        self.environment["PATH"] = (os.path.dirname(os.environ["REEVE_BINARY"]) + ":" +
                                    os.environ["PATH"])
        self.assertEqual(sorted(self.complete("reeve re")),
                         ["replay", "restore", "resume", "retry"])
        self.assertIn("--jobs", self.complete("reeve run --j"))
        self.assertEqual(self.complete("reeve run --logs f"), ["failed"])
        self.assertEqual(self.complete("reeve completion f"), ["fish"])
        self.assertIn("flow.yaml", (self.write("flow.yaml", ""), self.complete("reeve run fl"))[1])
        self.reeve("run", "--", "true")
        self.assertEqual(self.complete("reeve show "), ["last", "1"])

    def test_the_other_shells_load_theirs(self):
        loads = {"zsh": "autoload -U compinit; compinit -u -D; source {0}; "
                        "[[ ${{_comps[reeve]}} == _reeve ]]",
                 "fish": "source {0}; test (complete -C 'reeve resu' | string split -f1 \\t) "
                         "= resume"}
        for shell, script in loads.items():
            with self.subTest(shell):
                text = self.reeve("completion", shell).stdout
                path = self.write(f"completion.{shell}", text)
                self.assertIn("resume", text)
                if shutil.which(shell) is None:
                    print(f"{shell} is not installed: its completion was printed, not loaded")
                    continue
                done = subprocess.run([shell, "-c", script.format(path)], cwd=self.directory,
                                      env=self.environment, capture_output=True, text=True,
                                      check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
