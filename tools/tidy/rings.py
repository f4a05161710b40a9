"""Who may include whom (DESIGN §3, docs/decisions/0002); where third-party headers may appear."""

import re

from source import Finding

PURE = ("core", "schedule", "learn", "spec")
INNER = {"base", *PURE, "engine"}

# Folder -> folders it may include besides itself. Longest prefix wins.
ALLOWED = {
    "base": set(),
    "spec": {"base"},
    "schedule": {"base"},
    "learn": {"base"},
    "core": {"base", "spec", "schedule", "learn"},
    "engine": {"base", *PURE},
    "store/memory": INNER,
    "store/sqlite": INNER,
    "store/postgres": INNER,
    "sandbox": {"base"},
    "images": {"base"},
    "egress": {"base"},
    "supervisor": {"base", "egress", "images", "sandbox"},
    "executors": INNER | {"images", "supervisor", "sandbox"},
    "artifacts": INNER,
    "http": INNER,
    "api": INNER | {"config", "http", "security"},
    "triggers": INNER,
    "notify": INNER,
    "assist": INNER,
    "security": INNER | {"store/sqlite"},
    "config": INNER | {"store/sqlite"},
    "observe": INNER,
    "sim": INNER | {"store/memory"},
}
OUTERMOST = ("cli", "daemon", "tests", "bench")

# The memory store and the simulated executor are the fakes that tests of the outer rings use.
FAKES = {"store/memory", "sim"}

# Third-party headers: prefix -> path prefixes that may include it. Anything in <> that is not
# listed is the standard library, the system, or light enough to appear anywhere.
THIRD_PARTY = {
    "yaml-cpp/": ("src/spec/yaml_events.cc",),
    "sqlite3.h": ("src/store/sqlite/", "bench/"),
    "libpq-fe.h": ("src/store/postgres/",),
    "CLI/": ("src/cli/",),
    "boost/asio": ("src/http/",),
    "boost/beast": ("src/http/",),
    "benchmark/": ("bench/",),
    "xgboost/": ("src/learn/",),
    "openssl/": ("src/http/", "src/security/"),
    "toml++/": ("src/config/toml_file.cc",),
    "sodium.h": ("src/base/digest.cc", "src/security/"),
    "seccomp.h": ("src/sandbox/", "src/images/confine.cc"),
    "archive": ("src/images/",),
}
TEST_ONLY = ("gtest/", "gmock/", "rapidcheck")


def folder_of(path):
    """The ring folder that a path relative to src/ (or to the root, for sim and tests) is in."""
    for name in sorted((*ALLOWED, *OUTERMOST), key=len, reverse=True):
        if path.startswith(name + "/"):
            return name
    return None


def home(source):
    path = source.path.removeprefix("src/")
    return folder_of(path)


def allowed_for(folder, is_test):
    if folder in OUTERMOST:
        return None
    extra = FAKES if is_test and folder != "base" and folder not in PURE else set()
    return ALLOWED[folder] | extra | {folder}


def check_includes(tree):
    for source in tree.cpp:
        folder = home(source)
        if folder is None:
            if source.path.startswith("src/"):
                yield Finding(source.path, 1, "rings", "this folder is in no ring; add it to "
                              "tools/tidy/rings.py and to ARCHITECTURE.md")
            continue
        allowed = allowed_for(folder, source.is_test)
        for line, path, quoted in source.includes:
            if not quoted:
                continue
            if f"src/{path}" not in tree.files and path not in tree.files:
                yield Finding(source.path, line, "include", f'"{path}" is no file of ours; '
                              'write paths from src/ and third-party headers in <>')
                continue
            target = folder_of(path)
            if allowed is not None and target not in allowed:
                others = ", ".join(sorted(allowed - {folder})) or "nothing else"
                yield Finding(source.path, line, "rings", f"{folder} may not include {target}; "
                              f"it may include {others}")


def check_third_party(tree):
    for source in tree.cpp:
        if home(source) is None:
            continue
        for line, path, quoted in source.includes:
            if quoted:
                continue
            for prefix, places in THIRD_PARTY.items():
                if path.startswith(prefix) and not source.path.startswith(places):
                    yield Finding(source.path, line, "third-party",
                                  f"<{path}> belongs to {', '.join(places)}")
            if path.startswith(TEST_ONLY) and not may_hold_tests(source):
                yield Finding(source.path, line, "third-party", f"<{path}> is for tests only")


def may_hold_tests(source):
    name = source.path.rsplit("/", 1)[-1]
    return source.is_test or name.startswith("test_") or source.path.startswith("sim/")


def modules(source):
    """(line, name, {keyword: [words]}) of each engine_module or engine_program call."""
    text = re.sub(r"#.*", "", source.text)
    for match in re.finditer(r"\bengine_(?:module|program)\s*\(([^)]*)\)", text):
        words = match.group(1).split()
        lists, current = {}, None
        for word in words[1:]:
            if word.isupper():
                current = lists.setdefault(word, [])
            elif current is not None:
                current.append(word)
        yield text.count("\n", 0, match.start()) + 1, words[0] if words else "", lists


def check_links(tree):
    """The DEPS of a folder obey the same table as its includes."""
    libraries = {"reeve_" + name.replace("/", "_"): name for name in (*ALLOWED, *OUTERMOST)}
    for source in tree.cmake:
        if not source.path.endswith("CMakeLists.txt"):
            continue
        folder = home(source)
        if folder is None:
            continue
        for line, name, lists in modules(source):
            for keyword in ("DEPS", "TEST_DEPS"):
                allowed = allowed_for(folder, keyword == "TEST_DEPS")
                for library in lists.get(keyword, ()):
                    target = libraries.get(library)
                    if allowed is not None and target not in allowed:
                        yield Finding(source.path, line, "rings",
                                      f"{name}: {keyword} may not name {library}")
