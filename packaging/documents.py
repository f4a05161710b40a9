"""documents.py REEVE VERSION SHARE: manual pages, completions and the changelog of the package,
made by the program that is packaged, below SHARE. The same bytes each time."""

import gzip
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHELLS = {"bash": "bash-completion/completions/reeve", "zsh": "zsh/vendor-completions/_reeve",
          "fish": "fish/vendor_completions.d/reeve.fish"}


def put(path, data, compressed=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 9, mtime=0) if compressed else data)
    path.chmod(0o644)


def main():
    program, version, share = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])

    def said(*words):
        return subprocess.run([program, *words], check=True, stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL).stdout

    put(share / "man/man1/reeve.1.gz", said("man"), compressed=True)
    commands = re.findall(r"^### reeve ([a-z]+)$",
                          said("man", "--markdown").decode(), re.M)
    for command in commands:
        put(share / f"man/man1/reeve-{command}.1.gz", said("man", command), compressed=True)
    for shell, place in SHELLS.items():
        put(share / place, said("completion", shell))
    text = (f"reeve ({version}-1) unstable; urgency=medium\n\n"
            "  * Built from the sources of this version; its changes are in changelog.gz.\n\n"
            " -- Reeve maintainers <maintainers@reeve-engine.org>  "
            "Sat, 28 Nov 2026 00:00:00 +0000\n")
    put(share / "doc/reeve/changelog.Debian.gz", text.encode(), compressed=True)
    put(share / "doc/reeve/changelog.gz", (ROOT / "CHANGELOG.md").read_bytes(), compressed=True)


if __name__ == "__main__":
    main()
