"""Extracts the runnable examples of a Markdown document. Usage: doc_examples.py DOCUMENT DIRECTORY

Each fenced block that begins with ```yaml becomes DIRECTORY/NAME.yaml, NAME being the heading above
it ("For each" gives for-each; a second block below one heading gives for-each-2). The rest of the
opening line says how the example is to be run:

    ```yaml                    ends with success
    ```yaml fails              ends without success
    ```yaml unplaceable        asks for more than a plain machine has: to be checked, not to be run
    ```yaml image              wants an image of a registry: to be checked, not to be run
    ```yaml network            lists what it may reach: to be checked, not to be run
    ```yaml program            wants a program of the reader's: to be checked, not to be run
    ```yaml cluster            wants a cluster file: to be checked, not to be run
    ```yaml permission         asks for what needs permission: to be checked, not to be run
    ```yaml env=NAME           needs the environment variable NAME

DIRECTORY/examples.json lists them: [{"name", "file", "line", "expect", "environment"}], expect
being "success", "failure" or "check". Exit status 1 if the document has no example, or if a word
is not known.
"""

import json
import os
import re
import sys


def slug(heading):
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def blocks(text):
    """Yields (heading, line, words, content) of every ```yaml block."""
    heading, start, words, content = "", 0, None, []
    for number, line in enumerate(text.splitlines(), 1):
        if words is not None:
            if line == "```":
                yield heading, start, words, "\n".join(content) + "\n"
                words, content = None, []
            else:
                content.append(line)
        elif line.startswith("```yaml"):
            start, words = number, line.split()[1:]
        elif match := re.match(r"#+ (.+)", line):
            heading = match.group(1)


def describe(words):
    expect, environment = "success", []
    for word in words:
        if word == "fails":
            expect = "failure"
        elif word in ("unplaceable", "permission", "image", "network", "program", "cluster"):
            expect = "check"
        elif word.startswith("env="):
            environment.append(word[len("env="):])
        else:
            raise ValueError(f"unknown word '{word}'; expected fails, unplaceable, "
                             "permission, image, network, program, cluster or env=NAME")
    return expect, environment


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    document, directory = arguments
    os.makedirs(directory, exist_ok=True)
    with open(document, encoding="utf-8") as file:
        text = file.read()
    examples, seen = [], {}
    for heading, line, words, content in blocks(text):
        base = slug(heading)
        seen[base] = seen.get(base, 0) + 1
        name = base if seen[base] == 1 else f"{base}-{seen[base]}"
        try:
            expect, environment = describe(words)
        except ValueError as problem:
            print(f"{document}:{line}: {problem}", file=sys.stderr)
            return 1
        with open(os.path.join(directory, name + ".yaml"), "w", encoding="utf-8") as file:
            file.write(content)
        examples.append({"name": name, "file": name + ".yaml", "line": line, "expect": expect,
                         "environment": environment})
    with open(os.path.join(directory, "examples.json"), "w", encoding="utf-8") as file:
        json.dump(examples, file, indent=2)
        file.write("\n")
    if not examples:
        print(f"{document}: no ```yaml block", file=sys.stderr)
    return 0 if examples else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
