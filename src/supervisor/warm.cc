#include "supervisor/warm.h"

#include <algorithm>
#include <set>

#include "supervisor/command.h"
#include "supervisor/warm_loaders.h"

namespace reeve::supervisor {
namespace {

/// Interpreters and the libraries below them look at these when they start, and never again.
bool is_read_at_start(std::string_view name) {
  constexpr std::string_view kNames[] = {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "BASH_ENV"};
  constexpr std::string_view kBeginnings[] = {"LC_",     "LD_",    "PYTHON", "PYPY",      "NODE_",
                                              "MALLOC_", "GLIBC_", "OMP_",   "OPENBLAS_", "MKL_"};
  return std::ranges::find(kNames, name) != std::end(kNames) ||
         std::ranges::any_of(
             kBeginnings, [&](std::string_view beginning) { return name.starts_with(beginning); });
}

std::string inside(std::string_view name) {
  return std::string(sandbox::kFilesDirectory).append("/").append(name);
}

/// `value` in front of what the variable has already.
void put_before(Additions& own, const EnvironmentBlock& block, const char* name, std::string value,
                const char* between) {
  if (const char* const given = block.find(name); given != nullptr && *given != '\0')
    value.append(between).append(given);
  own.emplace_back(name, std::move(value));
}

void set_up_loader(const Launch& launch, const WarmSurroundings& around,
                   const EnvironmentBlock& block, WarmProgram& program, Additions& own) {
  const WarmRequest& warm = launch.sandbox.warm;
  program.arguments = launch.arguments;
  switch (warm.kind) {
    case WarmKind::none: return;
    case WarmKind::python:
      program.files.push_back({kPythonLoader, python_loader(warm.modules)});
      put_before(own, block, "PYTHONPATH", inside(kLoaderDirectory), ":");
      program.arguments.emplace_back(around.script_path);
      return;
    case WarmKind::node:
      program.files.push_back({kNodeLoader, node_loader(warm.modules)});
      put_before(own, block, "NODE_OPTIONS", "--require=" + inside(kNodeLoader), " ");
      program.arguments.emplace_back(around.script_path);
      return;
    case WarmKind::sh:
      program.arguments.insert(program.arguments.end(),
                               {"-c", shell_loader(), launch.arguments.front()});
      return;
    case WarmKind::command: program.arguments = warm.command; return;
  }
}

std::string_view variable_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

void append_record(std::string& out, std::string_view key, std::string_view value) {
  out.append(key).append("=").append(value).push_back('\0');
}

std::string as_records(const WarmAttempt& attempt) {
  std::string text;
  append_record(text, "directory", attempt.work_directory);
  append_record(text, "script", attempt.script_path);
  for (const std::string& argument : attempt.arguments) append_record(text, "argument", argument);
  for (char* const* entry = attempt.environment; *entry != nullptr; ++entry)
    append_record(text, "environment", *entry);
  return text;
}

/// What a shell takes over from its environment when it starts: names that it can have, but not
/// those that are its own.
bool is_for_shell(std::string_view name) {
  constexpr std::string_view kOwn[] = {"IFS", "OPTIND",   "PPID",      "UID",           "EUID",
                                       "_",   "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO", "PWD"};
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_usual = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, is_usual) &&
         std::ranges::find(kOwn, name) == std::end(kOwn);
}

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('\'');
  for (const char c : text) {
    if (c == '\'')
      out.append("'\\''");
    else
      out.push_back(c);
  }
  out.push_back('\'');
}

std::string as_shell(const WarmProgram& program, const WarmAttempt& attempt) {
  std::string text = "exec 3<&-\n";
  std::set<std::string_view> given;
  for (char* const* entry = attempt.environment; *entry != nullptr; ++entry)
    given.insert(variable_of(*entry));
  for (const std::string& entry : program.environment) {
    const std::string_view name = variable_of(entry);
    if (is_for_shell(name) && !given.contains(name))
      text.append("unset ").append(name).append("\n");
  }
  for (char* const* entry = attempt.environment; *entry != nullptr; ++entry) {
    const std::string_view name = variable_of(*entry);
    if (!is_for_shell(name)) continue;
    text.append("export ").append(name).append("=");
    append_quoted(text, std::string_view(*entry).substr(name.size() + 1));
    text.push_back('\n');
  }
  text.append(". ");
  append_quoted(text, attempt.script_path);
  return text.append("\n");
}

}  // namespace

bool starts_warm(const Launch& launch) {
  // A sandbox that is connected serves one attempt, so that none waits ahead.
  return launch.sandbox.tier == SandboxTier::native &&
         launch.sandbox.network != SandboxNetwork::egress && !launch.script.empty() &&
         !launch.arguments.empty() && fits(launch.sandbox.warm, launch.arguments.front()) &&
         (launch.sandbox.warm.kind != WarmKind::command || !launch.sandbox.warm.command.empty());
}

WarmProgram warm_program(const Launch& launch, const WarmSurroundings& around) {
  WarmProgram program;
  program.work_directory = around.work_directory;
  program.open_files = around.open_files;
  Additions known;
  for (const auto& entry : launch.environment)
    if (is_read_at_start(entry.first)) known.push_back(entry);
  const EnvironmentBlock block(*around.base, known, {});
  Additions own;
  set_up_loader(launch, around, block, program, own);
  const EnvironmentBlock full(*around.base, known, own);
  for (char* const* entry = full.pointers(); *entry != nullptr; ++entry)
    program.environment.emplace_back(*entry);
  std::ranges::sort(program.environment);
  program.candidates = program_candidates(program.arguments.front(), full.find("PATH"));
  return program;
}

sandbox::ProgramRequest WarmProgram::request() const {
  return {.arguments = arguments,
          .candidates = candidates,
          .environment = {environment.begin(), environment.end()},
          .files = files,
          .work_directory = work_directory,
          .open_files_soft = open_files.rlim_cur,
          .open_files_hard = open_files.rlim_max};
}

void WarmProgram::append_identity(std::string& out) const {
  for (const auto* const list : {&arguments, &environment})
    for (const std::string& text : *list) out.append("\n+").append(text).push_back('\0');
  for (const sandbox::OwnFile& file : files) out.append("\n=").append(file.content);
}

std::string hand_over_text(sandbox::WarmForm form, const WarmProgram& program,
                           const WarmAttempt& attempt) {
  return form == sandbox::WarmForm::sh ? as_shell(program, attempt) : as_records(attempt);
}

}  // namespace reeve::supervisor
