"""A service that asks for certificates (server.tls.client_ca), and the command line that shows
them: with the right one it works; each wrong one is refused with what to do about it."""

import json
import os
import shutil
import stat
import subprocess
import unittest

from client_test import Client

CA = """
[ca]
default_ca = here
[here]
new_certs_dir = {at}
database = {at}/{name}.index
serial = {at}/{name}.serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


class MutualTls(Client):
    scheme = "https"

    def openssl(self, *words):
        done = subprocess.run(["openssl", *map(str, words)], cwd=self.pki, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def new_authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
                     "-subj", f"/CN={name}")
        (self.pki / f"{name}.index").touch()
        (self.pki / f"{name}.serial").write_text("01\n", encoding="ascii")
        (self.pki / f"{name}.conf").write_text(CA.format(at=self.pki, name=name), encoding="ascii")

    def new_certificate(self, name, authority, *more, dates=()):
        """NAME.pem and NAME.key; the key is for its owner only."""
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.pki / "extensions").write_text("\n".join(more) + "\n", encoding="ascii")
        self.openssl("ca", "-batch", "-notext", "-config", f"{authority}.conf", "-cert",
                     f"{authority}.pem", "-keyfile", f"{authority}.key", "-in", f"{name}.csr",
                     "-out", f"{name}.pem", *(dates or ("-days", "2")), "-extfile", "extensions")
        (self.pki / f"{name}.key").chmod(0o600)

    def more_options(self):
        self.pki = self.directory / "pki"
        self.pki.mkdir()
        for authority in ("ours", "other"):
            self.new_authority(authority)
        self.new_certificate("service", "ours", "subjectAltName=IP:127.0.0.1")
        self.new_certificate("ann", "ours", "extendedKeyUsage=clientAuth")
        self.environment["REEVE_CA"] = str(self.pki / "ours.pem")
        return ("--tls-certificate", str(self.pki / "service.pem"), "--tls-key",
                str(self.pki / "service.key"), "--client-ca", str(self.pki / "ours.pem"))

    def shown(self, name, *words, key=None):
        """The command, with a certificate of the environment."""
        self.environment["REEVE_CERTIFICATE"] = str(self.pki / f"{name}.pem")
        self.environment["REEVE_KEY"] = str(self.pki / f"{key or name}.key")
        try:
            return self.there(*words)
        finally:
            del self.environment["REEVE_CERTIFICATE"], self.environment["REEVE_KEY"]

    def assert_refused(self, done, *saying, status=4):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        for text in saying:
            self.assertIn(text, done.stderr)

    def test_with_the_certificate_it_works_from_the_environment_and_from_a_context(self):
        self.assertEqual(self.shown("ann", "run", "--", "echo", "shown").stdout, "shown\n")
        made = self.context("prod", "--certificate", "pki/ann.pem", "--key", "pki/ann.key")
        self.assertEqual(made.returncode, 0, made.stderr)
        # From wherever one is.
        self.assertEqual(self.reeve("ls", "-q", cwd="/", expect=0).stdout.count("run_"), 1)
        self.assertEqual(self.reeve("token", "ls", "-q", expect=0).stderr, "")
        (context,) = json.loads(self.reeve("context", "ls", "-o", "json").stdout)["contexts"]
        self.assertTrue(context["has_certificate"])
        self.assertNotIn("ann.key", json.dumps(context))
        kept = self.directory / "config" / "reeve" / "contexts.json"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)

    def context(self, name, *options, url=None):
        return self.reeve("context", "add", name, url or self.url, "--use", *options,
                          "--token-stdin", given=self.token + "\n")

    def reeve(self, *words, given=None, **options):
        if given is None:
            return super().reeve(*words, **options)
        return subprocess.run([self.binary, *map(str, words)], input=given, text=True,
                              capture_output=True, cwd=self.directory, env=self.environment,
                              check=False, timeout=60)

    def test_without_one_it_is_said_what_is_missing(self):
        for _ in range(5):  # in whatever order request, alert and end of the connection arrive
            self.assert_refused(self.there("ls"), "wants a certificate", "--certificate",
                                "REEVE_CERTIFICATE")

    def test_one_of_another_authority_is_refused(self):
        self.new_certificate("eve", "other", "extendedKeyUsage=clientAuth")
        for _ in range(5):
            self.assert_refused(self.shown("eve", "ls"), "refuses the certificate", "eve.pem",
                                "no authority that is trusted there", "server.tls.client_ca")

    def test_an_expired_one_and_one_of_a_service_are_refused(self):
        self.new_certificate("old", "ours", "extendedKeyUsage=clientAuth",
                             dates=("-startdate", "20200101000000Z", "-enddate", "20200201000000Z"))
        self.assert_refused(self.shown("old", "ls"), "refuses the certificate", "old.pem",
                            "expired", "make another one")
        self.new_certificate("wrong", "ours", "extendedKeyUsage=serverAuth")
        self.assert_refused(self.shown("wrong", "ls"), "refuses the certificate", "wrong.pem")

    def test_a_certificate_alone_says_nothing_of_who_one_is(self):
        token, self.token = self.token, ""
        self.assert_refused(self.shown("ann", "ls"), "say who you are")
        self.token = "reeve_nonsense"
        self.assert_refused(self.shown("ann", "ls"))
        self.token = token
        self.assertEqual(self.shown("ann", "ls").returncode, 0)

    def test_keys_that_others_can_read_and_keys_of_others_are_refused(self):
        key = self.pki / "ann.key"
        key.chmod(0o640)
        self.assert_refused(self.shown("ann", "ls"), "can be read", "chmod 600")
        self.assert_refused(self.context("x", "--certificate", "pki/ann.pem", "--key",
                                         "pki/ann.key"), "chmod 600")
        self.assertEqual(self.reeve("context", "ls", "-q").stdout, "", "nothing was kept")
        key.chmod(0o600)
        os.chown(key, 1, 1) if os.geteuid() == 0 else None
        if os.geteuid() == 0:
            self.assert_refused(self.shown("ann", "ls"), "belongs to user 1")
            os.chown(key, 0, 0)
        self.new_certificate("bob", "ours", "extendedKeyUsage=clientAuth")
        self.assert_refused(self.shown("ann", "ls", key="bob"), "is not that of the certificate",
                            status=6)

    def test_what_is_no_certificate_or_key_is_named(self):
        shutil.copy(self.pki / "ann.key", self.pki / "text.key")
        (self.pki / "text.key").chmod(0o600)
        (self.pki / "text.pem").write_text("no certificate", encoding="ascii")
        self.assert_refused(self.shown("text", "ls"), "text.pem", "PEM", status=6)
        self.openssl("ec", "-in", "ann.key", "-aes256", "-passout", "pass:x", "-out", "locked.key")
        (self.pki / "locked.key").chmod(0o600)
        self.assert_refused(self.shown("ann", "ls", key="locked"), "locked.key", "password",
                            status=6)
        self.assert_refused(self.shown("ann", "ls", key="nothing"), "nothing.key", status=3)

    def test_half_of_it_is_refused(self):
        self.assert_refused(self.context("x", "--certificate", "pki/ann.pem"), "go together",
                            status=2)
        self.assert_refused(self.context("x", "--certificate", "pki/ann.pem", "--key",
                                         "pki/ann.key", url="http://127.0.0.1:1"), "https://",
                            status=2)
        self.assert_refused(self.context("x", "--certificate", "pki/nothing.pem", "--key",
                                         "pki/ann.key"), "nothing.pem", status=3)
        self.environment["REEVE_KEY"] = str(self.pki / "ann.key")
        self.assert_refused(self.there("ls"), "REEVE_CERTIFICATE", status=2)
        del self.environment["REEVE_KEY"]

    def test_over_the_socket_none_is_needed(self):
        self.assertEqual(self.reeve("--server", self.socket, "ls").returncode, 0)


if __name__ == "__main__":
    unittest.main()
