"""Writes the clients in clients/ from the description of the API.

usage: python3 tools/clients OPENAPI [--check]

OPENAPI is a file, as `curl http://127.0.0.1:7433/openapi.json` gives it. With --check nothing is
written; exit status 1 says that the clients are not what they would be.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import python_client  # noqa: E402
import typescript_client  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CLIENTS = {"clients/python/reeve_client.py": python_client.text_of,
           "clients/typescript/reeve.ts": typescript_client.text_of}


def main():
    words = [word for word in sys.argv[1:] if word != "--check"]
    if len(words) != 1:
        sys.exit(__doc__)
    api = json.loads(pathlib.Path(words[0]).read_text(encoding="utf-8"))
    stale = []
    for name, text_of in CLIENTS.items():
        path = ROOT / name
        text = text_of(api)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.exit(f"{', '.join(stale)}: not what the API is now; run python3 tools/clients OPENAPI")


if __name__ == "__main__":
    main()
