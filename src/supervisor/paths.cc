#include "supervisor/paths.h"

namespace reeve::supervisor {
namespace {

std::string below(std::string_view state, std::string_view folder, const Uuid& run) {
  std::string path(state);
  path.append(folder).append(format_uuid("run", run));
  return path;
}

std::string_view extension(AttemptFile file) {
  switch (file) {
    case AttemptFile::output: return ".output";
    case AttemptFile::progress: return ".progress";
    case AttemptFile::script: return ".script";
  }
  return "";
}

void append_name(std::string& path, const AttemptName& name) {
  path.append("/").append(std::to_string(name.task_index));
  path.append(".").append(std::to_string(name.attempt));
}

}  // namespace

std::string log_directory(std::string_view state, const Uuid& run) {
  return below(state, "/logs/", run);
}

std::string log_path(std::string_view state, const AttemptName& name) {
  std::string path = log_directory(state, name.run);
  append_name(path, name);
  return path.append(".log");
}

std::string run_directory(std::string_view state, const Uuid& run) {
  return below(state, "/runs/", run);
}

std::string attempt_path(std::string_view state, const AttemptName& name, AttemptFile file) {
  std::string path = run_directory(state, name.run);
  append_name(path, name);
  return path.append(extension(file));
}

std::string state_file(std::string_view state, std::string_view name) {
  return std::string(state).append("/").append(name);
}

}  // namespace reeve::supervisor
