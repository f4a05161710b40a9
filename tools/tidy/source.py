"""Source text as the rules see it: comments and strings told apart from code.

A Tree is a set of files held in memory, so that a test can hand a rule files that never existed.
"""

import os
import re
from dataclasses import dataclass, field
from functools import cached_property

ROOTS = ("src", "sim", "bench", "tests", "tools", "cmake")
SINGLES = ("CMakeLists.txt", "dev", ".ci/run")
CODE_SUFFIXES = (".cc", ".h", ".py", ".cmake", ".sh")

# One alternative per kind of token that may hide braces, quotes or words from us. Numbers come
# first so that the digit separator in 1'000 does not open a character literal.
TOKEN = re.compile(
    r"""
    (?P<number>\b[0-9](?:'?[\w.])*)
  | (?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)
  | (?P<raw>\b(?:u8|[uUL])?R"(?P<tag>[^()\\\s"]{0,16})\(.*?\)(?P=tag)")
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<char>'(?:[^'\\\n]|\\.)+')
    """,
    re.VERBOSE | re.DOTALL,
)
INCLUDE_LINE = re.compile(r"^\s*#\s*include\b.*$", re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE | re.DOTALL)
NOT_NEWLINE = re.compile(r"[^\n]")


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


def spaces(text):
    """The same number of lines and columns, empty."""
    return NOT_NEWLINE.sub(" ", text)


@dataclass
class Source:
    path: str
    text: str

    @cached_property
    def _lexed(self):
        """(code, comments): code has blanks for comments and literals; comments is the reverse."""
        code, comments = [], []
        position = 0
        for match in TOKEN.finditer(self._without_include_quotes):
            if match.lastgroup == "number":
                continue
            before = self._without_include_quotes[position : match.start()]
            token = match.group()
            code += (before, spaces(token))
            is_comment = match.group("comment") is not None
            comments += (spaces(before), token if is_comment else spaces(token))
            position = match.end()
        rest = self._without_include_quotes[position:]
        return "".join(code) + rest, "".join(comments) + spaces(rest)

    @cached_property
    def _without_include_quotes(self):
        """Quotes of #include "x" would otherwise be blanked together with the path."""
        return INCLUDE_LINE.sub(lambda match: match.group().replace('"', "|"), self.text)

    @property
    def code(self):
        return self._lexed[0]

    @property
    def comments(self):
        return self._lexed[1]

    @cached_property
    def code_without_directives(self):
        return DIRECTIVE.sub(lambda match: spaces(match.group()), self.code)

    @cached_property
    def lines(self):
        return self.text.splitlines()

    @cached_property
    def code_lines(self):
        return self.code.splitlines()

    @cached_property
    def comment_lines(self):
        return self.comments.splitlines()

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    @property
    def is_cpp(self):
        return self.path.endswith((".cc", ".h"))

    @property
    def is_header(self):
        return self.path.endswith(".h")

    @property
    def is_test(self):
        return self.path.endswith("_test.cc") or self.path.startswith("tests/")

    @cached_property
    def includes(self):
        """(line, path, quoted) of each #include."""
        found = []
        for number, line in enumerate(self.code_lines, 1):
            match = re.match(r"\s*#\s*include\s*([|<])([^|>]+)[|>]", line)
            if match:
                found.append((number, match.group(2), match.group(1) == "|"))
        return found


@dataclass
class Tree:
    files: dict = field(default_factory=dict)

    @staticmethod
    def of(texts):
        return Tree({path: Source(path, text) for path, text in texts.items()})

    @staticmethod
    def read(root):
        texts = {}
        for path in SINGLES:
            full = os.path.join(root, path)
            if os.path.isfile(full):
                with open(full, encoding="utf-8") as file:
                    texts[path] = file.read()
        for top in ROOTS:
            for folder, folders, names in os.walk(os.path.join(root, top)):
                folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
                for name in sorted(names):
                    if name.endswith(CODE_SUFFIXES) or name == "CMakeLists.txt":
                        full = os.path.join(folder, name)
                        with open(full, encoding="utf-8", errors="replace") as file:
                            texts[os.path.relpath(full, root)] = file.read()
        return Tree.of(texts)

    @property
    def cpp(self):
        return [source for source in self.files.values() if source.is_cpp]

    @property
    def cmake(self):
        return [
            source
            for path, source in self.files.items()
            if path.endswith((".cmake", "CMakeLists.txt"))
        ]
