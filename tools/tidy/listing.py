"""Every .cc on disk is named by the CMakeLists.txt of its folder, and the other way round."""

import re

from source import Finding

BESIDE_CMAKE = ("cmake/", "tools/")


def owner(path, tree):
    """The nearest CMakeLists.txt above a file, and the file's path from there."""
    folder = path.rpartition("/")[0]
    while folder:
        lists = f"{folder}/CMakeLists.txt"
        if lists in tree.files:
            return lists, path[len(folder) + 1 :]
        folder = folder.rpartition("/")[0]
    return None, path


def listed(source):
    text = re.sub(r"#.*", "", source.text)
    return re.findall(r"[\w./\-]+\.cc\b", text)


def check_listing(tree):
    names = {source.path: listed(source) for source in tree.cmake}
    for path in tree.files:
        if not path.endswith(".cc") or path.startswith(BESIDE_CMAKE):
            continue
        lists, relative = owner(path, tree)
        if lists is None:
            yield Finding(path, 1, "unlisted", "no CMakeLists.txt in its folder or above")
        elif relative not in names[lists]:
            yield Finding(path, 1, "unlisted", f"{lists} does not name it: it is never compiled")
    for lists, entries in names.items():
        if lists.startswith(BESIDE_CMAKE) or not lists.endswith("/CMakeLists.txt"):
            continue
        folder = lists.rpartition("/")[0]
        for entry in entries:
            if f"{folder}/{entry}" not in tree.files:
                yield Finding(lists, 1, "listed", f"{entry} does not exist")
        for entry in sorted({entry for entry in entries if entries.count(entry) > 1}):
            yield Finding(lists, 1, "listed", f"{entry} is named twice")
