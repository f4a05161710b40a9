"""The rows of the speed table: what each measures, how, and what it must reach.

A measurement gives {"value": number} and may add "baseline" (the same work by the bare system, in
the same unit), "ratio" (overrides value / baseline) and "notes" (text -> number).
"""

import dataclasses
import math
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Callable

import beside
import service
import traces
from egress import egress_cost
from images import image_cost


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    what: str
    unit: str
    target: float
    measure: Callable
    judged: str = "value"  # or "ratio"
    better: str = "higher"
    aim: float | None = None


SPAWNS = 5000
SANDBOXES = 2000
SILENT = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in range(3)]
MILLION = 1_000_000


def spawn_rate(bed):
    """5,000 x /bin/true, two at a time: reeve, the bare loop, and what people use today."""
    folder = bed.folder()
    workflow = folder / "spawns.yaml"
    workflow.write_text(f"name: spawns\ntasks:\n  t:\n    array: {SPAWNS}\n"
                        "    command: [/bin/true]\n", encoding="utf-8")
    floor = float(bed.call([bed.program("spawn_floor"), str(SPAWNS), "2", "/bin/true"]))
    took = bed.time([bed.reeve, "run", "--state", str(folder / "state"), "-j", "2", "--sandbox",
                     "none", str(workflow)], cwd=folder)
    notes = {name: round(floor / seconds, 2)
             for name, seconds in others(bed, folder) if seconds is not None}
    bed.drop(folder)
    return {"value": SPAWNS / took, "baseline": SPAWNS / floor, "notes": notes}


def others(bed, folder):
    """(name, seconds) of the same 5,000 by programs that promise nothing about a crash."""
    names = [f"t{i}" for i in range(SPAWNS)]
    if shutil.which("make"):
        text = f".PHONY: all {' '.join(names)}\nall: {' '.join(names)}\n"
        (folder / "Makefile").write_text(text + "".join(f"{n}:\n\t@/bin/true\n" for n in names),
                                         encoding="utf-8")
        yield "make -j2", bed.time(["make", "-s", "-j2", "all"], cwd=folder)
    if shutil.which("xargs"):
        (folder / "names").write_text("\n".join(names), encoding="utf-8")
        yield "xargs -P2", bed.time(["xargs", "-P2", "-n1", "-a", "names", "/bin/true"],
                                    cwd=folder)
    if shutil.which("ninja"):
        text = "rule t\n command = /bin/true\n" + "".join(f"build {n}: t\n" for n in names)
        (folder / "build.ninja").write_text(text, encoding="utf-8")
        yield "ninja -j2", bed.time(["ninja", "--quiet", "-j2"], cwd=folder)


def sandbox_rate(bed):
    """2,000 x /bin/true in sandboxes, two at a time: reeve and the bare loop."""
    folder = bed.folder()
    workflow = folder / "sandboxes.yaml"
    workflow.write_text(f"name: sandboxes\ntasks:\n  t:\n    array: {SANDBOXES}\n"
                        "    command: [/bin/true]\n", encoding="utf-8")
    floor = float(bed.call([bed.program("sandbox_floor"), str(SANDBOXES), "2", "/bin/true"]))
    took = bed.time([bed.reeve, "run", "--state", str(folder / "state"), "-j", "2",
                     str(workflow)], cwd=folder)
    bed.drop(folder)
    return {"value": SANDBOXES / took, "baseline": SANDBOXES / floor}


def batch_rate(bed):
    """5,000 x /bin/true as an array in native sandboxes, with batches of 100 and without."""
    folder = bed.folder()
    rates = {}
    for name, batch in (("alone", ""), ("batched", "    batch: {max: 100}\n")):
        workflow = folder / f"{name}.yaml"
        workflow.write_text(f"name: {name}\ntasks:\n  t:\n    array: {SPAWNS}\n{batch}"
                            "    command: [/bin/true]\n", encoding="utf-8")
        took = bed.time([bed.reeve, "run", "--state", str(folder / name), "-j", "2",
                         str(workflow)], cwd=folder)
        rates[name] = SPAWNS / took
    bed.drop(folder)
    return {"value": rates["batched"], "baseline": rates["alone"]}


def many_alive(bed):
    """Memory of the supervisor and of what it keeps beside 500 tasks that sleep, for each."""
    alive = 500
    folder = bed.folder()
    command = [bed.reeve, "run", "--state", str(folder / "state"), "-j", str(alive), "--array",
               f"0-{alive - 1}", "--", "sleep", "300"]
    with subprocess.Popen(command, cwd=folder, env=bed.environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        ours, tasks = [], 0
        for _ in range(240):
            time.sleep(0.5)
            ours, tasks = below_supervisor_of(str(folder / "state"))
            if tasks >= alive:
                break
        used = sum(proportional_bytes(pid) for pid in ours)
        run.send_signal(signal.SIGINT)
        run.wait()
    bed.drop(folder)
    if tasks < alive:
        raise RuntimeError(f"only {tasks} of {alive} tasks began")
    return {"value": used / alive / 2**20, "notes": {"processes of ours": len(ours)}}


def below_supervisor_of(state):
    """Process ids of the supervisor of a state and of all below it but tasks; number of tasks."""
    parents, words = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as stat:
                    parents[int(name)] = int(stat.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{name}/cmdline", "rb") as line:
                    words[int(name)] = line.read().decode(errors="replace").split("\0")
            except (OSError, IndexError):
                continue
    top = {pid for pid, line in words.items() if line[1:4] == ["supervisor", "--state", state]}
    found, size = set(top), -1
    while len(found) != size:
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    tasks = {pid for pid in found if words.get(pid, [""])[0] == "sleep"}
    return found - tasks, len(tasks)


def proportional_bytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
            return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024
    except OSError:
        return 0


def path_durable(bed):
    """An array of a million through SQLite, beside the bare row operations that it must do."""
    folder = bed.folder()
    floor = float(bed.call([bed.program("sqlite_floor"), str(folder / "floor.db"), str(MILLION)]))
    bed.drop(folder)
    got = bed.engine("array", "--store", "sqlite", "--tasks", str(MILLION))
    return {"value": got["tasks_per_second"], "baseline": MILLION / floor}


def path_in_memory(bed):
    return {"value": bed.engine("array", "--store", "memory", "--tasks",
                                str(MILLION))["tasks_per_second"]}


def enqueue(depth, tasks):
    def measure(bed):
        got = bed.engine("enqueue", "--producers", "64", "--depth", str(depth),
                         "--tasks", str(tasks))
        return {"value": got["tasks_per_second"]}
    return measure


def latency(quantile, *more):
    def measure(bed):
        folder = bed.folder()
        got = bed.call_json([bed.program("latency_bench"), "--directory", str(folder),
                             "--supervisor", bed.reeve, "--task",
                             bed.program("first_instruction"), "--count", "500", *more])
        bed.drop(folder)
        return {"value": got[quantile] * 1000, "notes": {"p50": round(got["p50"] * 1000, 2),
                                                         "p99": round(got["p99"] * 1000, 2)}}
    return measure


def warm_python(bed):
    """Python with json, re, argparse and sqlite3: how much sooner a warm one comes to work."""
    middle = {}
    for kind in ("cold", "warm"):
        folder = bed.folder()
        got = bed.call_json([bed.program("latency_bench"), "--directory", str(folder),
                             "--supervisor", bed.reeve, "--task",
                             bed.program("first_instruction"), "--count", "100",
                             "--sandbox", "native", "--python", kind])
        bed.drop(folder)
        middle[kind] = got["p50"] * 1000
    return {"value": middle["cold"] / middle["warm"],
            "notes": {f"{kind} p50 ms": round(value, 2) for kind, value in middle.items()}}


def attacked(quantile):
    """Times what it is beside a task that starts programs all the time and writes nothing, while
    the same task writes as fast as it can; turn by turn. At idle it is less, as processors are
    shared: that is no matter of logs."""
    def measure(bed):
        call = [bed.program("latency_bench"), "--supervisor", bed.reeve, "--task",
                bed.program("first_instruction"), "--count", "300"]
        kinds = {"idle": [], "silent": ["--attacker", "silent"],
                 "attacked": ["--attacker", "writes"]}
        got = {kind: [] for kind in kinds}
        for _ in range(3):
            for kind, more in kinds.items():
                folder = bed.folder()
                got[kind].append(bed.call_json([*call, "--directory", str(folder), *more]))
                bed.drop(folder)
        middle = {kind: {at: sorted(one[at] for one in all_of)[1] for at in ("p50", "p99")}
                  for kind, all_of in got.items()}
        return {"value": middle["attacked"][quantile] / middle["silent"][quantile],
                "notes": {f"{kind} {at} ms": round(value[at] * 1000, 2)
                          for kind, value in middle.items() for at in ("p50", "p99")}}
    return measure


def memory(shape):
    def measure(bed):
        got = bed.engine("memory", "--shape", shape, "--tasks", str(MILLION))
        return {"value": got["bytes_per_task"] - got["payload_bytes"],
                "notes": {"payload bytes": got["payload_bytes"],
                          "resident MiB": round(got["resident_bytes"] / 2**20)}}
    return measure


def recovery(shape):
    """kill -9 with a million queued, then the time until a new run is durably accepted."""
    def measure(bed):
        folder = bed.folder()
        program = bed.program("engine_bench")
        place = ["--directory", str(folder)]
        with subprocess.Popen([program, "fill", "--shape", shape, "--tasks", str(MILLION), *place],
                              stdout=subprocess.PIPE, text=True) as filled:
            answer = filled.stdout.readline()
            filled.send_signal(signal.SIGKILL)
        if "true" not in answer:
            raise RuntimeError("engine_bench fill failed")
        began = time.monotonic()
        with subprocess.Popen([program, "reopen", *place], stdout=subprocess.PIPE,
                              text=True) as opened:
            answer = opened.stdout.readline()
            took = time.monotonic() - began
        if "true" not in answer:
            raise RuntimeError("engine_bench reopen failed")
        bed.drop(folder)
        return {"value": took}
    return measure


def flatness(shape):
    """How much more a task costs in a large graph than in one of 1,000 tasks.

    On one processor: a chain hands every task from thread to thread, and what waking a sleeping
    processor takes (10 to 50 us on a virtual machine) would be all that is seen.
    """
    def measure(bed):
        one = {min(os.sched_getaffinity(0))}
        cost = {}
        for tasks in (1_000, 10_000, 100_000, MILLION):
            tries = 9 if tasks <= 10_000 else 1  # short ones are noisy
            took = [bed.engine("graph", "--store", "memory", "--shape", shape, "--tasks",
                               str(tasks), processors=one) for _ in range(tries)]
            cost[tasks] = statistics.median(got["seconds"] / got["tasks"] for got in took)
        growth = max(cost.values()) / cost[1_000]
        return {"value": growth,
                "notes": {f"us each of {tasks:,}": round(c * 1e6, 2) for tasks, c in cost.items()}}
    return measure


def cold_start(bed):
    """Fork, exec, wait: nothing of Python is inside the time but that."""
    folder = bed.folder()
    command = [bed.reeve, "run", "--state", str(folder / "state"), "--", "true"]
    os.sync()
    began = time.monotonic()
    child = os.posix_spawn(bed.reeve, command, bed.environment, file_actions=SILENT)
    _, status = os.waitpid(child, 0)
    took = time.monotonic() - began
    if status != 0:
        raise RuntimeError(f"reeve run -- true gave status {os.waitstatus_to_exitcode(status)}")
    bed.drop(folder)
    return {"value": took * 1000}


def cold_start_median(bed):
    values = sorted(cold_start(bed)["value"] for _ in range(9))
    return {"value": values[len(values) // 2], "notes": {"worst": round(values[-1], 1)}}


ROWS = [
    Row("spawn", "5,000 x `/bin/true` by `reeve run`, SQLite, 2 at a time, over bare posix_spawn",
        "tasks/s", 0.75, spawn_rate, judged="ratio", aim=0.85),
    Row("sandbox", "2,000 x `/bin/true` in sandboxes by `reeve run`, SQLite, 2 at a time, over "
        "bare clone + pivot_root + exec", "tasks/s", 0.85, sandbox_rate, judged="ratio", aim=1.0),
    Row("image", "attempt on an image of five layers over one on the host's root, one at a time",
        "ms", 1.5, image_cost, better="lower"),
    Row("egress", "attempt with a list under `network` over one without a network, one at a time",
        "ms", 50, egress_cost, better="lower"),
    Row("batch", "5,000 x /bin/true in sandboxes, batches of 100 over each alone", "tasks/s", 1.6,
        batch_rate, judged="ratio", aim=2.0),
    Row("sandbox-alone", "the same by the supervisor alone, without an engine", "tasks/s", 0.87,
        beside.alone, judged="ratio"),
    Row("sandbox-bwrap", "the same over `bwrap --unshare-all` with its own /proc, /dev, /tmp",
        "tasks/s", 2.5, beside.over_bubblewrap, judged="ratio"),
    Row("sandbox-runc", "the same over `runc run` of busybox", "tasks/s", 10, beside.over_runc,
        judged="ratio"),
    Row("sandbox-many", "500 sandboxes alive: memory of ours beside each task", "MiB", 1.0,
        many_alive, better="lower"),
    Row("path-sqlite", "engine path, no processes, array of 1,000,000, SQLite", "tasks/s",
        80_000, path_durable, aim=150_000),
    Row("path-memory", "the same with the memory store", "tasks/s", 300_000,
        path_in_memory),
    Row("enqueue-one", "synced enqueue, 64 producers one by one", "runs/s", 20_000,
        enqueue(1, 64_000)),
    Row("enqueue-pipelined", "synced enqueue, 64 producers pipelined", "runs/s", 150_000,
        enqueue(1024, 512_000)),
    Row("latency-p50", "submit to first instruction at idle, p50", "ms", 3, latency("p50"),
        better="lower"),
    Row("latency-p99", "submit to first instruction at idle, p99", "ms", 10, latency("p99"),
        better="lower"),
    Row("sandbox-p50", "submit to first instruction in a sandbox at idle, p50", "ms", 1.5,
        latency("p50", "--sandbox", "native"), better="lower"),
    Row("sandbox-p99", "submit to first instruction in a sandbox at idle, p99", "ms", 5,
        latency("p99", "--sandbox", "native"), better="lower"),
    Row("warm-python", "submit to first line after `import json, re, argparse, sqlite3` in a "
        "sandbox at idle: cold `python3` over warm, p50", "times", 8, warm_python),
    Row("attacked-p99", "submit to first instruction beside a writer at full speed over one that "
        "is as busy and silent, p99",
        "times", 1.1, attacked("p99"), better="lower"),
    Row("memory-array", "resident memory, 1,000,000 queued, one array", "B/task", 400,
        memory("array"), better="lower"),
    Row("memory-runs", "resident memory, 1,000,000 queued, separate runs, without payload",
        "B/task", 400, memory("runs"), better="lower"),
    Row("recover-array", "`kill -9` with 1,000,000 queued, ready again, one array", "s", 1.0,
        recovery("array"), better="lower"),
    Row("recover-runs", "`kill -9` with 1,000,000 queued, ready again, separate runs", "s", 2.0,
        recovery("runs"), better="lower"),
    Row("flat-chain", "cost of a task in a chain, 1,000 to 1,000,000, over that of 1,000",
        "times", 2.0, flatness("chain"), better="lower"),
    Row("flat-layers", "cost of a task in a layered DAG, to 1,000 x 1,000, over that of 1,000",
        "times", 2.0, flatness("layers"), better="lower"),
    Row("cold", "`reeve run -- true`, whole command, cold store", "ms", 30, cold_start_median,
        better="lower"),
    *(Row(f"schedule-same-{log}", f"jobs of {log} that start at another moment than in the stored "
          "schedules, four policies", "jobs", 0, traces.other_jobs(log), better="lower")
      for log in traces.PROCESSORS),
    *(Row(f"schedule-{policy}-{log}", f"mean bounded slowdown of {log} under `{policy}`", "times",
          target, traces.slowdown(log, policy), better="lower")
      for policy, targets in (("last-two", (62.9, 65.1)), ("learned", (49.8, 56.8)))
      for log, target in zip(traces.PROCESSORS, targets)),
    Row("schedule-graphs-mean", "makespan over max(critical path, work / slots), recorded graphs, "
        "4 to 64 slots, mean", "times", 1.05, traces.graphs("ratio", statistics.fmean),
        better="lower"),
    Row("schedule-graphs-max", "the same, worst", "times", 1.25, traces.graphs("ratio", max),
        better="lower"),
    Row("schedule-graphs-proven", "makespan over what is proven that no schedule beats, worst",
        "times", 1.25, traces.graphs("proven_ratio", max), better="lower"),
    Row("schedule-plan", "placements by the planner, 1,000,000 waiting in 2,560 kinds, 1,000 nodes",
        "placements/s", 100_000, traces.plan_rate),
    Row("schedule-plan-add", "adding one task to a queue of 1,000,000", "µs", 20,
        traces.plan_adding, better="lower"),
    Row("schedule-plan-conservative", "a round that promises a place to each of the first 1,000, "
        "1,000,000 waiting, 1,000 nodes", "ms", 50, traces.plan_conservative, better="lower"),
    Row("schedule-plan-flat", "cost of a placement with 1,000,000 waiting over that with 10,000",
        "times", 2, traces.plan_growth, better="lower"),
    Row("schedule-fair", "p99 wait of fifteen users beside one with a thousand kinds of work, over "
        "without", "times", 1.2, traces.fair_ratio, better="lower"),
    Row("schedule-speed", "`reeve simulate` of KTH-SP2 with EASY, whole command", "s", 0.5,
        traces.seconds_of(log="KTH-SP2"), better="lower"),
    Row("schedule-speed-log", "the same of a log of 300,000 jobs that is made up", "s", 10,
        traces.seconds_of("--generate", "diurnal", "--count", "300000"), better="lower"),
    Row("schedule-speed-day", "the same of a day of 1,000,000 tasks on 1,000 processors", "s", 20,
        traces.seconds_of("--generate", "diurnal", "--count", "1000000", "--processors", "1000",
                          "--median", "30s", "--longest", "1h", "--largest", "16"),
        better="lower"),
    Row("service-get", "GET of one run, 64 connections", "requests/s", 20_000, service.gets),
    Row("service-post", "POST of a run of one task, durable, 64 connections", "requests/s", 5_000,
        service.posts),
    Row("service-bulk", "one POST of 100,000 runs as NDJSON, durable", "tasks/s", 100_000,
        service.bulk),
    Row("service-ends", "one POST of 50,000 runs, until a stream has told of all ends; no "
        "processes", "tasks/s", 10_000, service.to_the_end),
    Row("service-events", "commit to client, 1,000 streams, 20 runs a second, p95", "ms", 20,
        service.late_events, better="lower"),
    Row("service-idle", "`reeve serve` with 10,000 idle streams, resident", "MiB", 200,
        service.idle_streams, better="lower"),
    Row("service-rest", "`reeve serve` at rest, resident", "MiB", 40, service.at_rest,
        better="lower"),
    Row("service-list", "page of 50 with filters over 10,000,000 finished runs, worst p95", "ms",
        50, service.listing(10_000_000), better="lower"),
]

assert len({row.name for row in ROWS}) == len(ROWS) and all(math.isfinite(r.target) for r in ROWS)
