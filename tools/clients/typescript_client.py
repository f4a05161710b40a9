"""The TypeScript client."""

import json
import textwrap

import operations as ops

PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean",
         "null": "null", "object": "Record<string, any>"}
WIDTH = 100


def type_of(schema, depth=0):
    """What a schema allows, as TypeScript says it."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    if schema.get("contentMediaType") == "application/octet-stream":
        return "ArrayBuffer"
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return " | ".join(type_of({**schema, "type": kind}, depth) for kind in kinds)
    if kinds == "array":
        inner = type_of(schema.get("items", {}), depth)
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if kinds == "object" and schema.get("properties"):
        return object_type(schema, depth)
    if kinds == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"Record<string, {type_of(schema['additionalProperties'], depth)}>"
    if kinds == "string" and schema.get("format") == "binary":
        return "ArrayBuffer"
    return PLAIN.get(kinds, "any")


def comment(text, pad):
    text = text.replace("*/", "* /")
    if len(pad) + len(text) + 7 <= WIDTH:
        return [f"{pad}/** {text} */"]
    return [f"{pad}/**", *textwrap.wrap(text, WIDTH, initial_indent=f"{pad} * ",
                                        subsequent_indent=f"{pad} * "), f"{pad} */"]


def object_type(schema, depth):
    pad = "  " * (depth + 1)
    lines = []
    required = schema.get("required", ())
    for name, value in schema["properties"].items():
        if value.get("description"):
            lines += comment(value["description"], pad)
        key = name if name.isidentifier() else json.dumps(name)
        optional = "" if name in required else "?"
        lines.append(f"{pad}{key}{optional}: {type_of(value, depth + 1)};")
    return "{\n" + "\n".join(lines) + "\n" + "  " * depth + "}"


def schema_text(name, schema):
    if schema.get("type") == "object" and schema.get("properties"):
        return f"export interface {name} {object_type(schema, 0)}"
    return f"export type {name} = {type_of(schema)};"


def options_type(operation):
    fields = []
    for each in operation.parameters:
        if each.place == "path":
            continue
        inner = type_of(each.schema)
        if each.repeats:
            inner = f"readonly {'(' + inner + ')' if ' | ' in inner else inner}[]"
            if "|" in inner or '"' in inner:
                inner = "readonly string[]"
        fields.append(f"{each.camel}?: {inner}")
    return "{\n      " + ";\n      ".join(fields) + ";\n    }" if fields else ""


def method(operation):
    words = [f"{each.camel}: string | number" for each in operation.of("path")]
    lines_of = operation.content == "application/x-ndjson"
    if operation.body is not None:
        inner = type_of(operation.body)
        text = f"body: readonly {inner}[]" if lines_of else f"body: {inner}"
        words.append(text + " = {}" if operation.may_lack_body else text)
    options = options_type(operation)
    if options:
        words.append(f"options: {options} = {{}}")
    path = operation.path
    for each in operation.of("path"):
        path = path.replace("{" + each.name + "}", "${segment(" + each.camel + ")}")
    quoted = "path" if operation.of("path") else json.dumps(path)
    result = "any" if operation.reply is None else type_of(operation.reply)
    if operation.reply is None:
        result = "void"
    if operation.is_stream:
        result = "AsyncGenerator<StreamEvent>"
    else:
        result = f"Promise<{result}>"
    head = [f"  /** {operation.summary[:1].upper()}{operation.summary[1:]}. */",
            f"  {operation.id}("]
    head += [f"    {word}," for word in words]
    head.append(f"  ): {result} {{")
    if not words:
        head = [head[0], f"  {operation.id}(): {result} {{"]
    if operation.of("path"):
        head.append(f"    const path = `{path}`;")
    if operation.is_stream:
        after = "options.lastEventId" if options else "undefined"
        return "\n".join([*head, f"    return this.follow({quoted}, {after});", "  }"])
    parts = []
    query = [f'"{each.name}": options.{each.camel}' for each in operation.of("query")]
    if query:
        parts.append("      query: {\n        " + ",\n        ".join(query) + ",\n      },")
    if operation.body is not None:
        parts.append("      body,")
        if operation.content != "application/json":
            parts.append(f'      content: "{operation.content}",')
    headers = []
    for each in operation.of("header"):
        value = f"options.{each.camel}"
        if each.name == "Idempotency-Key":
            value = f"newKey({value})"
        headers.append(f'"{each.name}": {value}')
    if headers:
        parts.append("      headers: {\n        " + ",\n        ".join(headers) + ",\n      },")
    inside = "{\n" + "\n".join(parts) + "\n    }" if parts else "{}"
    call = f'    return this.ask("{operation.method}", {quoted}, {inside});'
    return "\n".join([*head, call, "  }"])


def text_of(api):
    schemas = api["components"]["schemas"]
    types = "\n\n".join(schema_text(name, schema) for name, schema in schemas.items())
    methods = "\n\n".join(method(each) for each in ops.operations(api))
    return (ops.part("runtime.ts.txt") + types + "\n\n" + ops.part("runtime_class.ts.txt") + "\n" +
            methods + "\n}\n" + ops.part("runtime_end.ts.txt"))
