"""What the service does under load, beside a client of ours on the same two processors.

Rates of requests are those of a whole service without processes (service_bench); memory and rest
are those of `reeve serve`. Notes say which share of the processor time was the client's.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import time
import urllib.parse
import urllib.request

SECONDS = 3


@contextlib.contextmanager
def serving(bed, folder, *more):
    """service_bench on the folder: {"port", "token", "server": process id}."""
    command = [bed.program("service_bench"), "serve", "--directory", str(folder), *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, env=bed.environment) as service:
        try:
            line = service.stdout.readline()
            if not line:
                raise RuntimeError("service_bench did not start")
            yield {**json.loads(line), "server": service.pid}
        finally:
            service.stdin.close()
            service.wait(timeout=60)


@contextlib.contextmanager
def reeve_serve(bed, folder):
    """`reeve serve` itself, on any port."""
    command = [bed.reeve, "serve", "--listen", "127.0.0.1:0", "--state", str(folder / "state")]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, env=bed.environment) as service:
        try:
            port = int(service.stdout.readline().rpartition(":")[2])
            token = (folder / "state" / "admin.token").read_text(encoding="utf-8").strip()
            yield {"port": port, "token": token, "server": service.pid}
        finally:
            service.terminate()
            service.wait(timeout=60)


def client(bed, place, command, *more):
    return [bed.program("http_load"), command, "--port", str(place["port"]), "--token",
            place["token"], "--server", str(place["server"]), *more]


def ask(place, path, body=None):
    headers = {"Authorization": f"Bearer {place['token']}", "Content-Type": "application/json"}
    if body is not None:
        headers["Idempotency-Key"] = f"ask-{time.monotonic_ns()}"
        body = json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{place['port']}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def judged(got, value, *notes):
    if got.get("bad") or got.get("status", 200) != 200:
        raise RuntimeError(f"requests were refused: {got}")
    shown = {name.replace("_", " "): got[name] for name in (*notes, "client_share")}
    return {"value": got[value], "notes": shown}


def gets(bed):
    folder = bed.folder()
    with serving(bed, folder) as place:
        run = ask(place, "/v1/runs", {"command": ["true"]})["run"]["id"]
        got = bed.call_json(client(bed, place, "get", "--path", f"/v1/runs/{run}",
                                   "--seconds", str(SECONDS)))
    bed.drop(folder)
    return judged(got, "per_second", "p50_ms", "p99_ms")


def posts(bed):
    folder = bed.folder()
    with serving(bed, folder) as place:
        got = bed.call_json(client(bed, place, "post", "--seconds", str(SECONDS)))
    bed.drop(folder)
    return judged(got, "per_second", "p50_ms", "p99_ms")


def bulk(bed):
    """Durable submission alone: no task starts."""
    folder = bed.folder()
    with serving(bed, folder, "--ending", "never", "--cpus", "1") as place:
        got = bed.call_json(client(bed, place, "bulk", "--tasks", "100000"))
    bed.drop(folder)
    return judged(got, "tasks_per_second")


def to_the_end(bed):
    """Bulk submission until a stream has told of the end of every run."""
    folder = bed.folder()
    with serving(bed, folder) as place:
        got = bed.call_json(client(bed, place, "ends", "--tasks", "50000"))
    bed.drop(folder)
    return judged(got, "tasks_per_second", "gaps")


def late_events(bed):
    folder = bed.folder()
    with serving(bed, folder) as place:
        got = bed.call_json(client(bed, place, "sse", "--connections", "1000", "--seconds",
                                   str(SECONDS)))
    bed.drop(folder)
    return judged(got, "p95_ms", "p50_ms", "p99_ms", "received")


def resident_mib(process):
    with open(f"/proc/{process}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def idle_streams(bed):
    """Memory of the whole process with 10,000 streams on which nothing happens."""
    folder = bed.folder()
    with reeve_serve(bed, folder) as place:
        before = resident_mib(place["server"])
        command = client(bed, place, "idle", "--connections", "10000")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as holder:
            opened = holder.stdout.readline()
            used = resident_mib(place["server"])
            holder.stdin.close()
        if "10000" not in opened:
            raise RuntimeError("the streams could not be opened")
    bed.drop(folder)
    return {"value": used, "notes": {"without streams": round(before, 1)}}


def switches(process):
    """How often any thread of it gave up the processor of its own will: it waited, and woke."""
    total = 0
    for task in pathlib.Path("/proc", str(process), "task").iterdir():
        text = (task / "status").read_text(encoding="utf-8")
        total += int(text.split("voluntary_ctxt_switches:")[1].split()[0])
    return total


def at_rest(bed):
    """`reeve serve` that nobody asks for anything, after a few runs: memory, wake-ups a minute."""
    folder = bed.folder()
    with reeve_serve(bed, folder) as place:
        for _ in range(20):
            ask(place, "/v1/runs", {"command": ["true"]})
        while ask(place, "/v1/runs?state=queued&state=running")["runs"]:
            time.sleep(0.2)
        time.sleep(3)
        before = switches(place["server"])
        time.sleep(10)
        woken = (switches(place["server"]) - before) * 6
        used = resident_mib(place["server"])
    bed.drop(folder)
    return {"value": used, "notes": {"wake-ups a minute": woken}}


FILTERS = ("", "state=failed", "state=cancelled", "name=job-7", "label=team%3Dt42",
           "label=ticket%3D3", "name=nobody", "label=nobody%3D1", "namespace=elsewhere",
           "state=failed&name=job-975", "since=2025-11-24T16:00:00Z")


def listing(runs):
    """p95 of a page with each of several filters, over so many finished runs of one task."""
    def measure(bed):
        kept = os.environ.get("REEVE_BENCH_STORE")  # one that `service_bench fill` has made
        folder = pathlib.Path(kept) if kept else bed.folder()
        if not kept:
            bed.call([bed.program("service_bench"), "fill", "--directory", str(folder), "--runs",
                      str(runs)])
        took = {}
        with serving(bed, folder) as place:
            for wanted in FILTERS:
                times = []
                for _ in range(20):
                    began = time.monotonic()
                    ask(place, "/v1/runs?limit=50&" + wanted)
                    times.append(time.monotonic() - began)
                took[wanted] = sorted(times)[18] * 1000
        if not kept:
            bed.drop(folder)
        worst = max(took, key=took.get)
        return {"value": took[worst],
                "notes": {f"{urllib.parse.unquote(name) or 'all'} ms": round(value, 1)
                          for name, value in took.items()}}
    return measure
