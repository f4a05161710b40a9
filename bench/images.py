"""The row `image`: what a root made of layers costs over the host's own."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))

# pylint: disable=wrong-import-position
from image_case import BUSYBOX, Layout, Registry, base_layer, layer

ATTEMPTS = 500
LAYERS = 5
ROUNDS = 5


def seconds_of(bed, folder, image):
    """Of a run of ATTEMPTS, one at a time."""
    path = folder / "image.yaml"
    task = "command: [./busybox, 'true']"
    if image:
        task = f"image: '{image}'\n    command: [/bin/true]"
    path.write_text(f"name: image\ntasks:\n  t:\n    array: {ATTEMPTS}\n    {task}\n",
                    encoding="utf-8")
    return bed.time([bed.reeve, "run", "--state", str(folder / "state"), "-j", "1", str(path)],
                    cwd=folder)


def image_cost(bed):
    """Milliseconds by which an attempt on a busybox of five layers is longer than one on the host's
    root, one at a time, the same program in both: of the quickest of some rounds each."""
    folder = bed.folder()
    (folder / "busybox").write_bytes(BUSYBOX.read_bytes())
    (folder / "busybox").chmod(0o755)
    registry = Registry(folder)
    try:
        while not registry.is_up():
            registry.process.poll()
        layers = [layer((f"layer{i}", "f", b"", 0o644)) for i in range(LAYERS - 1)]
        name = registry.push(Layout(folder / "layout", [base_layer(), *layers]), "bench")
        seconds_of(bed, folder, name)  # fetches it
    finally:
        registry.stop()
    rounds = [(seconds_of(bed, folder, name), seconds_of(bed, folder, None))
              for _ in range(ROUNDS)]
    bed.drop(folder)
    image, host = (min(each) * 1000 / ATTEMPTS for each in zip(*rounds))
    return {"value": image - host, "notes": {"image": round(image, 2), "host": round(host, 2)}}
