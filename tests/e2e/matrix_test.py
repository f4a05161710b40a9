"""Who may do what, on the real service: every route x every role x own and other namespace, and
whoever has not said who they are. What is expected is written down here once more, apart from the
service: a route that is not in the table fails the test."""

import json
import unittest
import uuid

from service_case import ServiceCase

# Action: where (n: in its namespace, s: shared by all, e: everywhere), who (viewer, operator,
# developer, admin).
ACTIONS = {
    "runs.read": "n voda", "runs.submit": "n da", "runs.act": "n oda", "runs.approve": "n oda",
    "logs.read": "n voda", "events.read": "n voda", "workflows.read": "n voda",
    "secrets.read": "n oda", "secrets.write": "n da", "tokens.read": "n a", "tokens.write": "n a",
    "artifacts.read": "n voda",
    "audit.read": "n a", "queues.read": "s voda", "nodes.read": "s voda", "flags.read": "s voda",
    "roles.read": "s voda", "settings.read": "e oa", "flags.write": "e a", "roles.write": "e a",
    "settings.write": "e a", "users.read": "e a", "users.write": "e a", "nodes.write": "e oa",
    "audit.copy": "e a", "backups.write": "e a",
    "queues.write": "e a", "metrics.read": "s voda",
}
CUSTOM = ("runs.read", "secrets.write", "audit.read", "flags.write", "queues.read")
LETTERS = {"viewer": "v", "operator": "o", "developer": "d", "admin": "a"}
RUN, TASK = "/v1/runs/{run}", "/v1/runs/{run}/tasks/{task}"
COMMAND = {"command": ["true"]}
YAML = {"workflow": "name: x\ntasks: {a: {run: 'true'}}\n"}
WITH_ARTIFACT = "name: x\ntasks: {main: {run: touch it, artifacts: [it]}}\n"
# Route: action ("": everybody, "known": who says who they are), body.
ROUTES = {
    "GET /livez": ("",), "GET /readyz": ("",), "GET /version": ("",), "GET /openapi.json": ("",),
    "GET /schema/workflow.json": ("",), "POST /v1/sessions": ("", {}),
    "DELETE /v1/sessions/current": ("known",), "GET /v1/whoami": ("known",),
    "GET /v1/sessions/current": ("known",), "GET /v1/auth/oidc": ("",),
    "GET /v1/auth/oidc/login": ("",), "GET /v1/auth/oidc/callback": ("",),
    "POST /v1/auth/oidc/token": ("", {}),
    "POST /v1/runs": ("runs.submit", COMMAND), "POST /v1/runs:bulk": ("runs.submit", COMMAND),
    "GET /v1/runs": ("runs.read",), f"GET {RUN}": ("runs.read",),
    f"POST {RUN}/cancel": ("runs.act", {}), f"POST {RUN}/retry": ("runs.act", {"from": "nothing"}),
    f"POST {RUN}/pause": ("runs.act", {}), f"POST {RUN}/resume": ("runs.act", {}),
    f"POST {RUN}/approve": ("runs.approve", {"task": "main"}),
    "GET /v1/stored/runs": ("runs.read",), "GET /v1/stored/runs/{run}": ("runs.read",),
    "GET /v1/stored/runs/{run}/attempts": ("runs.read",),
    "GET /v1/stored/runs/{run}/log": ("logs.read",),
    f"GET {RUN}/graph": ("runs.read",), f"GET {RUN}/timeline": ("runs.read",),
    f"GET {RUN}/explain": ("runs.read",), f"GET {RUN}/diff/{{other}}": ("runs.read",),
    f"GET {RUN}/tasks": ("runs.read",),
    f"GET {TASK}": ("runs.read",), f"GET {TASK}/attempts/{{attempt}}": ("runs.read",),
    f"GET {TASK}/logs": ("logs.read",), f"GET {TASK}/attempts/{{attempt}}/logs": ("logs.read",),
    f"GET {RUN}/artifacts": ("artifacts.read",), f"GET {TASK}/artifacts": ("artifacts.read",),
    f"GET {TASK}/artifacts/{{artifact}}": ("artifacts.read",),
    f"GET {TASK}/logs/stream": ("logs.read",), f"GET {RUN}/events": ("events.read",),
    "GET /v1/events": ("events.read",), "POST /v1/lint": ("workflows.read", YAML),
    "POST /v1/plan": ("workflows.read", YAML), "GET /v1/workflows": ("workflows.read",),
    "GET /v1/workflows/{workflow}": ("workflows.read",),
    "GET /v1/workflows/{workflow}/versions": ("workflows.read",),
    "GET /v1/workflows/{workflow}/versions/{version}": ("workflows.read",),
    "GET /v1/queues": ("queues.read",),
    "GET /v1/use": ("runs.read",),
    "GET /v1/pools": ("nodes.read",), "GET /v1/nodes": ("nodes.read",),
    "POST /v1/nodes/{node}/drain": ("nodes.write", {}),
    "POST /v1/nodes/{node}/resume": ("nodes.write",),
    "GET /v1/locks": ("queues.read",), "GET /metrics": ("metrics.read",),
    "GET /v1/quotas": ("queues.read",),
    "GET /v1/quotas/{user}": ("queues.read",),
    "GET /v1/quotas/{user}/history": ("queues.read",),
    "PUT /v1/quotas/{user}": ("queues.write", {"running_max": 100}),
    "DELETE /v1/quotas/{user}": ("queues.write",),
    "GET /v1/tokens": ("tokens.read",), "POST /v1/tokens": ("tokens.write", {"label": "x"}),
    "POST /v1/tokens/{token}/rotate": ("tokens.write", {}),
    "DELETE /v1/tokens/{token}": ("tokens.write",), "GET /v1/secrets": ("secrets.read",),
    "PUT /v1/secrets/{secret}": ("secrets.write", {"value": "x"}),
    "DELETE /v1/secrets/{secret}": ("secrets.write",), "GET /v1/flags": ("flags.read",),
    "GET /v1/flags/{flag}": ("flags.read",), "GET /v1/flags/{flag}/history": ("flags.read",),
    "GET /v1/flags/{flag}/answer": ("flags.read",),
    "PUT /v1/flags/{flag}": ("flags.write", {"on": True}),
    "DELETE /v1/flags/{flag}": ("flags.write",), "GET /v1/roles": ("roles.read",),
    "PUT /v1/roles/{role}": ("roles.write", {"actions": []}),
    "DELETE /v1/roles/{role}": ("roles.write",), "GET /v1/users": ("users.read",),
    "PUT /v1/users/{user}": ("users.write", {"password": "long enough", "role": "viewer"}),
    "DELETE /v1/users/{user}": ("users.write",), "GET /v1/audit": ("audit.read",),
    "GET /v1/audit/verify": ("audit.read",), "GET /v1/audit/export": ("audit.read",),
    "POST /v1/backups": ("backups.write", {"file": "/x"}),
    "GET /v1/audit/files": ("audit.copy",), "GET /v1/audit/files/{file}": ("audit.copy",),
    "GET /v1/config": ("settings.read",), "POST /v1/config/reload": ("settings.write",),
    "GET /v1/config/{setting}": ("settings.read",),
    "GET /v1/config/{setting}/history": ("settings.read",),
    "PUT /v1/config/{setting}": ("settings.write", {"value": "warning"}),
    "DELETE /v1/config/{setting}": ("settings.write",),
}


class MatrixTest(ServiceCase):
    def setUp(self):
        super().setUp()
        self.runs = {}
        for name_space in ("own", "other"):
            run = self.submit(workflow=WITH_ARTIFACT, namespace=name_space)["id"]
            self.ended(run)
            self.runs[name_space] = run
        self.ask("PUT", "/v1/roles/custom", {"actions": list(CUSTOM)})

    def identities(self):
        """(name, role, its namespaces, token)"""
        for role in (*LETTERS, "custom"):
            for places in (["own"], ["*"]):
                yield f"{role} of {places[0]}", role, places, self.new_token(role, *places)

    def victim(self, place):
        """Ids of things that a request may do away with."""
        token = self.ask("POST", "/v1/tokens", {"label": "victim", "namespaces": [place]},
                         expect=201).body["token"]["id"]
        self.ask("PUT", f"/v1/secrets/victim?namespace={place}", {"value": "x"})
        self.ask("PUT", "/v1/flags/victim", {"on": True})
        self.ask("PUT", "/v1/config/log.level", {"value": "info"})
        self.ask("PUT", "/v1/roles/victim", {"actions": []})
        self.ask("PUT", "/v1/quotas/victim", {"running_max": 100})
        if not any(each["name"] == "victim" for each in self.ask("GET", "/v1/users").body["users"]):
            self.ask("PUT", "/v1/users/victim", {"password": "long enough", "role": "viewer"})
        return {"run": self.runs[place], "task": "main", "attempt": "1", "token": token,
                "file": "head", "secret": "victim", "flag": "victim", "setting": "log.level",
                "role": "victim", "user": "victim", "node": "none", "artifact": "it",
                "other": self.runs[place], "workflow": "x", "version": "1"}

    def request(self, route, place, token):
        """The status, of streams too."""
        method, _, path = route.partition(" ")
        body = ROUTES[route][1] if len(ROUTES[route]) > 1 else None
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if path in ("/v1/runs", "/v1/runs:bulk") and body:
            body = {**body, "namespace": place}
        if path == "/v1/tokens" and body:
            body = {**body, "namespaces": [place]}
        if method == "PUT" and "/users/" in path:
            body = {**body, "namespaces": [place]}
        with_query = "/secrets" in path or "/v1/workflows" in path or \
            route in ("GET /v1/runs", "GET /v1/stored/runs")
        target = path.format(**self.things) + (f"?namespace={place}" if with_query else "")
        if route == "GET /v1/stored/runs/{run}/log":
            target += "?task=0&attempt=1"
        if body is not None:
            headers["Content-Type"] = "application/x-ndjson" if path.endswith("bulk") \
                else "application/json"
        connection = self.connection()
        connection.request(method, target, json.dumps(body) if body is not None else None, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def test_every_route_is_in_the_table(self):
        described = {f"{method.upper()} {path}": operation.get("x-reeve-action")
                     for path, methods in self.description.document["paths"].items()
                     for method, operation in methods.items()}
        self.assertEqual(sorted(described), sorted(ROUTES))
        for route, action in described.items():
            self.assertEqual(action or "", ROUTES[route][0].replace("known", ""), route)

    def test_who_has_not_said_who_they_are(self):
        self.things = self.victim("own")
        for route, (action, *_) in ROUTES.items():
            for token in (None, "reeve_nonsense", self.token[:-1]):
                status = self.request(route, "own", token)
                self.assertEqual(status == 401, action != "", f"{route} with {token}: {status}")

    def test_every_role_in_own_and_other_namespaces(self):
        wrong, tried = [], 0
        identities = list(self.identities())
        for route, (action, *_) in ROUTES.items():
            for place in ("own", "other"):
                for name, role, places, token in identities:
                    self.things = self.victim(place) if "{" in route else {}
                    status = self.request(route, place, token)
                    tried += 1
                    if not self.is_right(route, action, role, places, place, status):
                        wrong.append(f"{route} of {place}, asked by {name}: {status}")
        self.assertEqual(wrong, [])
        self.assertEqual(tried, len(ROUTES) * 20)

    def is_right(self, route, action, role, places, place, status):
        if action in ("", "known"):
            return status not in (401, 403)
        where, letters = ACTIONS[action].split()
        has = action in CUSTOM if role == "custom" else LETTERS[role] in letters
        if not has:
            return status == 403
        if where == "e" and places != ["*"]:
            return status == 403
        # What is listed without an object is of the caller's own namespaces, whatever is asked for.
        has_object = "{" in route or route in ("POST /v1/runs", "GET /v1/runs", "GET /v1/secrets",
                                               "POST /v1/tokens", "GET /v1/stored/runs",
                                               "GET /v1/workflows")
        if where == "n" and places != ["*"] and place == "other" and has_object:
            return status in (403, 404)
        if where == "n" and places != ["*"] and place == "other" and route == "POST /v1/runs:bulk":
            return status == 422
        # A role that was defined has not all that a token or user is given.
        if route.startswith("GET") or route.startswith("PUT"):
            return status == 200
        return status in (200, 201, 204, 207, 400, 404, 409, 422)


if __name__ == "__main__":
    unittest.main()
