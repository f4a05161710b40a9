"""House rules that neither the compiler nor clang-tidy knows. Usage: python3 tools/tidy [ROOT]

Prints path:line: [rule] message for each finding; exit status 1 if there is any. Runs as the ctest
`tidy`; its own tests, tools/tidy/tidy_test.py, run as `tidy_selftest`.
"""

import os
import sys
import time

import bans
import listing
import rings
import sizes
from source import Tree

CHECKS = (
    rings.check_includes,
    rings.check_third_party,
    rings.check_links,
    sizes.check_files,
    sizes.check_functions,
    bans.check_pure,
    bans.check_everywhere,
    bans.check_comments,
    bans.check_headers,
    bans.check_names,
    bans.check_cmake,
    listing.check_listing,
)


def findings(tree):
    return sorted(finding for check in CHECKS for finding in check(tree))


def main(arguments):
    started = time.monotonic()
    here = os.path.dirname(os.path.abspath(__file__))
    root = arguments[0] if arguments else os.path.dirname(os.path.dirname(here))
    tree = Tree.read(root)
    found = findings(tree)
    for finding in found:
        print(finding)
    print(f"tidy: {len(tree.files)} files, {len(found)} findings, "
          f"{time.monotonic() - started:.2f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
