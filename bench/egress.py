"""The row `egress`: what a network with a list costs over none, from one attempt to the next."""

import datetime
import json
import statistics

ATTEMPTS = 60


def gaps(bed, folder, name, sandbox):
    """Seconds between the ends of attempts that run one at a time."""
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\ntasks:\n  t:\n    array: {ATTEMPTS}\n"
                    f"    sandbox: {sandbox}\n    command: [/bin/true]\n", encoding="utf-8")
    state = str(folder / name)
    bed.call([bed.reeve, "run", "--state", state, "-j", "1", str(path)], cwd=folder)
    shown = json.loads(bed.call([bed.reeve, "show", "--state", state, "last", "--tasks", "-o",
                                 "json"], cwd=folder))
    ends = sorted(datetime.datetime.fromisoformat(task["ended_at"].replace("Z", "+00:00"))
                  for task in shown["tasks"])
    return [(after - before).total_seconds() for before, after in zip(ends, ends[1:])]


def egress_cost(bed):
    """Milliseconds by which an attempt with a list is longer than one without a network, one at a
    time, /bin/true in both: medians. The list has an address, so that no resolver is asked."""
    folder = bed.folder()
    listed, without = (statistics.median(gaps(bed, folder, name, sandbox)) * 1000
                       for name, sandbox in (("listed", "{network: ['198.51.100.1:80']}"),
                                             ("without", "{network: none}")))
    bed.drop(folder)
    return {"value": listed - without,
            "notes": {"listed": round(listed, 2), "without": round(without, 2)}}
