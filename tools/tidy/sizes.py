"""How long a file, a header, a function and a line may be."""

import re

from source import Finding

FILE_LINES_MAX = 600
HEADER_LINES_MAX = 200
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

CLASS_HEAD = re.compile(
    r"^(?:template\s*<.*>\s*)?(?:typedef\s+)?(?:class|struct|union)\b", re.DOTALL)
ENUM_HEAD = re.compile(r"^(?:typedef\s+)?enum\b")
FUNCTION_TAIL = re.compile(
    r"\)\s*(?:const|noexcept|override|final|mutable|volatile|&|\s)*(?:->[^;]*)?$", re.DOTALL)
# Access labels and attributes in front of a declaration say nothing about its kind.
LABELS = re.compile(r"(?:\s|(?:public|protected|private)\s*:(?!:)|\[\[.*?\]\])*", re.DOTALL)
OPERATOR = re.compile(r"\boperator\s*(?:[^\s\w(]+|\(\s*\))")


def check_files(tree):
    for source in tree.files.values():
        limit = HEADER_LINES_MAX if source.is_header else FILE_LINES_MAX
        if len(source.lines) > limit:
            yield Finding(source.path, limit + 1, "file-length",
                          f"{len(source.lines)} lines; the limit is {limit}")
        for number, line in enumerate(source.lines, 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield Finding(source.path, number, "line-length",
                              f"{len(line)} columns; the limit is {LINE_COLUMNS_MAX}")


def check_functions(tree):
    for source in tree.cpp:
        code = source.code_without_directives
        matching, problem = match_braces(code)
        if problem is not None:
            yield Finding(source.path, source.line_of(problem), "braces",
                          "braces do not balance; function lengths cannot be measured")
            continue
        for start, end, name in functions(code, matching, 0, len(code)):
            first, last = source.line_of(start), source.line_of(end)
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield Finding(source.path, first, "function-length",
                              f"{name}: {last - first + 1} lines; the limit is "
                              f"{FUNCTION_LINES_MAX}")


def match_braces(code):
    """({offset of '{': offset of '}'}, offset of the first that does not match or None)."""
    matching, stack = {}, []
    for match in re.finditer(r"[{}]", code):
        if match.group() == "{":
            stack.append(match.start())
        elif not stack:
            return matching, match.start()
        else:
            matching[stack.pop()] = match.start()
    return matching, stack[-1] if stack else None


def functions(code, matching, begin, end):
    """(start, end, name) of each function defined in code[begin:end], a namespace or class body."""
    statement = position = begin
    while True:
        found = re.compile(r"[{;]").search(code, position, end)
        if not found:
            return
        if found.group() == ";":
            statement = position = found.end()
            continue
        opening, closing = found.start(), matching[found.start()]
        start = statement + LABELS.match(code[statement:opening]).end()
        head = code[start:opening].strip()
        kind = classify(head, code[closing + 1 : closing + 80].lstrip()[:1])
        if kind == "continue":  # a braced initialiser inside a longer declaration
            position = closing + 1
            continue
        if kind == "scope":
            yield from functions(code, matching, opening + 1, closing)
        elif kind == "function":
            yield start, closing, name_of(head)
        statement = position = closing + 1


def classify(head, following):
    if re.search(r"\bnamespace\b", head) or re.fullmatch(r"extern", head):
        return "scope"
    if ENUM_HEAD.match(head):
        return "data"
    if CLASS_HEAD.match(head) and not FUNCTION_TAIL.search(head):
        return "scope"
    plain = drop_nested(OPERATOR.sub("operator", head), "()")
    if re.search(r"=", drop_nested(plain, "<>")):
        return "function" if re.search(r"\[[^\]]*\]", plain.rsplit("=", 1)[-1]) else "data"
    if following in (",", "{"):
        return "continue"
    return "function" if "(" in head else "data"


def drop_nested(text, pair):
    kept, depth = [], 0
    for character in text:
        if character == pair[0]:
            depth += 1
        elif character == pair[1]:
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def name_of(head):
    call = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(([^()]*)", head)
    if not call:
        return "a lambda"
    if re.fullmatch(r"TEST(_[FP])?|RC_GTEST_\w+|BENCHMARK\w*", call.group(1)):
        return f"{call.group(1)}({' '.join(call.group(2).split())})"
    return call.group(1)
