"""What others take to start `/bin/true` in a sandbox, beside the supervisor alone, and the same by
the bare loop: bubblewrap with its own /proc, /dev and /tmp, and runc with its default settings."""

import json
import os
import shutil

from bed import Bed

SANDBOXES = 2000
OTHERS = 200  # they are slower
BUSYBOX = "/bin/busybox"


def ours(bed: Bed):
    """Sandboxes a second by the supervisor, two at a time."""
    supervisor = str(bed.build / "tests" / "supervisor_alone")
    return SANDBOXES / float(bed.call([bed.program("spawn_bench"), supervisor, str(SANDBOXES), "2",
                                       "1", "enclosed"]))


def floor(bed: Bed):
    """Sandboxes a second by the bare loop, two at a time."""
    return SANDBOXES / float(bed.call([bed.program("sandbox_floor"), str(SANDBOXES), "2",
                                       "/bin/true"]))


def rate_of(bed: Bed, folder, command):
    """Of a command that takes a name as its last word, two at a time."""
    (folder / "names").write_text("\n".join(f"reeve-bench-{os.getpid()}-{i}"
                                            for i in range(OTHERS)), encoding="utf-8")
    return OTHERS / bed.time(["xargs", "-P2", "-I{}", "-a", "names", *command], cwd=folder)


def need(program, package):
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is not installed: apt-get install {package}")
    return path


def alone(bed: Bed):
    """The supervisor alone over the bare loop: what composing and pooling cost."""
    bare = floor(bed)
    return {"value": ours(bed), "baseline": bare}


def over_bubblewrap(bed: Bed):
    bwrap = need("bwrap", "bubblewrap")
    folder = bed.folder()
    theirs = rate_of(bed, folder, [bwrap, "--unshare-all", "--ro-bind", "/usr", "/usr",
                                   "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
                                   "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev",
                                   "/dev", "--tmpfs", "/tmp", "--", "/bin/true", "{}"])
    bed.drop(folder)
    return {"value": ours(bed), "baseline": theirs}


def over_runc(bed: Bed):
    runc = need("runc", "runc")
    folder = bed.folder()
    root = folder / "rootfs" / "bin"
    root.mkdir(parents=True)
    shutil.copy2(BUSYBOX, root / "busybox")
    (root / "true").symlink_to("busybox")
    bed.call([runc, "spec"], cwd=folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["process"] |= {"terminal": False, "args": ["/bin/true"]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    theirs = rate_of(bed, folder, [runc, "--root", str(folder / "state"), "run", "--bundle",
                                   str(folder), "{}"])
    bed.drop(folder)
    return {"value": ours(bed), "baseline": theirs}
