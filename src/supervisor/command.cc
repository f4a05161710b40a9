#include "supervisor/command.h"

#include <fcntl.h>

#include <cerrno>

#include "base/fd.h"
#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

constexpr std::string_view kPathWithoutOne = "/usr/local/bin:/usr/bin:/bin";

bool takes_inline_script(std::string_view program) {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  return name == "sh" || name == "bash";
}

}  // namespace

bool needs_script_file(const Launch& launch) {
  if (launch.script.empty() || launch.arguments.empty()) return false;
  return launch.script.size() > kInlineScriptBytesMax ||
         !takes_inline_script(launch.arguments.front());
}

std::vector<std::string> command_line(const Launch& launch, const std::string& script_path) {
  std::vector<std::string> arguments = launch.arguments;
  if (launch.script.empty()) return arguments;
  if (needs_script_file(launch)) {
    arguments.push_back(script_path);
  } else {
    arguments.emplace_back("-c");
    arguments.push_back(launch.script);
  }
  return arguments;
}

std::vector<std::string> program_candidates(std::string_view program, const char* path) {
  std::vector<std::string> candidates;
  if (program.empty()) return candidates;
  if (program.find('/') != std::string_view::npos) {
    candidates.emplace_back(program);
    return candidates;
  }
  std::string_view rest = path == nullptr ? kPathWithoutOne : std::string_view(path);
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    std::string candidate(folder.empty() ? std::string_view(".") : folder);
    candidates.push_back(candidate.append("/").append(program));
    if (colon == std::string_view::npos) return candidates;
    rest.remove_prefix(colon + 1);
  }
}

Status write_script(const std::string& script_path, std::string_view script) {
  const Fd file(
      ::open(script_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file && write_all(file.get(), script)) return {};
  const int error = errno;
  auto failure = fail_errno(error, "cannot write the script file " + script_path);
  errno = error;
  return failure;
}

}  // namespace reeve::supervisor
