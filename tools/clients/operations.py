"""The operations of a description of the API, as both clients need them."""

import dataclasses
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Parameter:
    name: str   # as it is sent
    place: str  # path, query or header
    schema: dict
    repeats: bool

    @property
    def snake(self):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).replace("-", "_").lower()

    @property
    def camel(self):
        head, *tail = re.split(r"[-_]", self.name)
        return head[0].lower() + head[1:] + "".join(part.capitalize() for part in tail)


@dataclasses.dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    parameters: tuple
    body: dict | None        # schema
    content: str             # of the body
    reply: dict | None       # schema of the good reply
    is_stream: bool
    may_lack_body: bool      # {} means something too

    @property
    def snake(self):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.id).lower()

    def of(self, place):
        return [each for each in self.parameters if each.place == place]


def read_parameter(api, given):
    if "$ref" in given:
        given = api["components"]["parameters"][given["$ref"].rpartition("/")[2]]
    schema = given.get("schema", {})
    repeats = schema.get("type") == "array"
    return Parameter(given["name"], given["in"], schema.get("items", {}) if repeats else schema,
                     repeats)


def good_reply(operation):
    for status, reply in sorted(operation["responses"].items()):
        if status.startswith("2"):
            for kind, media in reply.get("content", {}).items():
                return kind, media.get("schema")
            return None, None
    return None, None


def may_be_empty(api, media):
    schema = media.get("schema", {})
    if "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return not schema.get("required") and not schema.get("oneOf")


def operations(api):
    """All but those whose bytes only the commands of reeve itself read."""
    for path, methods in api["paths"].items():
        if path.startswith("/v1/stored/"):
            continue
        for method, each in methods.items():
            if method not in ("get", "post", "put", "delete", "patch"):
                continue
            contents = each.get("requestBody", {}).get("content", {})
            content = next(iter(contents), "")
            kind, reply = good_reply(each)
            yield Operation(
                id=each["operationId"], method=method.upper(), path=path,
                summary=each.get("summary", ""),
                parameters=tuple(read_parameter(api, one) for one in each.get("parameters", ())),
                body=contents[content].get("schema", {}) if content else None, content=content,
                reply=reply, is_stream=kind == "text/event-stream",
                may_lack_body=may_be_empty(api, contents[content]) if content else False)


def part(name):
    return (HERE / name).read_text(encoding="utf-8")
