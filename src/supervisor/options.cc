#include "supervisor/options.h"

#include <charconv>
#include <cstdint>

namespace reeve::supervisor {
namespace {

Result<std::int64_t> parse_number(const std::string& name, const std::string& text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || number < 0)
    return fail(ErrorCode::invalid_argument, name + " wants a number, not \"" + text + "\"");
  return number;
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    if (i + 1 == arguments.size())
      return fail(ErrorCode::invalid_argument, "a value is missing after " + name);
    const std::string& value = arguments[i + 1];
    if (name == "--state") {
      options.state_directory = value;
    } else if (name == "--engine-socket") {
      TRY_ASSIGN(const std::int64_t number, parse_number(name, value));
      options.engine_socket = static_cast<int>(number);
    } else if (name == "--idle-end-ms") {
      TRY_ASSIGN(const std::int64_t number, parse_number(name, value));
      options.idle_end = std::chrono::milliseconds(number);
    } else if (name == "--image-bytes-max") {
      TRY_ASSIGN(options.image_bytes_max, parse_number(name, value));
    } else if (name == "--stay") {
      if (value != "yes" && value != "no")
        return fail(ErrorCode::invalid_argument, "--stay wants yes or no");
      options.stays = value == "yes";
    } else if (name == "--oci-runtime") {
      options.oci_runtime = value;
    } else {
      return fail(ErrorCode::invalid_argument, "the supervisor knows no option " + name);
    }
  }
  if (!options.state_directory.starts_with('/'))
    return fail(ErrorCode::invalid_argument, "--state wants an absolute path");
  return options;
}

std::vector<std::string> format_options(const Options& options) {
  std::vector<std::string> arguments{"--state", options.state_directory};
  if (options.engine_socket >= 0) {
    arguments.emplace_back("--engine-socket");
    arguments.push_back(std::to_string(options.engine_socket));
  }
  arguments.emplace_back("--idle-end-ms");
  arguments.push_back(std::to_string(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.idle_end).count()));
  arguments.emplace_back("--image-bytes-max");
  arguments.push_back(std::to_string(options.image_bytes_max));
  arguments.emplace_back("--oci-runtime");
  arguments.push_back(options.oci_runtime);
  if (options.stays) arguments.insert(arguments.end(), {"--stay", "yes"});
  return arguments;
}

}  // namespace reeve::supervisor
