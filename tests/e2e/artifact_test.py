"""Files that tasks handed on: listed and fetched from a directory and from a service, in parts, by
whoever may, and by nobody else."""

import hashlib
import os
import unittest
import urllib.parse

from service_case import ServiceCase

BIG = 3 * 1024 * 1024 + 17
FLOW = f"""
name: made
tasks:
  small: {{run: printf hello > 'a b.txt', artifacts: [{{name: it, path: a b.txt}}]}}
  big:
    run: python3 -c "print('0123456789abcdef' * {BIG // 16 + 1}, end='')" | head -c {BIG} > big.bin
    artifacts: [{{name: it, path: big.bin}}]
  many:
    run: for i in 1 2 3; do echo $i > "$i.log"; done; touch none.txt
    artifacts: [{{name: logs, path: "*.log"}}, {{name: empty, path: none.txt}}]
  each:
    array: 0-1
    run: echo "$REEVE_ARRAY_INDEX" > "out-$REEVE_ARRAY_INDEX"
    artifacts: [{{name: out, path: "out-${{{{ matrix.index }}}}"}}]
    needs: [small, big, many]
  strange:
    run: printf x > '.say "no".é'
    artifacts: [{{name: "odd", path: '.say "no".é'}}]
"""


def digest(data):
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def big_bytes():
    return (b"0123456789abcdef" * (BIG // 16 + 1))[:BIG]


class Kept(ServiceCase):
    def made(self, name_space="default"):
        run = self.submit(workflow=FLOW, namespace=name_space)["id"]
        self.assertEqual(self.ended(run)["state"], "succeeded")
        return run

    def get(self, run, rest, expect=200, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", f"/v1/runs/{run}/tasks/{rest}", headers=given, expect=expect)


class ArtifactRoutesTest(Kept):
    def test_lists_say_name_size_digest_and_attempt(self):
        run = self.made()
        items = self.ask("GET", f"/v1/runs/{run}/artifacts").body["artifacts"]
        seen = {(item["task"], item["name"], item["file"]): item for item in items}
        self.assertEqual(len(seen), 9)
        big = seen["big", "it", "big.bin"]
        self.assertEqual((big["size_bytes"], big["digest"], big["attempt"]),
                         (BIG, digest(big_bytes()), 1))
        one = self.get(run, "many/artifacts").body["artifacts"]
        self.assertEqual([item["file"] for item in one], ["1.log", "2.log", "3.log", "none.txt"])
        self.assertEqual(one[-1]["size_bytes"], 0)
        self.assertEqual(self.get(run, "each%5B1%5D/artifacts").body["artifacts"][0]["digest"],
                         digest(b"1\n"))

    def test_pages_hold_whole_tasks(self):
        run = self.made()
        found, cursor, pages = [], "", 0
        while cursor is not None:
            page = self.ask("GET", f"/v1/runs/{run}/artifacts?limit=1&cursor={cursor or 0}").body
            found += [(item["task"], item["file"]) for item in page["artifacts"]]
            cursor, pages = page["next_cursor"], pages + 1
        self.assertEqual((len(found), len(set(found))), (9, 9))
        self.assertGreaterEqual(pages, 5)
        for wrong in ("limit=0", "limit=10001", "limit=x", "cursor=-1"):
            self.ask("GET", f"/v1/runs/{run}/artifacts?{wrong}", expect=400)

    def test_bytes_whole_and_in_parts(self):
        run, data = self.made(), big_bytes()
        connection = self.connection()
        for _ in range(2):
            reply = self.ask("GET", f"/v1/runs/{run}/tasks/big/artifacts/it", connection=connection)
            self.assertEqual(reply.raw, data)
            self.assertEqual(reply.headers["content-length"], str(BIG))
            self.assertEqual(reply.headers["etag"], f'"{digest(data)}"')
            head = self.ask("HEAD", f"/v1/runs/{run}/tasks/big/artifacts/it",
                            connection=connection)
            self.assertEqual((head.raw, head.headers["content-length"]), (b"", str(BIG)))
        connection.close()
        for asked, begin, end in (("0-9", 0, 10), ("-5", BIG - 5, BIG), ("10-", 10, BIG),
                                  (f"{BIG - 1}-{BIG * 2}", BIG - 1, BIG)):
            part = self.get(run, "big/artifacts/it", 206, Range=f"bytes={asked}")
            self.assertEqual(part.raw, data[begin:end], asked)
            self.assertEqual(part.headers["content-range"], f"bytes {begin}-{end - 1}/{BIG}")
        beyond = self.get(run, "big/artifacts/it", 416, Range=f"bytes={BIG}-")
        self.assertEqual(beyond.headers["content-range"], f"bytes */{BIG}")
        for odd in ("bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b"):
            self.assertEqual(self.get(run, "small/artifacts/it", Range=odd).raw, b"hello", odd)

    def test_conditions(self):
        run = self.made()
        etag = self.get(run, "small/artifacts/it").headers["etag"]
        self.assertEqual(etag, f'"{digest(b"hello")}"')
        self.get(run, "small/artifacts/it", 304, If_None_Match=f'"x", {etag}')
        self.get(run, "small/artifacts/it", 200, If_None_Match='"x"')
        self.get(run, "small/artifacts/it", 206, Range="bytes=1-2", If_Range=etag)
        whole = self.get(run, "small/artifacts/it", 200, Range="bytes=1-2", If_Range='"x"')
        self.assertEqual(whole.raw, b"hello")
        self.assertEqual(self.get(run, "many/artifacts/empty").raw, b"")

    def test_nothing_of_a_task_becomes_a_page_or_a_header(self):
        run = self.made()
        reply = self.get(run, "strange/artifacts/odd")
        self.assertEqual(reply.headers["content-type"], "application/octet-stream")
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        self.assertEqual(reply.headers["content-disposition"],
                         "attachment; filename=\".say__no_.__\"; filename*=UTF-8''"
                         + urllib.parse.quote('.say "no".é'))
        packed = self.get(run, "small/artifacts/it", Accept_Encoding="gzip, zstd")
        self.assertNotIn("content-encoding", packed.headers)

    def test_names_that_are_not_there(self):
        run = self.made()
        self.assertIn("did you mean logs?", self.get(run, "many/artifacts/log", 404).body["detail"])
        several = self.get(run, "many/artifacts/logs", 409).body["detail"]
        self.assertIn("1.log, 2.log, 3.log", several)
        self.assertEqual(self.get(run, "many/artifacts/logs?file=2.log").raw, b"2\n")
        self.get(run, "many/artifacts/logs?file=9.log", 404)
        for path in ("..%2F..%2Fadmin.token", "%2Fetc%2Fpasswd", "..", "it%2F..%2Fit"):
            self.get(run, f"small/artifacts/{path}", 404)
            self.get(run, f"small/artifacts/it?file={path}", 404)
        self.get(run, "small/artifacts/%00", 400)
        self.get(run, "none/artifacts/it", 404)
        self.get(run, "each/artifacts/out", 422)

    def test_what_was_removed_or_replaced_on_disk_is_said(self):
        run = self.made()
        box = self.state / "artifacts" / digest(b"hello")[:2] / digest(b"hello")[2:]
        (box / "a b.txt").unlink()
        item = self.get(run, "small/artifacts").body["artifacts"][0]
        self.assertEqual((item["size_bytes"], item["digest"]), (None, None))
        self.get(run, "small/artifacts/it", 404)
        (box / "a b.txt").symlink_to(self.state / "admin.token")
        refused = self.get(run, "small/artifacts/it", 500)
        self.assertNotIn(self.token, str(refused.body))

    def test_of_another_namespace_nothing_is_seen(self):
        run = self.made("own")
        for role in ("viewer", "operator", "developer"):
            own, other = self.new_token(role, "own"), self.new_token(role, "other")
            for path in ("artifacts", "tasks/small/artifacts", "tasks/small/artifacts/it"):
                self.ask("GET", f"/v1/runs/{run}/{path}", token=own)
                self.ask("GET", f"/v1/runs/{run}/{path}", token=other, expect=404)

    def test_a_download_that_nobody_reads_holds_nobody_up(self):
        run = self.made()
        slow = self.connection()
        self.addCleanup(slow.close)
        slow.request("GET", f"/v1/runs/{run}/tasks/big/artifacts/it",
                     headers={"Authorization": f"Bearer {self.token}"})
        for _ in range(3):
            self.assertEqual(self.get(run, "big/artifacts/it").raw, big_bytes())
        self.assertEqual(slow.getresponse().read(), big_bytes())


class ArtifactCommandTest(Kept):
    """The same words at a directory and at a service."""

    def places(self):
        yield "directory", {}
        yield "service", {"REEVE_URL": f"http://{self.address[0]}:{self.address[1]}",
                          "REEVE_TOKEN": self.token}

    def test_lists_and_fetches(self):
        self.made()
        work = self.directory / "work"
        work.mkdir()
        for name, more in self.places():
            state = [] if more else ["--state", str(self.state)]
            self.environment = {**self.environment, **more}
            with self.subTest(name):
                def reeve(*words, **how):
                    return self.reeve(*words, *state, cwd=work, **how)
                listed = reeve("artifact", "ls", "last/many", "-o", "json").stdout
                self.assertIn('"2.log"', listed)
                self.assertNotIn("big.bin", listed)
                self.assertEqual(len(reeve("artifact", "ls", "1/each").stdout.splitlines()), 3)
                reeve("artifact", "get", "1/big", "it")
                self.assertEqual((work / "big.bin").read_bytes(), big_bytes())
                reeve("artifact", "get", "1/big", "it", expect=6)
                (work / "big.bin").unlink()
                reeve("artifact", "get", "1/many", "logs", expect=6)
                reeve("artifact", "get", "1/many", "logs", "--file", "3.log", "-O", "three")
                self.assertEqual((work / "three").read_text(), "3\n")
                (work / "three").unlink()
                self.assertEqual(reeve("artifact", "get", "1/small", "it", "-O", "-").stdout,
                                 "hello")
                reeve("artifact", "get", "1/many", "empty")
                self.assertEqual((work / "none.txt").read_bytes(), b"")
                (work / "none.txt").unlink()
                reeve("artifact", "get", "1/small", "nothing", expect=3)
                reeve("artifact", "get", "1/nothing", "it", expect=3)
                reeve("artifact", "get", "1", "it", expect=2)
                reeve("artifact", "get", "1/strange", "odd", expect=6)
                self.assertEqual(sorted(os.listdir(work)), [])

    def test_what_is_there_is_replaced_only_when_told_to_and_no_link_is_followed(self):
        self.made()
        work = self.directory / "work"
        work.mkdir()
        precious = self.directory / "precious"
        precious.write_text("mine")
        (work / "a b.txt").symlink_to(precious)
        get = ("artifact", "get", "1/small", "it", "--state", str(self.state))
        self.reeve(*get, cwd=work, expect=6)
        self.assertEqual(precious.read_text(), "mine")
        self.reeve(*get, "--force", cwd=work)
        self.assertEqual(precious.read_text(), "mine")
        self.assertFalse((work / "a b.txt").is_symlink())
        self.assertEqual((work / "a b.txt").read_text(), "hello")
        (work / "dir").mkdir()
        self.reeve(*get, "-O", "dir", "--force", cwd=work, expect=6)
        self.reeve(*get, "-O", "nowhere/x", cwd=work, expect=3)
        self.assertEqual(sorted(os.listdir(work)), ["a b.txt", "dir"])

    def test_bytes_that_changed_on_disk_are_not_handed_over(self):
        self.made()
        box = self.state / "artifacts" / digest(b"hello")[:2] / digest(b"hello")[2:]
        kept = box / "a b.txt"
        kept.chmod(0o644)
        kept.write_bytes(b"HELLO")
        for name, more in self.places():
            state = [] if more else ["--state", str(self.state)]
            self.environment = {**self.environment, **more}
            with self.subTest(name):
                said = self.reeve("artifact", "get", "1/small", "it", *state, expect=1).stderr
                self.assertIn("do not fit its digest", said)
                self.assertFalse((self.directory / "a b.txt").exists())


if __name__ == "__main__":
    unittest.main()
