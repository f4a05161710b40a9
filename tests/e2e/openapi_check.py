"""Checks requests and replies against an OpenAPI 3.1 description: the part of JSON Schema that the
description uses, and no more. What it does not know is an error, so that nothing passes unseen."""

import json
import re
import urllib.parse

KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "const",
         "oneOf", "pattern", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength",
         "format", "description", "default", "contentMediaType", "contentSchema", "$ref"}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


class Mismatch(AssertionError):
    """What was said is not what the description says."""


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    kinds = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
    return isinstance(value, kinds[name])


class Description:
    def __init__(self, document):
        self.document = document
        self.seen = set()  # (method, path template, status)

    def resolve(self, schema):
        while "$ref" in schema:
            place = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            schema = place
        return schema

    def check(self, value, schema, where="$"):
        schema = self.resolve(schema)
        unknown = set(schema) - KNOWN
        if unknown:
            raise Mismatch(f"{where}: the description uses {unknown}, which is not checked here")
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            if not any(is_type(value, name) for name in types):
                raise Mismatch(f"{where}: {value!r} is not {types}")
        if "const" in schema and value != schema["const"]:
            raise Mismatch(f"{where}: {value!r} is not {schema['const']!r}")
        if "enum" in schema and value not in schema["enum"]:
            raise Mismatch(f"{where}: {value!r} is not one of {schema['enum']}")
        if "oneOf" in schema:
            fits = 0
            for each in schema["oneOf"]:
                try:
                    self.check(value, each, where)
                    fits += 1
                except Mismatch:
                    pass
            if fits != 1:
                raise Mismatch(f"{where}: fits {fits} of oneOf")
        if isinstance(value, str):
            self.check_text(value, schema, where)
        if is_type(value, "number"):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                raise Mismatch(f"{where}: {value} is out of range")
        if isinstance(value, dict):
            self.check_object(value, schema, where)
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                raise Mismatch(f"{where}: too few items, or too many")
            for index, item in enumerate(value):
                self.check(item, schema.get("items", {}), f"{where}[{index}]")

    @staticmethod
    def check_text(value, schema, where):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise Mismatch(f"{where}: {value!r} is not like {schema['pattern']}")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            raise Mismatch(f"{where}: {value!r} has the wrong length")
        if schema.get("format") == "date-time" and not TIME.match(value):
            raise Mismatch(f"{where}: {value!r} is no time")

    def check_object(self, value, schema, where):
        for name in schema.get("required", []):
            if name not in value:
                raise Mismatch(f"{where}: {name} is missing")
        properties = schema.get("properties", {})
        for name, item in value.items():
            if name in properties:
                self.check(item, properties[name], f"{where}.{name}")
            elif schema.get("additionalProperties", True) is False:
                raise Mismatch(f"{where}: {name} is not described")
            elif isinstance(schema.get("additionalProperties"), dict):
                self.check(item, schema["additionalProperties"], f"{where}.{name}")

    def find(self, method, path):
        """(template, operation) of a path, or None."""
        given = path.split("/")
        for template, operations in self.document["paths"].items():
            wanted = template.split("/")
            if len(wanted) != len(given) or method.lower() not in operations:
                continue
            if all(w == g or (w.startswith("{") and g) for w, g in zip(wanted, given)):
                return template, operations[method.lower()]
        return None

    def check_request(self, method, target, headers, body, content_type):
        """Of a request that was taken: `headers` in lower case, `body` as text or None."""
        path, _, query = target.partition("?")
        found = self.find(method, path)
        if found is None:
            raise Mismatch(f"{method} {path} was taken and is not described")
        _, operation = found
        parameters = {(each["in"], each["name"].lower()): each
                      for each in operation.get("parameters", [])}
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            described = parameters.get(("query", name.lower()))
            if described is None:
                raise Mismatch(f"{method} {path}: the parameter {name} is not described")
            schema = described["schema"]
            schema = schema.get("items", schema) if schema.get("type") == "array" else schema
            self.check(int(value) if schema.get("type") == "integer" else value, schema, name)
        for (place, name), each in parameters.items():
            if place == "header" and each["required"] and name not in headers:
                raise Mismatch(f"{method} {path}: the header {name} is missing")
        if body:
            self.check_body(f"{method} {path}", operation, body, content_type.partition(";")[0])
        elif operation.get("requestBody", {}).get("required"):
            raise Mismatch(f"{method} {path} was taken without its body")

    def check_body(self, where, operation, body, content_type):
        content = operation.get("requestBody", {}).get("content", {})
        if content_type not in content:
            raise Mismatch(f"{where} took {content_type}, which is not described")
        schema = content[content_type]["schema"]
        if content_type == "application/x-ndjson":
            return  # each line is a submission, taken or refused for itself
        self.check(json.loads(body) if "json" in content_type else body, schema, "request")

    def check_reply(self, method, target, status, content_type, body):
        path = target.partition("?")[0]
        found = self.find("GET" if method == "HEAD" else method, path)
        if found is None:
            if status < 400 or not content_type.startswith("application/problem+json"):
                raise Mismatch(f"{method} {path}: {status} of what is not described")
            self.check(body, {"$ref": "#/components/schemas/Problem"}, f"{method} {path} {status}")
            return
        template, operation = found
        self.seen.add((method, template, status))
        replies = operation["responses"]
        described = replies.get(str(status), replies.get(f"{status // 100}XX"))
        if described is None:
            raise Mismatch(f"{method} {path}: status {status} is not described")
        content = described.get("content")
        if content is None:
            if body not in (None, ""):
                raise Mismatch(f"{method} {path}: {status} has a body")
            return
        if method == "HEAD":
            return
        kind = content_type.partition(";")[0]
        if kind not in content:
            raise Mismatch(f"{method} {path}: {status} is {kind}, not one of {list(content)}")
        self.check(body, content[kind]["schema"], f"{method} {path} {status}")
