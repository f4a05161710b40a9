"""What must not be written: in the pure rings (docs/decisions/0002) and anywhere."""

import re

from rings import PURE, home
from source import Finding

# The adapter to yaml-cpp inside ring 1: the library reports by exception, so they are caught here.
MAY_CATCH = ("src/spec/yaml_events.cc",)

# A call of a free function: not a member, not a name of ours in a namespace, not a declaration.
FREE = r"(?<![\w.>:])(?:std::|::)?(?:{})\s*\("

PURE_BANS = (
    ("pure-exceptions", "exceptions", r"\b(?:throw|try|catch)\b"),
    ("pure-threads", "threads and locks",
     r"\bstd::(?:jthread|thread|\w*mutex|condition_variable\w*|atomic\w*|future|promise|async|"
     r"lock_guard|unique_lock|scoped_lock)\b|\bpthread_|\bthread_local\b"),
    ("pure-clock", "clocks",
     r"::now\s*\(|\b(?:system|steady|high_resolution|utc)_clock\b|"
     + FREE.format("time|gettimeofday|clock_gettime|clock|localtime(?:_r)?|gmtime(?:_r)?")),
    ("pure-files", "files, sockets and processes",
     r"\bstd::(?:[io]?fstream|filesystem|FILE)\b|\bFILE\s*\*|"
     + FREE.format("fopen|openat|creat|popen|unlink")
     # Short names may be functions of ours; the qualified call is the system's.
     + r"|(?<![\w>])::(?:open|read|write|stat|socket|fork|system)\s*\("),
    ("pure-environment", "the environment",
     r"\b(?:secure_)?getenv\b|\bsetenv\b|\benviron\b"),
    ("pure-random", "random sources",
     r"\brandom_device\b|\bgetrandom\b|" + FREE.format("rand|srand|random|drand48")),
)
PURE_HEADERS = (
    "thread", "mutex", "shared_mutex", "condition_variable", "atomic", "future", "stop_token",
    "semaphore", "barrier", "latch", "fstream", "iostream", "filesystem", "random", "ctime",
    "cstdio", "time.h", "stdio.h", "unistd.h", "fcntl.h", "pthread.h",
)

GLOBAL_BANS = (
    ("sleep", "nothing sleeps to synchronise; wait for the event itself",
     r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|" + FREE.format("sleep")),
    ("skipped-test", "a test that does not run proves nothing; repair or delete it",
     r"\bGTEST_SKIP\b|\bDISABLED_\w+"),
    ("name", "names say what a thing does: no util, manager or helper",
     r"\b(?:class|struct|enum(?:\s+class)?|namespace|concept)\s+(?:"
     r"\w*(?:Utils?|Managers?|Helpers?)(?![a-z])\w*|(?:\w*_)?(?:utils?|managers?|helpers?)\b)"),
    ("singleton", "no singletons: pass the object",
     r"\bstatic\s+[\w:<>]+\s*[&*]\s*(?:get_)?(?:instance|singleton)\s*\("),
)
# In production code only; a test may need to throw to prove that something is caught.
SOURCE_BANS = (
    ("throw", "failures are Result<T>, bugs are ENSURE; nothing throws", r"\bthrow\b"),
)
COMMENTED_CODE = re.compile(
    r"^\s*//+\s*(?:"
    r"[\w:.\->\[\]]+\((?:[^()]|\([^()]*\))*\);"                       # call(...);
    r"|(?:const\s+|auto\s+|std::)[\w:<>*& ]+=[^=].*;"                 # const x = ...;
    r"|return\b[^.]*;"                                                # return x;
    r"|(?:if|for|while|switch)\s*\(.*\)\s*\{?"                        # if (...) {
    r"|#\s*include\s*[<\"].*"                                         # #include <x>
    r")\s*$")
WORK_LEFT = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
FILE_NAME = re.compile(r"(?:^|_)(?:utils?|managers?|helpers?)(?:_|\.|$)")


def scan(source, bans, suffix=""):
    for rule, what, pattern in bans:
        for match in re.finditer(pattern, source.code):
            yield Finding(source.path, source.line_of(match.start()), rule,
                          f"{match.group().strip()}: {what}{suffix}")


def check_pure(tree):
    for source in tree.cpp:
        if home(source) not in PURE or source.is_test:
            continue
        bans = PURE_BANS[1:] if source.path in MAY_CATCH else PURE_BANS
        yield from scan(source, bans, " have no place in a pure ring")
        for line, path, quoted in source.includes:
            if not quoted and (path in PURE_HEADERS or path.startswith("sys/")):
                yield Finding(source.path, line, "pure-header",
                              f"<{path}> has no place in a pure ring")
        for number, line in enumerate(source.code_lines, 1):
            if "std::unordered_" in line and not line.lstrip().startswith("#"):
                if "lookup only" not in source.comment_lines[number - 1]:
                    yield Finding(source.path, number, "pure-unordered",
                                  "its iteration order differs between runs; use an ordered "
                                  "container, or say `// lookup only` on this line")


def check_everywhere(tree):
    for source in tree.cpp:
        yield from scan(source, GLOBAL_BANS)
        if source.path.startswith("src/") and not source.is_test and source.path not in MAY_CATCH:
            yield from scan(source, SOURCE_BANS)
        for line, path, quoted in source.includes:
            if path == "regex":
                yield Finding(source.path, line, "regex", "<regex> is slow and overflows its stack")
            if path == "iostream" and source.is_header:
                yield Finding(source.path, line, "iostream", "<iostream> in a header")
        yield from check_shared(source)


def check_shared(source):
    """Some comment beside a use, or one that says "shared", explains why nobody owns it alone."""
    uses = [number for number, line in enumerate(source.code_lines)
            if re.search(r"\bshared_ptr\b", line)]
    explained = "shared" in source.comments or any(
        line.strip() for use in uses for line in source.comment_lines[max(0, use - 1) : use + 1])
    if uses and not explained:
        yield Finding(source.path, uses[0] + 1, "shared-ptr",
                      "shared_ptr needs a comment that says why ownership is shared")


def check_comments(tree):
    for source in tree.cpp:
        for number, line in enumerate(source.comment_lines, 1):
            if COMMENTED_CODE.match(line):
                yield Finding(source.path, number, "commented-code",
                              "delete code that is not compiled; git remembers it")
            work = WORK_LEFT.search(line)
            if work:
                yield Finding(source.path, number, "todo",
                              f"{work.group()} needs an issue: {work.group()}(#12)")


def check_headers(tree):
    for source in tree.cpp:
        if not source.is_header:
            continue
        if not source.text.startswith(("//", "/*")):
            yield Finding(source.path, 1, "header-comment",
                          "a header opens with what it owns, what it refuses, its thread rule")
        if not re.search(r"^#pragma once$", source.text, re.MULTILINE):
            yield Finding(source.path, 1, "pragma-once", "a header has #pragma once")
        for match in re.finditer(r"\busing\s+namespace\b", source.code):
            yield Finding(source.path, source.line_of(match.start()), "using-namespace",
                          "a header opens no namespace for those who include it")


def check_names(tree):
    for path in tree.files:
        name = path.rsplit("/", 1)[-1]
        if FILE_NAME.search(name):
            yield Finding(path, 1, "name", "a file is named after what it does: no util, manager "
                          "or helper")


def check_cmake(tree):
    for source in tree.cmake:
        for number, line in enumerate(source.lines, 1):
            if re.search(r"\bGLOB(?:_RECURSE)?\b", line.split("#")[0]):
                yield Finding(source.path, number, "glob", "sources are listed one by one")
