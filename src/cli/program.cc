#include <errno.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <string.h>

#include "base/text.h"
#include "cli/help.h"
#include "cli/session.h"

namespace reeve::cli {
namespace {

struct Row {
  std::string_view command;
  Handler handler;
};
constexpr auto kHandlers = std::to_array<Row>({
    {"run", command_run},           {"resume", command_resume},
    {"retry", command_retry},       {"ls", command_ls},
    {"show", command_show},         {"watch", command_watch},
    {"top", command_top},           {"logs", command_logs},
    {"explain", command_explain},   {"wait", command_wait},
    {"diff", command_diff},         {"exec", command_exec},
    {"cancel", command_cancel},     {"pause", command_pause},
    {"approve", command_approve},   {"init", command_init},
    {"lint", command_lint},         {"plan", command_plan},
    {"schema", command_schema},     {"doctor", command_doctor},
    {"replay", command_replay},     {"completion", command_completion},
    {"man", command_man},           {"help", command_help},
    {"queue", command_queue},       {"version", command_version},
    {"simulate", command_simulate}, {"secret", command_secret},
    {"flag", command_flag},         {"audit", command_audit},
    {"config", command_config},     {"serve", command_serve},
    {"dev", command_dev},           {"submit", command_submit},
    {"context", command_context},   {"token", command_token},
    {"node", command_node},         {"backup", command_backup},
    {"restore", command_restore},   {"artifact", command_artifact},
});

constexpr int kHelpColumnsMax = 100;

int report(const Failure& failure, Stream& err) {
  const std::string message = sanitize_for_terminal(failure.message, LineBreaks::keep);
  err.write_line(Line().add("reeve: ", Tone::bad).add(message));
  if (!failure.hint.empty())
    err.write_line(fmt::format("  {}", sanitize_for_terminal(failure.hint)));
  return failure.status;
}

std::string typed(std::span<const std::string> words) {
  std::string out = "reeve";
  for (const std::string& word : words) out += " " + shell_quote(word);
  return out;
}

int print_help(const Session& session) {
  const int columns = std::min(terminal_size(session.out.descriptor()).columns, kHelpColumnsMax);
  const Command* const command = session.arguments.command;
  session.out.write(command == nullptr ? program_help() : command_help(*command, columns));
  return kExitDone;
}

}  // namespace

void Session::say(const std::string& text) const {
  if (!is_quiet())
    err.write_line(fmt::format("reeve: {}", sanitize_for_terminal(text, LineBreaks::keep)));
}

int Session::table_columns() const {
  return surroundings.stdout_is_terminal ? terminal_size(out.descriptor()).columns : 0;
}

Result<StateLayout> Session::find_state() const {
  return find_state_directory(arguments.find("state"), surroundings.working_directory);
}

Result<StateLayout> Session::make_state() const {
  return make_state_directory(arguments.find("state"), surroundings.working_directory);
}

tl::unexpected<Failure> only_here(const Session& session) {
  return usage(fmt::format("{} works on the directory of an engine, not on a service",
                           session.arguments.command->name),
               "give --state DIR on the machine of the service");
}

Ended Session::print(std::string_view text, int status) const {
  out.write(text);
  if (out.error() != 0)
    return tl::unexpected(Failure(
        kExitFailed, fmt::format("cannot write to stdout: {}", strerrordesc_np(out.error()))));
  return status;
}

Ended Session::print(const Listing& listing, const OutputChoice& choice, int status) const {
  return print(render_listing(listing, choice, out.colour(), table_columns()), status);
}

Handler find_handler(std::string_view command) {
  const auto found = std::ranges::find(kHandlers, command, &Row::command);
  return found == kHandlers.end() ? nullptr : found->handler;
}

int run_program(std::span<const std::string> words) {
  const Surroundings surroundings = Surroundings::read();
  const auto arguments = parse_arguments(words);
  const bool plain = arguments && arguments->has("no-color");
  const auto colour = [&](bool is_terminal) {
    return plain ? Colour::none : surroundings.colour_for(is_terminal);
  };
  Stream out(STDOUT_FILENO, colour(surroundings.stdout_is_terminal), surroundings.ascii);
  Stream err(STDERR_FILENO, colour(surroundings.stderr_is_terminal), surroundings.ascii);
  if (!arguments) return report(arguments.error(), err);

  const Session session{*arguments, surroundings, out, err, typed(words)};
  if (arguments->has("help")) return print_help(session);
  if (arguments->command == nullptr) {
    if (!words.empty())
      return report({kExitUsage, "a command is missing", "see `reeve help`"}, err);
    out.write(program_help());
    return kExitUsage;
  }
  const Ended ended = find_handler(arguments->command->name)(session);
  return ended ? *ended : report(ended.error(), err);
}

}  // namespace reeve::cli
