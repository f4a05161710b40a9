"""From samples to a table."""

import os
import platform
import statistics
import subprocess


def summarise(row, samples):
    value = statistics.median(sample["value"] for sample in samples)
    result = {"name": row.name, "what": row.what, "unit": row.unit, "value": value,
              "target": row.target, "aim": row.aim, "judged": row.judged, "better": row.better,
              "samples": samples}
    if "baseline" in samples[0]:
        result["baseline"] = statistics.median(sample["baseline"] for sample in samples)
        # Each ratio is of two neighbours in time; their median, not the ratio of medians.
        result["ratio"] = statistics.median(s["value"] / s["baseline"] for s in samples)
    notes = {}
    for name in samples[0].get("notes", {}):
        notes[name] = statistics.median(s["notes"][name] for s in samples if name in s["notes"])
    result["notes"] = notes
    judged = result[row.judged]
    result["reached"] = judged >= row.target if row.better == "higher" else judged <= row.target
    return result


def failed(row, error):
    return {"name": row.name, "what": row.what, "unit": row.unit, "target": row.target,
            "aim": row.aim, "judged": row.judged, "better": row.better, "error": str(error),
            "notes": {}, "reached": False}


def number(value):
    if isinstance(value, list):
        return " ".join(map(number, value))
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def line(result):
    """One line while the rest still runs."""
    if "error" in result:
        return f"{result['name']:18} FAILED: {result['error']}"
    ratio = f" ratio {result['ratio']:.2f}" if "ratio" in result else ""
    return (f"{result['name']:18} {number(result['value'])} {result['unit']}{ratio}"
            f" ({result['took_seconds']} s)")


def machine(root):
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [entry.partition(":")[2].strip() for entry in lines if "model name" in entry]
    commit = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty"],
                            text=True, capture_output=True, check=False).stdout.strip()
    return {"cpu": models[0] if models else platform.machine(),
            "processors_used": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "commit": commit, "load": os.getloadavg()[0]}


def judgement(result):
    if "error" in result:
        return "failed"
    if not result["reached"]:
        return "**missed**"
    if result["aim"] is not None and result["better"] == "higher":
        if result[result["judged"]] >= result["aim"]:
            return "reached, and the aim"
    return "reached"


def cells(result):
    bound = "≥" if result["better"] == "higher" else "≤"
    target = f"{bound} {number(result['target'])}"
    if result["judged"] == "ratio":
        target += " of it"
    if result["aim"] is not None:
        target += f", aim {number(result['aim'])}"
    value = f"{number(result['value'])} {result['unit']}" if "value" in result else ""
    ratio = f"{result['ratio']:.2f}" if "ratio" in result else ""
    return [result["what"], value, number(result.get("baseline")), ratio, target,
            judgement(result)]


def markdown(system, results, repeat):
    out = ["| what | value | baseline | ratio | target | |", "|---|--:|--:|--:|--:|---|"]
    out += ["| " + " | ".join(cells(result)) + " |" for result in results]
    out.append("")
    out.append(f"Median of {repeat}; {system['cpu']}, {system['processors_used']} processors, "
               f"Linux {system['kernel']}, {system['commit']}, load before {system['load']:.1f}.")
    for result in results:
        if result["notes"]:
            notes = ", ".join(f"{name} {number(value)}" for name, value in result["notes"].items())
            out.append(f"- {result['name']}: {notes}")
        if "error" in result:
            out.append(f"- {result['name']}: {result['error']}")
    return "\n".join(out)
