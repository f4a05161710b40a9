// `reeve init`.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/text.h"
#include "cli/session.h"
#include "cli/workflow_file.h"

namespace reeve::cli {
namespace {

constexpr std::string_view kDefaultFile = "reeve.yaml";

// A workflow that runs as it stands, anywhere that has a POSIX shell. NAME is replaced.
constexpr std::string_view kStarter = R"(# A workflow for reeve.    Check it:  reeve lint reeve.yaml
#                         See it:    reeve plan reeve.yaml
#                         Run it:    reeve run reeve.yaml
# Your editor completes and checks it once you have run `reeve schema > reeve.schema.json`:
# yaml-language-server: $schema=reeve.schema.json
name: NAME
description: Greets a few people and counts the letters.

# Values that `reeve run -i who=everybody reeve.yaml` may change.
inputs:
  who:
    type: string
    default: world
    description: whom to greet

tasks:
  # A task is text for the shell (`run`) or a program with its arguments (`command`).
  greet:
    run: |
      echo "hello, ${{ inputs.who }}"
      # What is written to this file can be read by tasks that need this one.
      echo "greeting=hello, ${{ inputs.who }}" >> "$REEVE_OUTPUT"

  # One task for each combination of the values.
  count:
    needs: greet
    matrix:
      unit: [bytes, words]
    run: |
      case "${{ matrix.unit }}" in
        bytes) printf '%s' "$GREETING" | wc -c ;;
        words) printf '%s' "$GREETING" | wc -w ;;
      esac
    env:
      GREETING: ${{ needs.greet.outputs.greeting }}

  # What may fail now and then is tried again, and never hangs for ever.
  report:
    needs: count
    retry: 2
    timeout: 1m
    run: echo "counted"

# Runs at the end, however the run went.
finally:
  goodbye:
    run: echo "goodbye"
)";

std::string starter(const std::string& name) {
  std::string text(kStarter);
  const std::size_t at = text.find("NAME");
  text.replace(at, 4, name);
  return text;
}

}  // namespace

Ended command_init(const Session& session) {
  const auto& words = session.arguments.words;
  const std::string path = words.empty() ? std::string(kDefaultFile) : words.front();
  const std::string text = starter(session.arguments.value_or("name", "hello"));
  const spec::Parsed parsed = spec::parse_workflow(text, path);
  if (!parsed.workflow)
    return usage(fmt::format("--name '{}' is not a name: {}",
                             session.arguments.value_or("name", ""),
                             parsed.diagnostics.front().message));
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file && errno == EEXIST)
    return tl::unexpected(Failure(kExitConflict,
                                  fmt::format("{} exists; it is not overwritten", path),
                                  "name another file: reeve init FILE"));
  if (!file) return fail_errno(errno, "cannot write " + path);
  Stream out(file.get());
  out.write(text);
  if (out.error() != 0) return fail_errno(out.error(), "cannot write " + path);
  session.say(fmt::format("wrote {}; `reeve run {}` runs it", path, shell_quote(path)));
  return kExitDone;
}

}  // namespace reeve::cli
