"""A service with single sign-on: identity providers on this machine (tests/issuers), and a browser
that follows redirects, keeps cookies and fills in forms."""

import html
import http.cookiejar
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from reeve_case import ROOT
from service_case import ServiceCase

ISSUERS = ROOT / "tests" / "issuers"
ROLES = ["ops=operator@team-a", "ops=operator@team-b", "devs=developer@default",
         "staff=viewer@*", "ghosts=not-there@*"]


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Page:
    def __init__(self, url, status, headers, text):
        self.url, self.status, self.headers, self.text = url, status, headers, text
        self.cookies = headers.get_all("Set-Cookie") or []

    def form(self):
        """(address, {field: value}) of the first form."""
        form = re.search(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", self.text, re.DOTALL)
        if form is None:
            raise AssertionError(f"no form at {self.url}: {self.status} {self.text[:2000]}")
        fields = {}
        for field in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", form.group(2)):
            name = re.search(r"name=\"([^\"]*)\"", field).group(1)
            fields[name] = html.unescape(re.search(r"value=\"([^\"]*)\"", field).group(1))
        return urllib.parse.urljoin(self.url, html.unescape(form.group(1))), fields


class Browser:
    def __init__(self):
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar),
            NoRedirects())

    def cookie(self, name):
        return next((each.value for each in self.jar if each.name == name), None)

    def get(self, url, data=None, headers=None):
        """One request, redirects not followed."""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        try:
            reply = self.opener.open(urllib.request.Request(url, body, headers or {}), timeout=30)
        except urllib.error.HTTPError as other:
            reply = other
        with reply:
            return Page(url, reply.status, reply.headers, reply.read().decode())

    def follow(self, page, until=None):
        """Redirects, up to a page; `until`: or to one at an address that begins like this, which is
        then not fetched."""
        for _ in range(20):
            place = page.headers.get("Location")
            if page.status not in (302, 303, 307) or place is None:
                return page
            place = urllib.parse.urljoin(page.url, place)
            if until is not None and place.startswith(until):
                return place
            page = self.get(place)
        raise AssertionError("redirected in circles")

    def fill_in(self, page, until=None, **fields):
        place, hidden = page.form()
        return self.follow(self.get(place, {**hidden, **fields}), until)


class Issuer:
    """A node program of tests/issuers."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            ["node", *map(str, words)], cwd=ISSUERS, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = ""
        while not self.url.startswith("http"):
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError("the identity provider did not start: ./dev setup test "
                                     "installs what it needs")
            self.url = line.strip()

    @property
    def port(self):
        return self.url.rpartition(":")[2]

    def tell(self, **wish):
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def set(self, **modes):
        self.tell(set=modes)

    def token(self, kind):
        return self.tell(token=kind)["token"]

    def count(self, path):
        return self.tell(counts=True).get(path, 0)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class SignOnCase(ServiceCase):
    def configure(self, issuer, *, expect=200, **more):
        """The settings of sign-on, taken on by the running service."""
        settings = {"issuer": issuer, "client": "reeve", "roles": ROLES,
                    "scopes": ["email", "profile", "groups"], **more}
        lines = [f'server.public_url = "http://{self.address[0]}:{self.address[1]}"']
        lines += [f"auth.oidc.{name} = {json.dumps(value)}" for name, value in settings.items()]
        (self.state / "reeve.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.ask("POST", "/v1/config/reload", expect=expect).body

    @property
    def base(self):
        return f"http://{self.address[0]}:{self.address[1]}"

    @property
    def callback(self):
        return f"{self.base}/v1/auth/oidc/callback"

    def issuer(self, *words):
        made = Issuer(*words)
        self.addCleanup(made.stop)
        return made

    def exchange(self, token, expect=201, **more):
        return self.ask("POST", "/v1/auth/oidc/token", {"id_token": token, **more}, token=None,
                        expect=expect).body

    def audited(self, **wanted):
        """Records of sign-on, newest last."""
        records = self.ask("GET", "/v1/audit?action=login&limit=1000").body["audit"]
        return [each for each in records
                if all(each[name] == value for name, value in wanted.items())]
