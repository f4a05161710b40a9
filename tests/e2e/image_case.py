"""Images for tests: made here, entry by entry, put into a registry on this machine's loopback."""

import gzip
import hashlib
import io
import json
import pathlib
import shutil
import socket
import subprocess
import tarfile
import tempfile

from reeve_case import ReeveCase

BUSYBOX = pathlib.Path("/bin/busybox")
TOOLS = "sh cat ls id env stat touch sleep true false test mount ln echo readlink find".split()
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def layer(*entries):
    """The bytes of an uncompressed archive of (path, kind, content or target, mode)."""
    out = io.BytesIO()
    kinds = {"d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "c": tarfile.CHRTYPE,
             "f": tarfile.REGTYPE}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, kind, content, mode in entries:
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = kinds[kind], mode
            if kind in "lh":
                entry.linkname = content
            if kind == "c":
                entry.devmajor, entry.devminor = 1, 3
            data = content if kind == "f" else b""
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def base_layer(*more):
    return layer(("bin", "d", "", 0o755), ("bin/busybox", "f", BUSYBOX.read_bytes(), 0o755),
                 *((f"bin/{tool}", "l", "busybox", 0o777) for tool in TOOLS), *more)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    """An OCI layout of one image."""

    def __init__(self, path, layers, config=None, diff_ids=None):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True)
        self.blobs = [gzip.compress(each, 1, mtime=0) for each in layers]
        self.diff_ids = diff_ids or [digest_of(each) for each in layers]
        described = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **self.put(blob)}
                     for blob in self.blobs]
        about = {"architecture": "amd64", "os": "linux", "config": config or {},
                 "rootfs": {"type": "layers", "diff_ids": self.diff_ids}}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": described,
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                               **self.put(json.dumps(about).encode())}}
        self.manifest = self.put(json.dumps(manifest).encode())
        self.digest = self.manifest["digest"]
        index = {"schemaVersion": 2, "manifests": [
            {"mediaType": MANIFEST, **self.manifest,
             "annotations": {"org.opencontainers.image.ref.name": "image"}}]}
        (self.path / "index.json").write_text(json.dumps(index))
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(self, data):
        digest = digest_of(data)
        (self.path / "blobs/sha256" / digest[7:]).write_bytes(data)
        return {"digest": digest, "size": len(data)}


class Registry:
    """Debian's docker-registry, until stop()."""

    def __init__(self, directory):
        self.data = pathlib.Path(directory)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        config = self.data / "config.yml"
        config.write_text(f"version: 0.1\nlog: {{level: error}}\n"
                          f"storage: {{filesystem: {{rootdirectory: {self.data}/data}}}}\n"
                          f"http: {{addr: '{self.name}'}}\n")
        self.process = subprocess.Popen(["docker-registry", "serve", str(config)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_up(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def push(self, layout, name):
        """The name by digest."""
        subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false",
                        f"oci:{layout.path}:image", f"docker://{self.name}/{name}"],
                       check=True, capture_output=True)
        return f"{self.name}/{name.split(':')[0]}@{layout.digest}"

    def blob(self, digest):
        return (self.data / "data/docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] /
                "data")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()


class ImageCase(ReeveCase):
    """With a registry that starts for the first test that asks for it and lasts for its class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="reeve-registry-"))
        cls.registry = Registry(cls.place)

    @classmethod
    def tearDownClass(cls):
        cls.registry.stop()
        shutil.rmtree(cls.place, ignore_errors=True)
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.wait_for(self.registry.is_up, "the registry")

    def image(self, name, *layers, **options):
        layout = Layout(self.directory / ("layout-" + name.replace(":", "-")), layers, **options)
        return layout, self.registry.push(layout, name)

    def workflow(self, **tasks):
        self.write("w.yaml", json.dumps({"tasks": tasks}))

    def run_tasks(self, *words, expect=0, **tasks):
        self.workflow(**tasks)
        return self.reeve("run", *words, "--logs", "all", "w.yaml", expect=expect)
