"""The clients in clients/: that they are what the API is, that the TypeScript one is well typed,
and that both do a day's work with a service.
"""

import json
import signal
import subprocess
import sys
import unittest

from reeve_case import BINARY, ROOT, ReeveCase

sys.path.insert(0, str(ROOT / "clients" / "python"))

import reeve_client  # noqa: E402

TYPESCRIPT = ROOT / "clients" / "typescript"
STRICT = ("--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable")
WORK = """
import { Client, Refused } from "./reeve.js";
const reeve = new Client(process.argv[2], { token: process.argv[3] });
const { run } = await reeve.submitRun({ command: ["sh", "-c", "echo from-typescript"] });
const types = [];
for await (const event of reeve.streamRunEvents(run.id)) types.push(event.type);
const tasks = (await reeve.listTasks(run.id)).tasks;
const log = await reeve.getTaskLog(run.id, tasks[0].name);
const bulk = await reeve.submitRuns([{ command: ["true"] }, { command: ["true"] }]);
let status = 0;
try { await reeve.getRun("run_00000000000000000000000000"); } catch (error) {
  if (error instanceof Refused) status = error.status;
}
console.log(JSON.stringify({ types, log, accepted: bulk.accepted.length, status }));
"""


class Clients(ReeveCase):
    def setUp(self):
        super().setUp()
        self.state = self.directory / "state"
        self.begin("127.0.0.1:0")
        self.port = self.url.rpartition(":")[2]

    def begin(self, address):
        self.server = subprocess.Popen(
            [BINARY, "serve", "--listen", address, "--state", str(self.state)],
            cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.server.stdout.readline().strip()
        self.token = (self.state / "admin.token").read_text(encoding="utf-8").strip()

    def tearDown(self):
        if self.server.poll() is None:
            self.server.terminate()
        self.server.wait(timeout=30)
        self.server.stdout.close()
        super().tearDown()

    def client(self, url=None, token=None):
        made = reeve_client.Client(url or self.url, token=token or self.token)
        self.addCleanup(made.close)
        return made

    def test_they_are_what_the_api_is(self):
        description = self.directory / "openapi.json"
        description.write_text(json.dumps(self.client().openapi()), encoding="utf-8")
        done = subprocess.run([sys.executable, ROOT / "tools" / "clients", description, "--check"],
                              text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_python_does_a_days_work(self):
        for reeve in (self.client(), self.client(f"unix:{self.state}/api.sock", "")):
            run = reeve.submit_run({"command": ["sh", "-c", "echo from-python"]})["run"]
            types = [event.type for event in reeve.stream_run_events(run["id"])]
            self.assertEqual((types[0], types[-1]),
                             ("dev.reeve.run.submitted", "dev.reeve.run.succeeded"))
            self.assertEqual(reeve.get_run(run["id"])["run"]["state"], "succeeded")
            task = reeve.list_tasks(run["id"], limit=5)["tasks"][0]["name"]
            self.assertEqual(reeve.get_task_log(run["id"], task), "from-python\n")
            bulk = reeve.submit_runs([{"command": ["true"]}] * 3)
            self.assertEqual(len(bulk["accepted"]), 3)
        with self.assertRaises(reeve_client.Problem) as caught:
            reeve.submit_run({"command": []})
        self.assertEqual(caught.exception.status, 422)
        self.assertTrue(caught.exception.errors)
        slow = reeve.submit_run({"command": ["sleep", "600"]})["run"]["id"]
        reeve.cancel_run(slow, {"reason": "enough"})
        self.assertEqual([event.type for event in reeve.stream_run_events(slow)][-1],
                         "dev.reeve.run.cancelled")

    def test_a_long_bulk_keeps_its_order(self):
        """Its halves are read at the same time."""
        reeve = self.client()
        bad = (0, 10, 1999, 2000, 3998, 3999)
        items = [{"command": [] if number in bad else ["true"], "name": f"n{number}"}
                 for number in range(4000)]
        with self.assertRaises(reeve_client.Problem) as caught:
            reeve.submit_runs(items)
        self.assertEqual([each["pointer"] for each in caught.exception.errors],
                         [f"/{number}" for number in bad])
        self.assertEqual(reeve.list_runs()["runs"], [])
        bulk = reeve.submit_runs(items, mode="each")
        self.assertEqual([each["index"] for each in bulk["refused"]], list(bad))
        accepted = [each["index"] for each in bulk["accepted"]]
        self.assertEqual(accepted, [number for number in range(4000) if number not in bad])
        for at in (0, 1500, 1993, 1994, 3993):
            run = reeve.get_run(bulk["accepted"][at]["id"])["run"]
            self.assertEqual(run["name"], f"n{accepted[at]}")
        self.server.kill()  # nobody waits for four thousand sandboxes

    def test_a_key_that_is_sent_again_counts_once(self):
        reeve = self.client()
        body = {"command": ["true"]}
        first = reeve.submit_run(body, idempotency_key="once")["run"]["id"]
        self.server.send_signal(signal.SIGKILL)
        self.server.wait(timeout=30)
        self.server.stdout.close()
        self.begin(f"127.0.0.1:{self.port}")
        # The connection is dead: the client notices, and sends it again.
        self.assertEqual(reeve.submit_run(body, idempotency_key="once")["run"]["id"], first)

    def test_typescript_is_well_typed_and_does_the_same(self):
        done = subprocess.run(["tsc", *STRICT, "--module", "es2022", "--outDir", self.directory,
                               TYPESCRIPT / "reeve.ts"], text=True, capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        wrong = self.write("wrong.ts", f'import {{ Client }} from "{TYPESCRIPT}/reeve";\n'
                           'new Client("").submitRun({ command: 7 });\n')
        checked = subprocess.run(["tsc", *STRICT, "--noEmit", wrong], text=True,
                                 capture_output=True, check=False)
        self.assertIn("TS2322", checked.stdout)
        self.write("package.json", '{"type": "module"}')
        script = self.write("work.js", WORK)
        done = subprocess.run(["node", script, self.url, self.token], text=True,
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["types"][-1], "dev.reeve.run.succeeded")
        self.assertEqual((said["log"], said["accepted"], said["status"]),
                         ("from-typescript\n", 2, 404))


if __name__ == "__main__":
    unittest.main()
