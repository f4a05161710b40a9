"""Probes that need a workflow: what one task prepares, another one or the engine falls for.

Each is a workflow, and where it shows that it got through; the control does the same with the
ordinary commands that an engine could carelessly use.
"""

# `outside` is a directory of the machine that no task is given, with a file `secret` in it. What
# a task is given wrongly, it marks.
EXCHANGE = """\
name: exchange
defaults: {{retry: {{limits: {{start: 0}}}}}}
tasks:
  before:
    run: |
      mkdir -p d; for i in $(seq 0 {last}); do mkdir d/e$i; done
      ln -s {outside} l
  swap:
    needs: before
    run: ./probe --exchange d l 400000
  race:
    needs: before
    array: {{range: 0-{last}, max-parallel: 2}}
    sandbox: {{writable: ["d/e${{{{ matrix.index }}}}"]}}
    run: touch d/e${{{{ matrix.index }}}}/mark {outside}/e${{{{ matrix.index }}}}/mark || true
"""

PLANTED = """\
name: planted
defaults: {{retry: {{limits: {{start: 0}}}}}}
tasks:
  plant:
    run: ln -sfn {outside} b
  use:
    needs: plant
    {use}
    run: {run}
"""

LINKS = {
    "planted_writable": PLANTED.replace("{use}", "sandbox: {{writable: [b]}}").replace(
        "{run}", "touch {outside}/mark"),
    "planted_writable_below": PLANTED.replace("{use}", "sandbox: {{writable: [b/e0]}}").replace(
        "{run}", "touch {outside}/e0/mark"),
    "planted_readable": PLANTED.replace("{use}", "sandbox: {{readable: [b]}}").replace(
        "{run}", "grep -q secret {outside}/secret && touch mark"),
    "planted_workdir": PLANTED.replace("{use}", "workdir: b").replace("{run}", "touch mark"),
    "exchange_race": EXCHANGE,
}
LINK_CONTROLS = {
    "planted_writable": "mount --bind b {place} && touch {place}/mark",
    "planted_writable_below": "mount --bind b/e0 {place} && touch {place}/mark",
    "planted_readable": "mount --bind b {place} && grep -q secret {place}/secret && touch mark",
    "planted_workdir": "cd b && touch mark",
    "exchange_race": "rm -rf d l; mkdir -p d/e0; ln -s {outside} l; "
                     "./probe --exchange d l 10000 & while kill -0 $!; do touch d/e0/mark; done",
}

ARTIFACT = """\
name: artifact
defaults: {{retry: {{limits: {{start: 0}}}}}}
tasks:
  make:
    run: {run}
    artifacts: [{{name: leak, path: {path}}}]
"""

# name: (what the task does, what it declares)
ARTIFACTS = {
    "link": ("ln -s {outside}/secret leak", "leak"),
    "link_in_directory": ("ln -s {outside} d", "d/secret"),
    "link_by_glob": ("ln -s {outside}/secret leak", '"le*"'),
    "link_absolute": ("ln -s {outside} d", '"${{{{ run.directory }}}}/d/secret"'),
    "absolute": ("'true'", "{outside}/secret"),
    "dots": ("'true'", "../../..{outside}/secret"),
    "magic_link": ("'true'", "/proc/self/root{outside}/secret"),
}

# What runs on after the task that started it; `mark` is its last word.
DAEMON_COUNTS = {"many": 8}
DAEMONS = {
    "double_fork": "(setsid sleep {mark} >/dev/null 2>&1 &) &",
    "deaf_daemon": "(trap '' TERM HUP INT; setsid sleep {mark} >/dev/null 2>&1 &) & wait",
    "holds_output": "setsid sleep {mark} & true",
    "many": "for i in 1 2 3 4 5 6 7 8; do (setsid sleep {mark} >/dev/null 2>&1 &) & done; wait",
}
