"""Tasks whose root is an image: what they see, what is fetched how often, and what goes wrong."""

import hashlib
import http.server
import os
import shutil
import socket
import threading
import unittest
import urllib.error
import urllib.request

from image_case import ImageCase, base_layer, layer


class OrdinaryUser(ImageCase):
    """Its layers are unpacked, and mounted, in a user namespace of its own."""

    def test_an_image(self):
        _, name = self.image("plain", base_layer(("etc/is", "f", b"the image\n", 0o644)),
                             layer(("etc/.wh.is", "f", b"", 0o644),
                                   ("etc/was", "f", b"another\n", 0o644)))
        user = 61_034  # without an account
        self.binary = shutil.copy(self.binary, self.directory)
        os.chown(self.directory, user, user)
        self.environment["HOME"] = str(self.directory)
        self.workflow(see={"image": name,
                           "run": "test ! -e /etc/is && cat /etc/was && id -u && touch here"})
        done = self.reeve("run", "--logs", "all", "w.yaml", user=user, group=user,
                          extra_groups=[])
        self.assertIn("another", done.stdout)
        self.assertIn("1000", done.stdout)
        self.assertEqual((self.directory / "here").stat().st_uid, user)


class Images(ImageCase):
    def test_by_tag_and_by_digest(self):
        _, pinned = self.image("plain:1", base_layer(("etc/is", "f", b"the image\n", 0o644)))
        done = self.run_tasks(tag={"image": f"{self.registry.name}/plain:1", "run": "cat /etc/is"},
                              digest={"needs": "tag", "container": pinned,
                                      "command": ["/bin/cat", "/etc/is"]})
        self.assertEqual(done.stdout.count("the image"), 2)
        # What the tag meant is told, and the pinned one is the same image: fetched once.
        self.assertIn(f"plain:1 is {pinned.split('@')[1]}", done.stderr)
        self.assertEqual(done.stderr.count("unpacking layer"), 1)
        self.assertEqual(done.stderr.count("asking"), 1)

    def test_a_shell_of_the_image_is_started_ahead(self):
        _, name = self.image("ahead", base_layer(("etc/is", "f", b"the image\n", 0o644)))
        task = {"image": name, "warm": "sh", "env": {"TEXT": "it's"},
                "run": "cat /etc/is; echo \"$TEXT $REEVE_ATTEMPT\"; exit ${STATUS:-0}"}
        done = self.run_tasks(one=task, two={"needs": "one", **task})
        self.assertEqual(done.stdout.count("the image"), 2, done.stdout)
        self.assertEqual(done.stdout.count("it's 1"), 2, done.stdout)
        # An image without the interpreter says so.
        task = {"image": name, "warm": "python", "run": "print(1)"}
        self.workflow(none=task)
        done = self.reeve("run", "w.yaml", expect=1)
        self.assertIn("python3: the warm program: cannot execute", done.stdout + done.stderr)

    def test_the_host_is_not_in_sight_and_the_root_is_read_only(self):
        _, name = self.image("closed", base_layer())
        done = self.run_tasks(
            see={"image": name,
                 "run": "test ! -e /usr/bin/python3 && test ! -e /etc/passwd && "
                        "test -z \"$(ls .reeve/images 2>/dev/null)\" && echo closed\n"
                        "touch /new 2>/dev/null || echo read-only\n"
                        "touch /tmp/own && touch here && id"})
        for words in ("closed", "read-only", "uid=1000"):
            self.assertIn(words, done.stdout)
        self.assertTrue((self.directory / "here").exists())

    def test_an_image_says_what_is_run_and_with_which_environment(self):
        config = {"Env": ["PATH=/bin", "FROM_IMAGE=yes", "OVER=image"], "WorkingDir": "/srv/app",
                  "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo $FROM_IMAGE $OVER; pwd"],
                  "User": "root"}
        _, name = self.image("entry", base_layer(("srv/app", "d", "", 0o755)), config=config)
        done = self.run_tasks(own={"image": name, "env": {"OVER": "task"}},
                              run={"image": name, "run": "echo run $FROM_IMAGE; pwd; id"})
        self.assertIn("yes task", done.stdout)
        self.assertIn("/srv/app", done.stdout)
        self.assertIn("run yes", done.stdout)
        self.assertIn(str(self.directory), done.stdout)
        self.assertIn("uid=1000", done.stdout)

    def test_an_image_without_a_program_says_so(self):
        _, name = self.image("silent", base_layer())
        done = self.run_tasks(a={"image": name}, expect=1)
        self.assertIn("the image has no program of its own", done.stderr)

    def test_a_missing_program_is_told_of_the_image(self):
        _, name = self.image("poor", base_layer())
        done = self.run_tasks(a={"image": name, "command": ["python3"]}, expect=1)
        self.assertIn("python3: not found in PATH", done.stderr)

    def test_layers_hide_what_lies_below(self):
        lower = base_layer(("etc/gone", "f", b"1", 0o644), ("etc/kept", "f", b"2", 0o644),
                           ("opt/dir/old", "f", b"3", 0o644), ("data/old", "f", b"4", 0o644))
        upper = layer(("etc/.wh.gone", "f", b"", 0o644), ("opt/dir/.wh..wh..opq", "f", b"", 0o644),
                      ("opt/dir/new", "f", b"5", 0o644), (".wh.data", "f", b"", 0o644),
                      ("data", "d", "", 0o755), ("data/new", "f", b"6", 0o644),
                      ("one", "f", b"7", 0o644), ("two", "h", "one", 0o644),
                      ("null", "c", "", 0o666), ("su", "f", b"8", 0o4755))
        _, name = self.image("layers", lower, upper)
        done = self.run_tasks(a={"image": name, "run": "ls -1 /etc /opt/dir /data\n"
                                 "stat -c '%n %a %h' /one /two /su; ls /null 2>&1 || true"})
        lines = [line.split("| ")[-1] for line in done.stdout.splitlines()]
        for there in ("kept", "new", "/one 644 2", "/two 644 2", "/su 755 1"):
            self.assertIn(there, lines)
        for gone in ("gone", "old"):
            self.assertNotIn(gone, lines)
        self.assertIn("/null: No such file", done.stdout)

    def test_layers_are_shared_between_images(self):
        base = base_layer()
        _, first = self.image("first", base, layer(("a", "f", b"first\n", 0o644)))
        _, second = self.image("second", base, layer(("a", "f", b"second\n", 0o644)))
        done = self.run_tasks(a={"image": first, "run": "cat /a"},
                              b={"needs": "a", "image": second, "run": "cat /a"})
        self.assertIn("first", done.stdout)
        self.assertIn("second", done.stdout)
        self.assertEqual(done.stderr.count("unpacking layer"), 3)
        self.assertEqual(len(list((self.state / "images/layers").iterdir())), 3)

    def test_sixty_layers(self):
        layers = [layer((f"n{i}", "f", b"", 0o644)) for i in range(59)]
        _, name = self.image("deep", base_layer(), *layers)
        done = self.run_tasks(a={"image": name, "run": "ls -1 / | cat"})
        self.assertIn("n0", done.stdout)
        self.assertIn("n58", done.stdout)
        _, name = self.image("deeper", base_layer(), *layers, layer(("x", "f", b"", 0o644)))
        done = self.run_tasks(a={"image": name, "run": "true"}, expect=1)
        self.assertIn("the image has 61 layers; an image of 1 to 60 can be used", done.stderr)

    def test_many_at_once_fetch_once(self):
        _, name = self.image("many:tag", base_layer())
        tag = f"{self.registry.name}/many:tag"
        done = self.run_tasks("-j", "8", many={"array": 16, "image": tag, "run": "echo one"})
        self.assertEqual(done.stdout.count("one"), 16)
        self.assertEqual(len({line.split("asking")[1] for line in done.stderr.splitlines()
                              if "asking" in line}), 1)
        self.assertEqual(len(list((self.state / "images/layers").iterdir())), 1)
        self.assertEqual(list((self.state / "images/unpacking").iterdir()), [])

    def test_a_digest_in_the_store_needs_no_registry(self):
        _, name = self.image("offline:1", base_layer())
        self.run_tasks(a={"image": name, "run": "true"})
        away = name.replace(self.registry.name, "127.0.0.1:9")
        done = self.run_tasks(a={"image": away, "run": "echo offline"})
        self.assertIn("offline", done.stdout)
        self.assertNotIn("asking", done.stderr)

    def test_defaults_and_limits_hold(self):
        _, name = self.image("defaults", base_layer())
        self.write("w.yaml", f"defaults: {{image: '{name}'}}\ntasks:\n"
                   "  a: {run: 'echo \"x=1\" > $REEVE_OUTPUT'}\n"
                   "  b: {needs: a, run: 'echo got ${{ needs.a.outputs.x }}; test -e /usr ||"
                   " echo no'}\n"
                   "  c: {timeout: 200ms, run: sleep 60}\n")
        done = self.reeve("run", "w.yaml", "--logs", "all", expect=124)
        self.assertIn("got 1", done.stdout)
        self.assertIn("no", done.stdout)
        self.assertIn("ran for longer than its limit", self.reeve("explain", "last/c").stdout)


class BadImages(ImageCase):
    """Permanent: rejected at once. Transient: a failed start, tried again and not charged."""

    def refused(self, words, **task):
        done = self.run_tasks(a={"run": "true", **task}, expect=1)
        self.assertIn(words, done.stderr)
        self.assertNotIn("tried again", done.stderr)
        self.assertIn("image could not be fetched, or cannot be used",
                      self.reeve("explain", "last/a").stdout)

    def test_there_is_no_such_image(self):
        _, name = self.image("known:1", base_layer())
        self.refused("there is no such image", image=f"{self.registry.name}/known:2")
        self.refused("there is no such image", image=f"{self.registry.name}/unknown")
        self.refused("there is no such image", image=name[:-64] + "0" * 64)

    def test_a_name_that_is_none_is_found_by_lint(self):
        self.write("w.yaml", "tasks: {a: {image: 'Not An Image', run: x}}\n")
        done = self.reeve("run", "w.yaml", expect=6)
        self.assertIn("w.yaml:1:20: error: 'Not An Image' is no name of an image", done.stderr)
        self.write("w.yaml", "tasks: {a: {image: app, sandbox: none, run: x}}\n")
        done = self.reeve("run", "w.yaml", "--allow", "unsandboxed", expect=6)
        self.assertIn("an image needs a sandbox", done.stderr)

    def test_without_a_sandbox_there_is_no_image(self):
        _, name = self.image("bare", base_layer())
        done = self.run_tasks("--sandbox", "none", a={"image": name, "run": "true"}, expect=1)
        self.assertIn("an image needs a sandbox", done.stderr)

    def test_a_layer_that_was_cut_off_or_changed(self):
        layout, name = self.image("cut", base_layer())
        blob = self.registry.blob(layout.manifest["digest"]).parent
        self.assertTrue(blob.exists())
        data = self.registry.blob("sha256:" + hashlib.sha256(layout.blobs[0]).hexdigest())
        data.write_bytes(layout.blobs[0][:-1000])
        done = self.run_tasks(a={"image": name, "run": "true", "retry": {"max": 0}}, expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(list((self.state / "images/layers").iterdir()), [])
        changed = bytearray(layout.blobs[0])
        changed[-2000] ^= 1
        data.write_bytes(changed)
        self.refused("does not have the digest", image=name)

    def test_a_layer_that_is_not_what_the_image_says(self):
        _, name = self.image("lies", base_layer(), diff_ids=["sha256:" + "7" * 64])
        self.refused("a layer is not what the image says", image=name)
        self.assertEqual(list((self.state / "images/layers").iterdir()), [])

    def test_a_hostile_layer(self):
        outside = self.directory / "outside"
        _, name = self.image("hostile", base_layer((f"../../../../../../..{outside}", "f", b"x",
                                                    0o644)))
        self.refused("leads out of it", image=name)
        self.assertFalse(outside.exists())

    def test_a_damaged_copy_is_fetched_again(self):
        layout, name = self.image("damaged", base_layer())
        self.run_tasks(a={"image": name, "run": "true"})
        store = self.state / "images"
        for record in (store / "images").iterdir():
            record.unlink()
        for place in (store / "layers").iterdir():
            place.rename(self.directory / "away")
        for blob in (store / "blobs/sha256").iterdir():
            if blob.stat().st_size == len(layout.blobs[0]):
                os.truncate(blob, 5000)
        done = self.run_tasks(a={"image": name, "run": "echo again"})
        self.assertIn("was damaged", done.stderr)
        self.assertIn("again", done.stdout)

    def test_no_skopeo(self):
        self.environment["PATH"] = str(self.directory)
        self.refused("apt install skopeo", image=f"{self.registry.name}/any:1")


class DyingRegistry(http.server.BaseHTTPRequestHandler):
    """Passes on what the real one says, but ends the first transfers of layers in the middle."""
    upstream = ""
    deaths = 0

    def do_GET(self):
        request = urllib.request.Request(f"http://{self.upstream}{self.path}",
                                         headers={"Accept": self.headers.get("Accept", "*/*")})
        try:
            with urllib.request.urlopen(request) as answer:
                status, headers, body = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, headers, body = error.code, error.headers, error.read()
        self.send_response(status)
        for key in ("Content-Type", "Docker-Content-Digest", "Docker-Distribution-Api-Version"):
            if headers.get(key):
                self.send_header(key, headers[key])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if "/blobs/" in self.path and len(body) > 50_000 and type(self).deaths > 0:
            type(self).deaths -= 1
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
            return
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Outages(ImageCase):
    def test_a_registry_that_dies_is_asked_again_and_nothing_is_charged(self):
        _, name = self.image("dying", base_layer())
        DyingRegistry.upstream = self.registry.name
        DyingRegistry.deaths = 1
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DyingRegistry)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            dying = name.replace(self.registry.name, f"127.0.0.1:{server.server_port}")
            done = self.run_tasks(a={"image": dying, "run": "echo at last"})
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        self.assertIn("the registry ended the transfer", done.stderr)
        self.assertIn("at last", done.stdout)
        self.assertIn("not the task's fault", self.reeve("explain", "last/a").stdout + done.stderr)

    def test_no_registry(self):
        self.workflow(a={"image": "127.0.0.1:9/app:1", "run": "true"})
        engine = self.start("run", "w.yaml", "--plain")
        self.wait_for(lambda: "attempt 2" in self.reeve("explain", "last/a", expect=None).stdout,
                      "the second try")
        self.reeve("cancel", "last")
        engine.wait(timeout=30)
        self.assertIn("the registry cannot be reached", self.reeve("explain", "last/a").stdout)

    def test_a_cancel_ends_the_fetch(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            name = f"127.0.0.1:{silent.getsockname()[1]}/app:1"
            self.workflow(a={"image": name, "run": "true"})
            engine = self.start("run", "w.yaml", "--plain")
            self.wait_for(lambda: self.fetchers(name), "the fetch")
            self.reeve("cancel", "last")
            engine.wait(timeout=30)
            self.wait_for(lambda: not self.fetchers(name), "its end")

    def test_a_fetch_has_the_time_of_a_start(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            name = f"127.0.0.1:{silent.getsockname()[1]}/app:1"
            self.workflow(a={"image": name, "run": "true", "timeout": {"start": "300ms"}})
            engine = self.start("run", "w.yaml", "--plain")
            self.wait_for(lambda: "not fetched in time" in self.reeve(
                "explain", "last/a", expect=None).stdout, "the end of its time")
            self.reeve("cancel", "last")
            engine.wait(timeout=30)

    @staticmethod
    def fetchers(name):
        found = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if entry.isdigit() and name.encode() in words:
                found.append(entry)
        return found


class Cleaning(ImageCase):
    def test_the_store_keeps_below_its_size(self):
        filler = os.urandom(3 << 20)
        names = [self.image(f"big{i}", base_layer(("fill", "f", bytes([i]) + filler, 0o644)))[1]
                 for i in range(3)]
        self.environment["REEVE_IMAGES_MAX"] = "12Mi"
        tasks = {f"t{i}": {"image": name, "run": "true", **({"needs": f"t{i - 1}"} if i else {})}
                 for i, name in enumerate(names)}
        self.run_tasks(**tasks)
        layers = self.state / "images/layers"
        self.wait_for(lambda: len(list(layers.iterdir())) == 1, "the old ones to go")
        # What is gone comes again.
        done = self.run_tasks(a={"image": names[0], "run": "echo again"})
        self.assertIn("again", done.stdout)

    def test_a_size_that_is_none_is_refused(self):
        self.environment["REEVE_IMAGES_MAX"] = "many"
        done = self.reeve("run", "--", "true", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("REEVE_IMAGES_MAX wants a size", done.stderr)


if __name__ == "__main__":
    unittest.main()
