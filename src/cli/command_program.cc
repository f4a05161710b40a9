// `reeve completion`, `man`, `help`, `version`, `schema`.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/session.h"
#include "cli/version.h"
#include "spec/cluster_file.h"
#include "spec/parse.h"

namespace reeve::cli {
namespace {

Checked<const Command*> named_command(const Session& session) {
  if (session.arguments.words.empty()) return nullptr;
  const std::string& word = session.arguments.words.front();
  const Command* const command = find_command(word);
  if (command != nullptr) return command;
  std::vector<std::string> known;
  for (const Command& each : command_table()) known.emplace_back(each.name);
  const std::string match = closest_match(word, known);
  return usage(fmt::format("unknown command '{}'", word),
               match.empty() ? "" : fmt::format("did you mean {}?", match));
}

}  // namespace

Ended command_completion(const Session& session) {
  const std::string& shell = session.arguments.words.front();
  const std::string script = completion_script(shell);
  if (script.empty()) return usage(fmt::format("completion: '{}' is not bash, zsh or fish", shell));
  return session.print(script);
}

Ended command_man(const Session& session) {
  if (session.arguments.has("markdown")) return session.print(markdown_reference());
  TRY_ASSIGN(const Command* command, named_command(session));
  return session.print(command == nullptr ? program_man_page() : command_man_page(*command));
}

Ended command_help(const Session& session) {
  constexpr int kColumnsMax = 100;
  TRY_ASSIGN(const Command* command, named_command(session));
  const int columns = std::min(terminal_size(session.out.descriptor()).columns, kColumnsMax);
  return session.print(command == nullptr ? program_help() : command_help(*command, columns));
}

Ended command_schema(const Session& session) {
  std::string schema =
      session.arguments.has("cluster") ? spec::cluster_json_schema() : spec::workflow_json_schema();
  if (!schema.ends_with('\n')) schema += '\n';
  return session.print(schema);
}

Ended command_version(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "program"));
  const JsonObject body{
      {"reeve", kVersion}, {"compiler", "GCC " __VERSION__}, {"output", kOutputVersion}};
  return session.print(render_document("program", body, choice,
                                       [&] { return fmt::format("reeve {}\n", kVersion); }));
}

}  // namespace reeve::cli
