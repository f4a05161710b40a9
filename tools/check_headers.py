"""Compiles each of our headers alone, without a precompiled one. Usage: check_headers.py COMPILER

The target `checkheaders` runs it. A header that needs another to be included first is an error.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("src", "sim", "bench", "tests")
FLAGS = ("-std=c++23", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
         "-Wno-missing-field-initializers", "-Werror", "-fsyntax-only",
         f"-I{ROOT}/src", f"-I{ROOT}", "-x", "c++", "-")


def headers():
    for top in FOLDERS:
        for folder, _, names in sorted(os.walk(os.path.join(ROOT, top))):
            for name in sorted(names):
                if name.endswith(".h"):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def compile_alone(compiler, header):
    include = header.removeprefix("src/")
    return subprocess.run([compiler, *FLAGS], input=f'#include "{include}"\n', text=True,
                          capture_output=True, check=False, cwd=ROOT)


def main(arguments):
    if len(arguments) != 1:
        print("usage: check_headers.py COMPILER", file=sys.stderr)
        return 2
    everything = list(headers())
    broken = 0
    with ThreadPoolExecutor(int(os.environ.get("REEVE_JOBS", os.cpu_count() or 2))) as pool:
        results = pool.map(lambda header: compile_alone(arguments[0], header), everything)
        for header, result in zip(everything, results):
            if result.returncode != 0:
                broken += 1
                print(f"{header} does not compile alone:\n{result.stderr}", end="")
    print(f"checkheaders: {len(everything)} headers, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
