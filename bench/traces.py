"""The rows of scheduling, on real logs of batch systems beside the schedules stored with them.

The logs are not part of the repository (their licences do not say that they may be): REEVE_TRACES
names the directory that has swf/ and swf-reference/, else ../shared/data is looked at.
"""

import csv
import gzip
import json
import os
import pathlib
import tarfile

PROCESSORS = {"KTH-SP2": 100, "SDSC-SP2": 128}
POLICIES = {"easy": "wait_easy", "easy-clairvoyant": "wait_easy_clairvoyant",
            "easy-sjf-clairvoyant": "wait_easysjbf_clairvoyant", "easy++": "wait_easypp_tsafrir"}


# About 15,000 of these run at once: 10,000 and a million wait.
PLAN_WAITING = (25_000, 1_020_000)


def folder_of(bed):
    folder = pathlib.Path(os.environ.get("REEVE_TRACES", bed.root.parent / "shared" / "data"))
    if not (folder / "swf").is_dir():
        raise RuntimeError(f"there are no traces in {folder}: name them by REEVE_TRACES")
    return folder


def log_of(bed, name):
    return str(folder_of(bed) / "swf" / f"{name}.filtered.easy.swf.gz")


def simulate(bed, name, policy, *more):
    return json.loads(bed.call([bed.reeve, "simulate", "--swf", log_of(bed, name), "--processors",
                                str(PROCESSORS[name]), "--policy", policy, "-o", "json", *more]))


def other_jobs(name):
    """Jobs whose wait differs from the reference, over four policies."""
    def measure(bed):
        path = folder_of(bed) / "swf-reference" / f"{name}.reference-schedules.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            reference = {row["job"]: row for row in csv.DictReader(lines)}
        folder = bed.folder()
        different = compared = 0
        for policy, column in POLICIES.items():
            out = folder / f"{policy}.swf"
            simulate(bed, name, policy, "--schedule", str(out))
            for line in out.read_text(encoding="utf-8").splitlines():
                if line.startswith(";"):
                    continue
                number, _, wait, *_ = line.split()
                compared += 1
                different += int(wait) != int(float(reference[number][column]))
        bed.drop(folder)
        if compared != len(reference) * len(POLICIES):
            raise RuntimeError(f"{compared} jobs are not those of {len(POLICIES)} schedules")
        return {"value": different, "notes": {"jobs compared": compared}}
    return measure


def slowdown(name, policy):
    def measure(bed):
        ours = simulate(bed, name, policy)
        easy = simulate(bed, name, "easy")
        hours = {f"{who} {what} wait h": round(got[f"{what}_wait_seconds"] / 3600, 1)
                 for who, got in ((policy, ours), ("easy", easy))
                 for what in ("median", "p99", "max")}
        return {"value": ours["mean_bounded_slowdown"],
                "notes": {"easy": round(easy["mean_bounded_slowdown"], 1), **hours}}
    return measure


def graphs(field, of):
    """Over all recorded graphs and 4 to 64 slots."""
    def measure(bed):
        packed = folder_of(bed) / "wfinstances" / "wfinstances-dev.tar.gz"
        folder = bed.folder()
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        words = [word for path in sorted(folder.rglob("*.json")) for word in ("--dag", str(path))]
        words += [word for slots in range(4, 65) for word in ("--slots", str(slots))]
        got = json.loads(bed.call([bed.reeve, "simulate", *words, "-o", "json"]))["graphs"]
        bed.drop(folder)
        least = [one["ratio"] / one["proven_ratio"] for one in got]
        worst = got[least.index(max(least))]
        return {"value": of([one[field] for one in got]),
                "notes": {"pairs": len(got),
                          "of them no schedule can be below 1.25": sum(
                              one > 1.25 for one in least),
                          f"on {worst['slots']} slots no schedule of {worst['graph']} can be below":
                              round(max(least), 3)}}
    return measure


def seconds_of(*words, log=None):
    """Of a whole command, EASY."""
    def measure(bed):
        given = ["--swf", log_of(bed, log)] if log else list(words)
        return {"value": bed.time([bed.reeve, "simulate", *given, "--policy", "easy", "-o",
                                   "json"])}
    return measure


def plan(bed, waiting, placements=100_000, *words):
    """The planner alone: `waiting` tasks beyond what 1,000 nodes hold."""
    return json.loads(bed.call([bed.program("plan_bench"), str(waiting), "1000", str(placements),
                                *words]))


def plan_rate(bed):
    got = plan(bed, PLAN_WAITING[-1])
    return {"value": got["placements_per_second"],
            "notes": {"waiting": got["waiting"], "running": got["live"]}}


def plan_adding(bed):
    return {"value": plan(bed, PLAN_WAITING[-1])["add_microseconds"]}


def plan_conservative(bed):
    got = {waiting: plan(bed, waiting, 2000, "conservative") for waiting in PLAN_WAITING}
    return {"value": got[PLAN_WAITING[-1]]["pass_milliseconds"],
            "notes": {f"ms with {waiting:,}": one["pass_milliseconds"]
                      for waiting, one in got.items()}}


def plan_growth(bed):
    few, many = (plan(bed, waiting) for waiting in PLAN_WAITING)
    return {"value": few["placements_per_second"] / many["placements_per_second"],
            "notes": {"waiting": few["waiting"], "and": many["waiting"]}}


def fair_ratio(bed):
    """The worst of three where all fifteen are busy; beside it, where they fill nine tenths."""
    got = {load: [json.loads(bed.call([bed.program("fair_bench"), load, seed])) for seed in "123"]
           for load in ("busy", "0.9")}
    busy = max(got["busy"], key=lambda one: one["ratio_p99"])
    return {"value": busy["ratio_p99"],
            "notes": {"p99 s without": busy["alone_p99"], "p99 s with": busy["flooded_p99"],
                      "at 0.9": [one["ratio_p99"] for one in got["0.9"]],
                      "at 0.9, it may be stopped":
                          [one["reclaimed_ratio_p99"] for one in got["0.9"]]}}
