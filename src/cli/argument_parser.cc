// The adapter to CLI11: the only file that includes it and catches what it throws.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/arguments.h"

namespace reeve::cli {
namespace {

/// Where CLI11 leaves the values of one option.
struct Slot {
  const Option* option = nullptr;
  std::vector<std::string> values;
  CLI::Option* parsed = nullptr;
};
using Slots = std::vector<std::unique_ptr<Slot>>;  // addresses that stay where CLI11 expects them

std::string declared_name(const Option& option) {
  if (option.letter == 0) return fmt::format("--{}", option.name);
  return fmt::format("-{},--{}", option.letter, option.name);
}

void declare(CLI::App& app, Slots& slots, const Option& option) {
  auto& slot = *slots.emplace_back(std::make_unique<Slot>());
  slot.option = &option;
  if (option.is_flag()) {
    slot.parsed = app.add_flag(declared_name(option));
    return;
  }
  if (!option.if_bare.empty()) {
    // A value is attached with '=' only: the next word is one of its own.
    slot.parsed = app.add_flag(fmt::format("--{}{{{}}}", option.name, option.if_bare));
    return;
  }
  slot.parsed = app.add_option(declared_name(option), slot.values);
  // Without this a value such as [a,b] would be taken apart.
  slot.parsed->allow_extra_args(false)->expected(1);
  slot.parsed->multi_option_policy(option.repeats ? CLI::MultiOptionPolicy::TakeAll
                                                  : CLI::MultiOptionPolicy::TakeLast);
}

std::string joined_choices(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string match = closest_match(word, known);
  return match.empty() ? "" : fmt::format("did you mean {}?", match);
}

Failure unknown_option(const std::string& word, const Command* command) {
  std::vector<std::string> known;
  const auto add = [&](const Option& option) {
    if (!option.hidden) known.push_back(fmt::format("--{}", option.name));
  };
  if (command != nullptr) {
    each_option(*command, add);
  } else {
    std::ranges::for_each(global_options(), add);
  }
  const std::string_view name = std::string_view(word).substr(0, word.find('='));
  std::string hint = did_you_mean(name, known);
  if (hint.empty())
    hint = fmt::format("`reeve {}--help` lists the options",
                       command == nullptr ? "" : fmt::format("{} ", command->name));
  return {kExitUsage, fmt::format("unknown option {}", name), std::move(hint)};
}

Failure unknown_command(const std::string& word) {
  std::vector<std::string> known;
  for (const Command& command : command_table()) {
    if (!command.hidden) known.emplace_back(command.name);
  }
  std::string hint = did_you_mean(word, known);
  if (hint.empty()) hint = "`reeve help` lists the commands";
  return {kExitUsage, fmt::format("unknown command '{}'", word), std::move(hint)};
}

/// CLI11 speaks of an option by all of its names; people read the long one.
Failure parse_failure(const CLI::ParseError& error, const Command* command) {
  std::string text = error.what();
  if (const auto* missing = dynamic_cast<const CLI::ArgumentMismatch*>(&error);
      missing != nullptr) {
    const std::string name = text.substr(0, text.find(':'));
    text = fmt::format("{} wants a value", name);
  }
  return {kExitUsage, std::move(text),
          command == nullptr ? "" : fmt::format("see `reeve {} --help`", command->name)};
}

Checked<void> check_choice(const Option& option, const std::vector<std::string>& values) {
  if (option.choices.empty()) return {};
  for (const std::string& value : values) {
    if (std::ranges::find(option.choices, value) != option.choices.end()) continue;
    const std::vector<std::string> known(option.choices.begin(), option.choices.end());
    return usage(fmt::format("--{} cannot be '{}': it is {}", option.name, value,
                             joined_choices(option.choices)),
                 did_you_mean(value, known));
  }
  return {};
}

/// Lets CLI11 read `words` and gives what it did not take.
Checked<std::vector<std::string>> run_parser(CLI::App& app, std::vector<std::string> words,
                                             const Command* command) {
  std::ranges::reverse(words);  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return tl::unexpected(parse_failure(error, command));
  }
  return app.remaining();
}

Checked<void> take_values(Slots& slots, Arguments& arguments) {
  for (const auto& slot : slots) {
    if (slot->parsed->count() == 0) continue;
    if (!slot->option->if_bare.empty()) slot->values = slot->parsed->results();
    TRY(check_choice(*slot->option, slot->values));
    auto& values = arguments.options[slot->option->name];
    values.insert(values.end(), slot->values.begin(), slot->values.end());
  }
  return {};
}

bool is_option(const std::string& word) { return word.size() > 1 && word.starts_with('-'); }

/// Options in front of the command; gives the words from the command on.
Checked<std::vector<std::string>> parse_front(std::vector<std::string> words,
                                              Arguments& arguments) {
  CLI::App app;
  app.set_help_flag();
  app.prefix_command();
  Slots slots;
  for (const Option& option : global_options()) declare(app, slots, option);
  bool wants_version = false;
  app.add_flag("-V,--version", wants_version);
  TRY_ASSIGN(auto rest, run_parser(app, std::move(words), nullptr));
  TRY(take_values(slots, arguments));
  if (wants_version) return std::vector<std::string>{"version"};
  if (!rest.empty() && is_option(rest.front()))
    return tl::unexpected(unknown_option(rest.front(), nullptr));
  return rest;
}

Checked<void> parse_command(std::vector<std::string> words, Arguments& arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  Slots slots;
  each_option(*arguments.command, [&](const Option& option) { declare(app, slots, option); });
  TRY_ASSIGN(arguments.words, run_parser(app, std::move(words), arguments.command));
  TRY(take_values(slots, arguments));
  for (const std::string& word : arguments.words) {
    if (is_option(word)) return tl::unexpected(unknown_option(word, arguments.command));
  }
  return {};
}

Checked<void> check_words(const Arguments& arguments) {
  const Command& command = *arguments.command;
  const std::string help = fmt::format("see `reeve {} --help`", command.name);
  std::size_t required = 0;
  bool endless = false;
  for (const Argument& argument : command.arguments) {
    if (argument.required && arguments.words.size() < ++required)
      return usage(fmt::format("{}: {} is missing", command.name, argument.name), help);
    endless = endless || argument.repeats;
  }
  if (!endless && arguments.words.size() > command.arguments.size()) {
    const std::string& word = arguments.words[command.arguments.size()];
    return usage(fmt::format("{}: '{}' is one argument too many", command.name, word), help);
  }
  return {};
}

}  // namespace

Checked<Arguments> parse_arguments(std::span<const std::string> words) {
  Arguments arguments;
  const auto separator = std::ranges::find(words, "--");
  arguments.has_separator = separator != words.end();
  if (arguments.has_separator) arguments.trailing.assign(separator + 1, words.end());
  TRY_ASSIGN(auto rest, parse_front({words.begin(), separator}, arguments));
  if (rest.empty()) return arguments;

  arguments.command = find_command(rest.front());
  if (arguments.command == nullptr) return tl::unexpected(unknown_command(rest.front()));
  rest.erase(rest.begin());
  TRY(parse_command(std::move(rest), arguments));
  if (arguments.has("help")) return arguments;
  if (!arguments.command->takes_command)
    arguments.words.insert(arguments.words.end(), arguments.trailing.begin(),
                           arguments.trailing.end());
  TRY(check_words(arguments));
  return arguments;
}

}  // namespace reeve::cli
