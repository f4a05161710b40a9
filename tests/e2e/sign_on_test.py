"""Single sign-on with a real OpenID Connect provider (oidc-provider, tests/issuers/real.mjs):
browsers with PKCE, commands in the device flow, roles by groups, and an issuer that changes its
keys."""

import json
import os
import stat
import subprocess
import unittest
import urllib.parse

from reeve_case import BINARY
from sign_on_case import Browser, SignOnCase


class SignOn(SignOnCase):
    def setUp(self):
        super().setUp()
        self.environment["XDG_CONFIG_HOME"] = str(self.directory / "config")
        self.provider = self.issuer("real.mjs", 0, self.callback, "rs")
        self.configure(self.provider.url)

    def begin(self, browser, return_to="/v1/whoami"):
        place = f"{self.base}/v1/auth/oidc/login?return_to={urllib.parse.quote(return_to)}"
        begun = browser.get(place)
        self.assertEqual(begun.status, 302, begun.text)
        return begun

    def at_callback(self, browser, name, begun=None):
        """The address that the browser would be sent back to."""
        page = browser.follow(begun or self.begin(browser), self.callback)
        if isinstance(page, str):  # the provider knows this browser already
            return page
        page = browser.fill_in(page, self.callback, login=name, password="any")
        return page if isinstance(page, str) else browser.fill_in(page, self.callback)

    def signed_on(self, name):
        """(browser, last page)"""
        browser = Browser()
        return browser, browser.get(self.at_callback(browser, name))

    def test_a_browser_signs_on_and_gets_what_its_groups_give(self):
        browser, page = self.signed_on("ann")
        self.assertEqual(page.status, 200, page.text)
        self.assertIn('content="0; url=/v1/whoami"', page.text)
        self.assertEqual(page.headers["Referrer-Policy"], "no-referrer")
        session = next(each for each in page.cookies if each.startswith("reeve_session="))
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, session)
        self.assertTrue(any(each.startswith("reeve_login=;") and "Max-Age=0" in each
                            for each in page.cookies))
        who = json.loads(browser.get(f"{self.base}/v1/whoami").text)["identity"]
        self.assertEqual((who["subject"], who["role"], who["namespaces"]),
                         ("oidc:ann(ann@example.org)", "operator", ["team-a", "team-b"]))
        # The session needs its second secret for a change, as any other.
        own = json.loads(browser.get(f"{self.base}/v1/sessions/current").text)["session"]
        self.assertEqual(own["user"], "oidc:ann(ann@example.org)")
        run = self.submit(command=["sleep", "60"], namespace="team-a")["id"]
        cookie = {"cookie": f"reeve_session={browser.cookie('reeve_session')}"}
        target = f"/v1/runs/{run}/cancel"
        self.ask("POST", target, {}, token=None, headers=cookie, expect=403)
        self.ask("POST", target, {}, token=None, expect=200,
                 headers={**cookie, "x-csrf-token": own["csrf_token"]})
        self.ask("DELETE", "/v1/sessions/current", token=None, expect=204,
                 headers={**cookie, "x-csrf-token": own["csrf_token"]})
        self.ask("GET", "/v1/whoami", token=None, headers=cookie, expect=401)
        self.assertEqual([each["who"] for each in self.ask(
            "GET", "/v1/audit?action=logout").body["audit"]], ["oidc:ann(ann@example.org)"])
        said = self.audited(who="oidc:ann(ann@example.org)", result="allowed")
        self.assertEqual([each["detail"] for each in said], ["operator in team-a,team-b"])

    def test_nobody_gets_a_role_that_no_group_gives(self):
        for name, groups in (("eve", "strangers"), ("mallory", None), ("nobody", None)):
            _, page = self.signed_on(name)
            self.assertIn(page.status, (401, 403), page.text)
            self.assertNotIn("reeve_session", "".join(page.cookies))
            if groups:
                problem = json.loads(page.text)
                self.assertEqual(problem["type"], "urn:reeve:problem:no-role")
                self.assertIn(f"oidc:{name}({name}@example.org)", problem["detail"])
                self.assertIn("auth.oidc.roles", problem["detail"])
                self.assertIn(groups, problem["detail"])
        self.assertEqual(len(self.audited(who="oidc:eve(eve@example.org)", result="refused")), 1)
        self.configure(self.provider.url, roles=["strangers=not-there@*"])
        _, page = self.signed_on("eve")
        self.assertEqual(page.status, 403)
        self.assertIn("not-there", page.text)

    def test_a_login_belongs_to_its_browser_and_is_of_use_once(self):
        alice, mallory = Browser(), Browser()
        place = self.at_callback(alice, "ann")
        # Somebody else's browser cannot be made to finish it, with a login of its own or without.
        self.assertEqual(mallory.get(place).status, 401)
        self.begin(mallory)
        self.assertEqual(mallory.get(place).status, 401)
        # And now nobody can.
        self.assertEqual(alice.get(place).status, 401)
        place = self.at_callback(alice, "ann")
        cookie = f"reeve_login={alice.cookie('reeve_login')}"
        self.assertEqual(alice.get(place).status, 200)
        again = Browser().get(place, headers={"Cookie": cookie})
        self.assertEqual(again.status, 401)
        self.assertNotIn("reeve_session", "".join(again.cookies))

    def test_states_and_codes_that_are_mixed_up_open_nothing(self):
        ann, dave = Browser(), Browser()
        of_ann = urllib.parse.urlsplit(self.at_callback(ann, "ann"))
        of_dave = urllib.parse.urlsplit(self.at_callback(dave, "dave"))
        codes = [dict(urllib.parse.parse_qsl(each.query)) for each in (of_ann, of_dave)]
        mixed = {**codes[0], "code": codes[1]["code"]}  # PKCE and nonce are those of another login
        page = ann.get(f"{self.callback}?{urllib.parse.urlencode(mixed)}")
        self.assertEqual(page.status, 401, page.text)
        self.assertIn("invalid_grant", page.text)
        for changed in ({"state": "made-up"}, {"state": ""}, {"code": "made-up"}, {"code": ""},
                        {"iss": "https://evil.example"}):
            browser = Browser()
            query = dict(urllib.parse.parse_qsl(
                urllib.parse.urlsplit(self.at_callback(browser, "ann")).query))
            page = browser.get(f"{self.callback}?{urllib.parse.urlencode({**query, **changed})}")
            self.assertIn(page.status, (400, 401, 422), f"{changed}: {page.text}")
            self.assertNotIn("reeve_session=reeve", "".join(page.cookies))
        browser = Browser()
        query = dict(urllib.parse.parse_qsl(
            urllib.parse.urlsplit(self.at_callback(browser, "ann")).query))
        del query["iss"]  # the provider said that it always names itself (RFC 9207)
        page = browser.get(f"{self.callback}?{urllib.parse.urlencode(query)}")
        self.assertEqual(page.status, 401)

    def test_who_refuses_at_the_provider_is_told_so(self):
        browser = Browser()
        page = browser.follow(self.begin(browser))
        abort = page.url.rstrip("/") + "/abort"
        place = browser.follow(browser.get(abort), self.callback)
        page = browser.get(place)
        self.assertEqual(page.status, 401)
        self.assertIn("access_denied", page.text)

    def test_a_program_of_the_page_is_told_where_to_go(self):
        browser = Browser()
        begun = browser.get(f"{self.base}/v1/auth/oidc/login",
                            headers={"Accept": "application/json"})
        self.assertEqual(begun.status, 200)
        place = browser.get(json.loads(begun.text)["place"]["location"])
        page = browser.get(self.at_callback(browser, "ann", place))
        self.assertIn('content="0; url=/"', page.text)
        self.raw("GET", "/v1/auth/oidc/login", {"accept": "application/json"})

    def test_return_only_to_this_site(self):
        for bad in ("https://evil.example", "//evil.example", "/\\evil.example", "/\"onload", ""):
            self.raw("GET", f"/v1/auth/oidc/login?return_to={urllib.parse.quote(bad)}")
            page = Browser().get(
                f"{self.base}/v1/auth/oidc/login?return_to={urllib.parse.quote(bad)}")
            self.assertEqual(page.status, 400, bad)

    def test_a_confidential_client_shows_its_secret(self):
        secret = self.write("secret", "s%c:et with+signs, and 32 characters\n")
        secret.chmod(0o600)
        self.configure(self.provider.url, client="reeve-web", client_secret_file=str(secret))
        _, page = self.signed_on("dave")
        self.assertEqual(page.status, 200, page.text)
        secret.write_text("wrong\n", encoding="utf-8")
        _, page = self.signed_on("dave")
        self.assertEqual(page.status, 401)
        self.assertIn("invalid_client", page.text)
        secret.chmod(0o644)
        _, page = self.signed_on("dave")
        self.assertEqual(page.status, 503)

    def login(self, *words):
        command = subprocess.Popen([BINARY, "context", "login", *words], cwd=self.directory,
                                   env=self.environment, stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._started.append(command)
        lines = [command.stderr.readline() for _ in range(3)]
        self.assertTrue(lines[0].startswith("open    http"), "".join(lines))
        return command, lines[2].split()[-1]

    def confirm(self, place, name, **fields):
        browser = Browser()
        page = browser.follow(browser.get(place))
        place, hidden = page.form()
        page = browser.follow(browser.get(place, hidden))
        place, hidden = page.form()
        page = browser.follow(browser.get(place, {**hidden, **fields}))
        if fields:
            return page
        page = browser.fill_in(page, login=name, password="any")
        return browser.fill_in(page)

    def test_a_command_signs_on_in_the_device_flow(self):
        self.reeve("context", "add", "prod", self.base)
        command, place = self.login("prod")
        self.confirm(place, "ann")
        said = command.communicate(timeout=60)[1]
        self.assertEqual(command.returncode, 0, said)
        self.assertIn("as oidc:ann(ann@example.org), operator in team-a, team-b, until", said)
        file = self.directory / "config" / "reeve" / "contexts.json"
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        kept = json.loads(file.read_text(encoding="utf-8"))["contexts"]["prod"]
        who = self.ask("GET", "/v1/whoami", token=kept["token"]).body["identity"]
        self.assertEqual((who["subject"], who["role"]), ("oidc:ann(ann@example.org)", "operator"))
        self.assertIn(kept["until"], self.reeve("context", "ls", "--json", "login_until").stdout)
        self.reeve("ls")
        # Nobody else can make it last longer, or act as her with it.
        token = next(each for each in self.ask("GET", "/v1/tokens").body["tokens"]
                     if each["subject"])
        self.assertEqual(token["subject"], "oidc:ann(ann@example.org)")
        self.ask("POST", f"/v1/tokens/{token['id']}/rotate", {}, expect=409)
        self.assertEqual(len(self.audited(who=token["subject"], object="token",
                                          result="allowed")), 1)
        self.reeve("context", "logout", "prod")
        self.ask("GET", "/v1/whoami", token=kept["token"], expect=401)
        self.assertNotIn("reeve_", file.read_text(encoding="utf-8"))
        self.reeve("ls", expect=4)
        self.reeve("context", "logout", "prod", expect=6)

    def test_a_login_that_is_denied_or_interrupted_changes_nothing(self):
        self.reeve("context", "add", "prod", self.base)
        command, place = self.login()
        self.confirm(place, "ann", abort="yes")
        said = command.communicate(timeout=60)[1]
        self.assertEqual(command.returncode, 4, said)
        self.assertIn("denied", said)
        command, _ = self.login()
        command.send_signal(2)
        command.communicate(timeout=60)
        self.assertEqual(command.returncode, 130)
        self.assertNotIn("reeve_", (self.directory / "config" / "reeve" / "contexts.json")
                         .read_text(encoding="utf-8"))
        self.reeve("context", "login", "other", expect=3)
        (self.state / "reeve.toml").unlink()
        self.ask("POST", "/v1/config/reload")
        said = self.reeve("context", "login", expect=3).stderr
        self.assertIn("auth.oidc.issuer", said)

    def test_an_issuer_may_change_its_keys_at_any_time(self):
        _, page = self.signed_on("ann")
        self.assertEqual(page.status, 200)
        port = self.provider.port
        for kind in ("es", "rs"):
            self.provider.stop()
            self.provider = self.issuer("real.mjs", port, self.callback, kind)
            # The first unknown key is looked up at once, the next within a minute.
            _, page = self.signed_on("ann")
            if kind == "es":
                self.assertEqual(page.status, 200, page.text)
            else:
                self.assertIn(page.status, (200, 401), page.text)

    def test_whoever_the_former_issuer_vouched_for_has_to_sign_on_anew(self):
        browser, _ = self.signed_on("ann")
        whoami = f"{self.base}/v1/whoami"
        self.assertEqual(browser.get(whoami).status, 200)
        self.configure(self.provider.url)
        self.assertEqual(browser.get(whoami).status, 200)
        self.configure(self.provider.url, roles=["ops=viewer@*"])
        self.assertEqual(browser.get(whoami).status, 401)
        browser, _ = self.signed_on("ann")
        self.assertIn('"role":"viewer"', browser.get(whoami).text)
        # An administrator can end what one person has.
        other, _ = self.signed_on("ann")
        self.ask("DELETE", "/v1/users/oidc:ann", expect=204)
        for each in (browser, other):
            self.assertEqual(each.get(whoami).status, 401)
        self.ask("DELETE", "/v1/users/oidc:ann", expect=404)


if __name__ == "__main__":
    unittest.main()
