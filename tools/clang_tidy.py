"""Runs clang-tidy-16 over production code. Usage: clang_tidy.py BUILD_DIR [--tests] [PATH...]

The compile commands are GCC's: flags that clang does not know and the precompiled header are taken
out first, so a file that compiles only thanks to that header is found here too. PATHs (files or
folders) limit the run; --tests adds *_test.cc and tests/. Exit status 1 if anything was reported.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEPT = re.compile(r"-(?:D|I|isystem)|-W(?:all|extra|shadow|conversion)$")


def is_test(path):
    return path.endswith("_test.cc") or path.startswith("tests/")


def entries(build, with_tests, prefixes):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    for command in commands:
        path = os.path.relpath(os.path.join(command["directory"], command["file"]), ROOT)
        ours = path.startswith(("src/", "sim/", "bench/", "tests/"))
        wanted = not prefixes or path.startswith(prefixes)
        if ours and wanted and (with_tests or not is_test(path)):
            yield path, command


def clang_arguments(command):
    words = shlex.split(command["command"])
    kept, follow = ["clang++-16", "-std=c++2b"], False
    for word in words:
        if follow or KEPT.match(word):
            kept.append(word)
        follow = word in ("-isystem", "-I", "-D")
    return [*kept, "-Wno-unknown-warning-option", "-c", command["file"]]


def main(arguments):
    if not arguments or not os.path.isfile(os.path.join(arguments[0], "compile_commands.json")):
        print("clang_tidy.py: give a build folder that cmake has configured", file=sys.stderr)
        return 2
    with_tests = "--tests" in arguments
    prefixes = tuple(word for word in arguments[1:] if not word.startswith("--"))
    chosen = dict(entries(arguments[0], with_tests, prefixes))
    if not chosen:
        print(f"clang_tidy.py: no source matches {' '.join(prefixes)}", file=sys.stderr)
        return 2

    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([{"directory": command["directory"], "file": command["file"],
                        "arguments": clang_arguments(command)}
                       for command in chosen.values()], file)

        def run(path):
            return subprocess.run(
                ["clang-tidy-16", "-p", folder, "--quiet", os.path.join(ROOT, path)],
                capture_output=True, text=True, check=False)

        reported = 0
        with ThreadPoolExecutor(int(os.environ.get("REEVE_JOBS", os.cpu_count() or 2))) as pool:
            for path, result in zip(chosen, pool.map(run, chosen)):
                if result.returncode != 0:
                    reported += 1
                    print(result.stdout or result.stderr, end="", flush=True)
    print(f"clang-tidy: {len(chosen)} files, {reported} with findings")
    return 1 if reported else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
