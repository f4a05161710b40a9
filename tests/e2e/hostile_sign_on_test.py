"""Single sign-on under attack, and on bad days: forged and tampered tokens, an issuer that lies, is
away, hangs or pours (tests/issuers/hostile.mjs), and callers who make up keys."""

import json
import subprocess
import threading
import time
import unittest
import urllib.parse

from sign_on_case import ROLES, Browser, SignOnCase

# Token: what the refusal says of it.
FORGED = {
    "alg-none": "base64url", "alg-none-with-signature": "not signed with",
    "hs256-with-public-key": "not signed with", "own-key-in-header": "'jwk'",
    "another-key-same-name": "signature", "changed-claims": "signature",
    "wrong-issuer": "issuer", "wrong-audience": "somebody else ('aud')",
    "no-audience": "'aud'", "many-audiences-no-azp": "'azp'", "wrong-azp": "'azp'",
    "expired": "expired", "no-end": "'exp'", "from-the-future": "future", "not-yet": "later",
    "old": "too old", "with-nonce": "'nonce'", "access-token": "no ID token",
    "keycloak-access-token": "no ID token", "logout-token": "no ID token", "no-subject": "'sub'",
    "long-subject": "'sub'", "groups-as-text": "groups", "unknown-key": "no key",
}


class HostileSignOn(SignOnCase):
    def setUp(self):
        super().setUp()
        self.provider = self.issuer("hostile.mjs")
        self.configure(self.provider.url)

    def browse(self, browser=None):
        """A whole login in a browser: the last page."""
        browser = browser or Browser()
        begun = browser.get(f"{self.base}/v1/auth/oidc/login")
        if begun.status != 302:
            return begun
        return browser.get(browser.follow(begun, self.callback))

    def test_forged_and_tampered_tokens_are_refused(self):
        self.exchange(self.provider.token("good"))
        for kind, why in FORGED.items():
            problem = self.exchange(self.provider.token(kind), expect=401)
            self.assertIn(why, problem["detail"], kind)
        self.wait_for(lambda: len(self.audited(result="refused", object="token")) == len(FORGED),
                      "a record of each")
        for bad in ("", ".", "..", "a.b.c", "eyJ" * 4000, "x" * 16385, "\x00", "é"):
            self.assertIn(self.raw("POST", "/v1/auth/oidc/token",
                                   {"content-type": "application/json"},
                                   json.dumps({"id_token": bad})).status, (401, 422), bad)
        self.exchange(self.provider.token("good"))

    def test_clocks_may_differ_by_a_minute(self):
        for kind in ("clock-ahead", "just-expired"):
            self.exchange(self.provider.token(kind))

    def test_a_token_is_of_use_once(self):
        token = self.provider.token("good")
        made = self.exchange(token)
        self.assertIn("before", self.exchange(token, expect=401)["detail"])
        # Also at the same time.
        token, statuses = self.provider.token("good"), []
        body = json.dumps({"id_token": token})
        threads = [threading.Thread(target=lambda: statuses.append(self.raw(
            "POST", "/v1/auth/oidc/token", {"content-type": "application/json"}, body).status))
            for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(sorted(statuses), [201] + [401] * 7)
        # Nor after a restart, which forgets what was used.
        unused = self.provider.token("good")
        second = int(time.time())  # `iat` has whole ones
        self.wait_for(lambda: int(time.time()) > second, "the next second")
        self.restart_service()
        for each in (token, unused):
            self.assertIn("issued before", self.exchange(each, expect=401)["detail"])
        self.ask("GET", "/v1/whoami", token=made["text"])
        self.exchange(self.provider.token("good"))

    def test_tokens_of_the_provider_open_nothing_by_themselves(self):
        token = self.provider.token("good")
        problem = self.ask("GET", "/v1/whoami", token=token, expect=401).body
        self.assertIn("/v1/auth/oidc/token", problem["detail"])

    def test_who_has_no_group_gets_nothing_and_names_are_escaped(self):
        problem = self.exchange(self.provider.token("no-groups"), expect=403)
        self.assertIn("names none", problem["detail"])
        self.assertIn("oidc:johndoe", problem["detail"])
        for kind, name in (("odd-subject", "oidc:root%28admin%29%0A%2C%75ser"),
                           ("unverified-email", "oidc:johndoe")):
            made = self.exchange(self.provider.token(kind))
            who = self.ask("GET", "/v1/whoami", token=made["text"]).body["identity"]
            if kind == "odd-subject":
                name = "oidc:root%28admin%29%0A%2Cuser:ann(a@b.c)"
            self.assertEqual(who["subject"], name)
        problem = self.exchange(self.provider.token("good"), role="admin", expect=403)
        self.assertIn("no role 'admin'", problem["detail"])
        self.exchange(self.provider.token("good"), surprise=1, expect=422)
        self.configure(self.provider.url, roles=[*ROLES, "ops=viewer@*"])
        for role, places in (("operator", ["team-a", "team-b"]), ("viewer", ["*"])):
            made = self.exchange(self.provider.token("good"), role=role)["token"]
            self.assertEqual((made["role"], made["namespaces"]), (role, places))

    def test_a_browsers_token_is_held_against_its_login(self):
        self.assertEqual(self.browse().status, 200)
        for claims, why in (({"nonce": "of another login"}, "nonce"), ({"nonce": None}, "nonce"),
                            ({"aud": "another"}, "aud"), ({"iss": "https://evil.example"}, "iss"),
                            ({"azp": "another"}, "azp"), ({"exp": 1}, "expired"),
                            ({"sub": None}, "sub"), ({"groups": None}, "no role")):
            self.provider.set(claims=claims)
            page = self.browse()
            self.assertIn(page.status, (401, 403), page.text)
            self.assertIn(why, page.text)
            self.assertNotIn("reeve_session=reeve", "".join(page.cookies))
        self.provider.set(claims={})
        for reply in ({"status": 200, "body": {}}, {"status": 200, "body": {"id_token": 7}},
                      {"status": 302, "body": {}}, {"status": 500, "body": {"error": "x"}}):
            self.provider.set(reply=reply)
            self.assertEqual(self.browse().status, 503, reply)
        self.provider.set(reply={"status": 400, "body": {"error": "invalid_grant\x1b[2J"}})
        page = self.browse()
        self.assertEqual(page.status, 401)
        self.assertIn("\\x1b", json.loads(page.text)["detail"])
        self.provider.set(reply=None)
        for callback in ({"state": "made-up"}, {"state": None}, {"code": None},
                         {"iss": "https://evil.example"}, {"error": "<script>"}):
            self.provider.set(callback=callback)
            self.assertIn(self.browse().status, (401, 422), callback)
        # What the standard does not name is let pass.
        self.provider.set(callback={"session_state": "x", "scope": "openid"})
        self.assertEqual(self.browse().status, 200)

    def test_an_issuer_that_lies_is_not_used(self):
        for number, discovery in enumerate((
                {"issuer": "https://other.example"}, {"issuer": None},
                {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": "file:///etc/passwd"},
                {"jwks_uri": None}, {"code_challenge_methods_supported": ["plain"]},
                {"id_token_signing_alg_values_supported": ["none", "HS256"]},
                {"response_types_supported": ["token"]}, {"authorization_endpoint": "/relative"})):
            self.provider.set(discovery=discovery)
            # Another issuer as far as the service can tell: nothing is known of it, or kept.
            self.configure(self.provider.url, ca_file=f"/none/{number}")
            begun = Browser().get(f"{self.base}/v1/auth/oidc/login")
            self.assertEqual(begun.status, 503, f"{discovery}: {begun.text}")
            self.assertIn("identity provider", begun.text)
            self.exchange(self.provider.token("good"), expect=503)

    def test_changed_keys_work_at_once_and_made_up_ones_make_nobody_busy(self):
        self.exchange(self.provider.token("good"))
        self.assertEqual(self.provider.count("/jwks"), 1)
        self.provider.tell(rotate=True)
        self.exchange(self.provider.token("good"))
        self.assertEqual(self.provider.count("/jwks"), 2)
        for _ in range(50):
            self.exchange(self.provider.token("unknown-key"), expect=401)
        self.exchange(self.provider.token("good"))
        self.assertEqual(self.provider.count("/jwks"), 2)
        self.assertEqual(self.provider.count("/.well-known/openid-configuration"), 1)

    def test_the_last_good_keys_go_on_while_the_provider_is_away(self):
        self.provider.set(down=["/jwks"])
        problem = self.exchange(self.provider.token("good"), expect=503)
        self.assertIn("identity provider", problem["detail"])
        self.provider.set(down=[])
        self.wait_for(lambda: self.ask("POST", "/v1/auth/oidc/token",
                                       {"id_token": self.provider.token("good")}, token=None,
                                       expect=(201, 503)).status == 201, "the keys")
        self.provider.set(down=["/jwks", "/.well-known/openid-configuration"])
        self.exchange(self.provider.token("good"))
        # A key that is not there cannot be looked up; what is there goes on.
        self.exchange(self.provider.token("unknown-key"), expect=503)
        self.exchange(self.provider.token("good"))
        self.assertEqual(self.browse().status, 200)

    def test_a_provider_shows_a_certificate_that_holds(self):
        for name in ("localhost", "another.example"):
            certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                            f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key,
                            "-out", certificate], check=True, capture_output=True)
            provider = self.issuer("hostile.mjs", certificate, key)
            self.configure(provider.url)
            problem = self.exchange(provider.token("good"), expect=503)
            self.assertIn("certificate", problem["detail"])
            self.configure(provider.url, ca_file=str(certificate))
            if name == "localhost":
                self.exchange(provider.token("good"))
            else:
                problem = self.exchange(provider.token("good"), expect=503)
                self.assertIn("certificate", problem["detail"])

    def test_nobody_waits_for_a_provider_that_hangs_drips_or_pours(self):
        for how in ("hang", "drip", "huge"):
            self.provider.set(**{how: ["/.well-known/openid-configuration"]})
            self.configure(self.provider.url, ca_file=f"/none/{how}")
            answers = []
            begun = time.monotonic()
            threads = [threading.Thread(target=lambda: answers.append(
                Browser().get(f"{self.base}/v1/auth/oidc/login").status)) for _ in range(20)]
            for each in threads:
                each.start()
            slowest = 0
            while any(each.is_alive() for each in threads):
                asked = time.monotonic()
                self.ask("GET", "/v1/runs")
                slowest = max(slowest, time.monotonic() - asked)
            self.assertEqual(answers, [503] * 20)
            # One question of the service to the provider takes five seconds at most.
            self.assertLess(slowest, 4, how)
            self.assertLess(time.monotonic() - begun, 60, how)
            self.provider.set(**{how: []})

    def test_a_token_endpoint_that_hangs_is_left_alone(self):
        self.provider.set(hang=["/token"])
        for _ in range(2):
            page = self.browse()
            self.assertEqual(page.status, 503, page.text)
            self.assertIn("in time", page.text)
        self.assertEqual(self.provider.count("/token"), 1)
        self.exchange(self.provider.token("good"))
        self.provider.set(hang=[])
        self.wait_for(lambda: self.browse().status == 200, "the end of the pause")

    def test_a_flood_of_logins_leaves_the_service_as_it_was(self):
        browser = Browser()
        begun = browser.get(f"{self.base}/v1/auth/oidc/login")
        place = browser.follow(begun, self.callback)
        connection = self.connection()
        for _ in range(900):
            connection.request("GET", "/v1/auth/oidc/login")
            reply = connection.getresponse()
            reply.read()
            self.assertEqual(reply.status, 302)
        for number in range(300):
            connection.request("GET", f"/v1/auth/oidc/callback?state=made-up-{number}&code=x")
            reply = connection.getresponse()
            reply.read()
            self.assertEqual(reply.status, 401)
        connection.close()
        self.assertEqual(browser.get(place).status, 200)
        self.assertEqual(self.provider.count("/token"), 1)
        # Of the refusals a minute's worth was recorded, and how many there were.
        self.assertLessEqual(len(self.audited(result="refused")), 121)

    def test_a_device_waits_as_it_is_told_and_ends_when_it_should(self):
        self.environment["XDG_CONFIG_HOME"] = str(self.directory / "config")
        self.reeve("context", "add", "prod", self.base)
        for answers, status, said in (
                (["authorization_pending", "hang-up", "502", "ok"], 0, "logged in"),
                (["slow_down", "ok"], 0, "logged in"),
                (["access_denied"], 4, "denied"), (["expired_token"], 4, "in time"),
                (["invalid_grant"], 4, "invalid_grant")):
            self.provider.set(device=answers, claims={})
            begun = time.monotonic()
            done = self.reeve("context", "login", expect=status)
            self.assertIn(said, done.stderr)
            if "slow_down" in answers:
                self.assertGreater(time.monotonic() - begun, 7)
        self.provider.set(discovery={"device_authorization_endpoint": None})
        done = self.reeve("context", "login", expect=1)
        self.assertIn("device flow", done.stderr)
        self.provider.stop()
        self.reeve("context", "login", expect=7)

    def test_streams_end_with_a_mark_when_their_token_does(self):
        run = self.submit(command=["sh", "-c", "while :; do echo x; sleep 0.05; done"])["id"]
        tokens = {"ended": self.new_token("viewer", expires_in_seconds=8),
                  "revoked": self.new_token("viewer")}
        name = next(each["id"] for each in self.ask("GET", "/v1/tokens").body["tokens"]
                    if each["expires_at"] is None and each["role"] == "viewer")
        task = f"/v1/runs/{run}/tasks/main/logs/stream"
        self.wait_for(lambda: self.ask("GET", f"/v1/runs/{run}/tasks/main/logs", expect=None)
                      .status == 200, "the log")
        opened = []
        for token in tokens.values():
            for path in (task, "/v1/events"):
                connection = self.connection()
                connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                opened.append((connection, connection.getresponse()))
        self.ask("DELETE", f"/v1/tokens/{name}", expect=204)
        for connection, reply in opened:
            self.assertEqual(reply.status, 200)
            self.assertTrue(reply.read().decode().rstrip().rpartition("\n\n")[2]
                            .startswith("event: dev.reeve.stream.closed\n"))
            connection.close()
        for token in tokens.values():
            self.ask("GET", "/v1/events", token=token, expect=401)

    def test_settings_that_make_no_sense_are_refused(self):
        for more, why in (({"client": ""}, "auth.oidc.client"), ({"roles": ["ops"]}, "ROLE"),
                          ({"roles": ["ops=admin@A B"]}, "namespace")):
            self.assertIn(why, json.dumps(self.configure(self.provider.url, expect=422, **more)))
        for issuer in ("http://id.example", "https://id.example/?x", "id.example"):
            problem = self.configure(issuer, expect=422)
            self.assertIn("auth.oidc.issuer", json.dumps(problem))
        self.configure("", client="")
        self.raw("GET", "/v1/auth/oidc")
        self.exchange("x", expect=404)
        (self.state / "reeve.toml").write_text(
            f'auth.oidc.issuer = "{self.provider.url}"\nauth.oidc.client = "reeve"\n',
            encoding="utf-8")
        self.ask("POST", "/v1/config/reload")
        page = Browser().get(f"{self.base}/v1/auth/oidc/login")
        self.assertEqual(page.status, 503)
        self.assertIn("server.public_url", page.text)
        settings = (self.state / "reeve.toml").read_text(encoding="utf-8")
        for url, status in (("http://reeve.example.org", 503),
                            ("https://reeve.example.org/a", 302)):
            (self.state / "reeve.toml").write_text(f'{settings}server.public_url = "{url}"\n',
                                                   encoding="utf-8")
            self.ask("POST", "/v1/config/reload")
            page = Browser().get(f"{self.base}/v1/auth/oidc/login",
                                 headers={"Host": "evil.example"})
            self.assertEqual(page.status, status)
        # What is behind something that encrypts says so, and where it is, by its settings.
        self.assertIn("; Secure", page.cookies[0])
        sent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.headers["Location"]).query))
        self.assertEqual(sent["redirect_uri"],
                         "https://reeve.example.org/a/v1/auth/oidc/callback")
        query = urllib.parse.urlencode({"return_to": "//evil.example"})
        self.assertIn(self.raw("GET", f"/v1/auth/oidc/login?{query}").status, (400, 503))


if __name__ == "__main__":
    unittest.main()
