"""The Python client."""

import textwrap

import operations as ops

KEYWORDS = {"from": "from_"}


def name_of(parameter):
    return KEYWORDS.get(parameter.snake, parameter.snake)


def sentence(text):
    return text[:1].upper() + text[1:] + "."


def signature(operation):
    positional = ["self", *(name_of(each) for each in operation.of("path"))]
    if operation.body is not None:
        positional.append("body=None" if operation.may_lack_body else "body")
    named = [f"{name_of(each)}=None" for each in operation.parameters if each.place != "path"]
    words = positional + (["*", *named] if named else [])
    text = f"    def {operation.snake}({', '.join(words)}):"
    if len(text) <= 100:
        return text
    inner = textwrap.fill(", ".join(words) + "):", 100 - len(f"    def {operation.snake}("))
    return f"    def {operation.snake}(" + inner.replace(
        "\n", "\n" + " " * len(f"    def {operation.snake}("))


def path_of(operation):
    """As an argument, and the line that makes it where it has parts."""
    parts = operation.of("path")
    if not parts:
        return f'"{operation.path}"', []
    text = operation.path
    for each in parts:
        text = text.replace("{" + each.name + "}", "{}")
    names = ", ".join(name_of(each) for each in parts)
    return "path", [f'        path = _path("{text}", {names})']


def call(operation):
    path, lines = path_of(operation)
    if operation.is_stream:
        after = next((name_of(each) for each in operation.of("header")
                      if each.name == "Last-Event-ID"), "None")
        return [*lines, f"        return self._follow({path}, {after})"]
    lines.append(f'        return self._ask("{operation.method}", {path}')
    query = operation.of("query")
    if query:
        lines[-1] += ", query=["
        for each in query:
            lines.append(f'            ("{each.name}", {name_of(each)}),')
        lines.append("        ]")
    if operation.body is not None:
        lines[-1] += ", body=body or {}" if operation.may_lack_body else ", body=body"
        if operation.content != "application/json":
            lines[-1] += f', content="{operation.content}"'
    headers = operation.of("header")
    if headers:
        lines[-1] += ", headers={"
        for each in headers:
            value = name_of(each)
            if each.name == "Idempotency-Key":
                value = f"_new_key({value})"
            lines.append(f'            "{each.name}": {value},')
        lines.append("        }")
    lines[-1] += ")"
    return lines


def method(operation):
    return "\n".join([signature(operation), f'        """{sentence(operation.summary)}"""',
                      *call(operation)])


def text_of(api):
    methods = "\n\n".join(method(each) for each in ops.operations(api))
    return ops.part("runtime.py.txt") + methods + "\n" + ops.part("runtime_end.py.txt")
