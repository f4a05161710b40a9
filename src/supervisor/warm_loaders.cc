#include "supervisor/warm_loaders.h"

#include <string_view>

#include <fmt/format.h>

namespace reeve::supervisor {
namespace {

/// Runs before the interpreter looks at its script: so `__main__`, sys.argv, sys.path and
/// tracebacks are what they always are. A module that a task can change may have changed since it
/// was imported: then the interpreter starts anew.
constexpr std::string_view kPython = R"(
import os
import sys

HERE = "/run/reeve/.warm"


def put_away():
    sys.path[:] = [entry for entry in sys.path if entry != HERE]
    sys.path_importer_cache.pop(HERE, None)
    for folder, _, names in os.walk(HERE, topdown=False):
        for name in names:
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


def state_of(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def states():
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return {path: state_of(path) for path in files if path and not path.startswith("/usr/")}


def read_request():
    os.write(4, b"ready\n")
    os.close(4)
    pieces = []
    while piece := os.read(3, 65536):
        pieces.append(piece)
    os.close(3)
    return b"".join(pieces).split(b"\0")


def follow(records):
    os.environb.clear()
    for record in records:
        key, _, value = record.partition(b"=")
        if key == b"environment":
            name, _, text = value.partition(b"=")
            os.environb[name] = text
        elif key == b"directory":
            os.chdir(value)


def load():
    try:
        for name in MODULES:
            __import__(name)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def wait():
    put_away()
    del sys.modules["sitecustomize"]
    failure = None
    try:
        import sitecustomize
    except Exception as error:
        failure = error
    load()
    before = states()
    follow(read_request())
    if states() != before:
        os.execv(sys.executable, getattr(sys, "orig_argv", [sys.executable, "/run/reeve/script"]))
    # Whatever comes of it, that there is none too, is for the interpreter to tell.
    if failure is not None:
        raise failure


wait()
)";

constexpr std::string_view kNode = R"(
const fs = require('fs');
const { isMainThread } = require('worker_threads');

function stateOf(path) {
  const found = fs.statSync(path, { throwIfNoEntry: false });
  return found && [found.mtimeMs, found.size, found.ino].join();
}

function readRequest() {
  fs.writeSync(4, 'ready\n');
  fs.closeSync(4);
  const pieces = [];
  const piece = Buffer.alloc(65536);
  for (let got; (got = fs.readSync(3, piece)) > 0;)
    pieces.push(Buffer.from(piece.subarray(0, got)));
  fs.closeSync(3);
  return Buffer.concat(pieces).toString().split('\0');
}

function follow(records) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const record of records) {
    const [, key, value] = /^([a-z]*)=?([^]*)$/.exec(record);
    if (key === 'directory') process.chdir(value);
    if (key !== 'environment') continue;
    const equals = value.indexOf('=');
    process.env[value.slice(0, equals)] = value.slice(equals + 1);
  }
}

function wait() {
  const load = require('module').createRequire('/run/reeve/script');
  for (const name of MODULES) load(name);
  const before = new Map(Object.keys(require.cache).map((path) => [path, stateOf(path)]));
  follow(readRequest());
  // What a task can change may have changed since: it is loaded anew.
  const isOld = [...before].some(([path, state]) => stateOf(path) !== state);
  for (const path of Object.keys(require.cache))
    if (isOld || path === __filename) delete require.cache[path];
}

if (isMainThread) wait();
)";

constexpr std::string_view kShellLoader = R"(echo 'ready sh' >&4
exec 4>&-
. /dev/fd/3)";

/// A text that means the same in Python and in JavaScript.
std::string python_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out.append("\\").push_back(c);
    else if (static_cast<unsigned char>(c) < 0x20)
      out.append(fmt::format("\\x{:02x}", static_cast<unsigned>(c)));
    else
      out.push_back(c);
  }
  return out.append("\"");
}

std::string list_of(const std::vector<std::string>& modules) {
  std::string list = "[";
  for (const std::string& module : modules) list.append(python_quoted(module)).append(", ");
  return list.append("]");
}

}  // namespace

std::string python_loader(const std::vector<std::string>& modules) {
  return "MODULES = " + list_of(modules) + "\n" + std::string(kPython);
}

std::string node_loader(const std::vector<std::string>& modules) {
  return "'use strict';\nconst MODULES = " + list_of(modules) + ";\n" + std::string(kNode);
}

std::string shell_loader() { return std::string(kShellLoader); }

}  // namespace reeve::supervisor
