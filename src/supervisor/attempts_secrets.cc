// The part of Attempts that gives them their secrets, and keeps those out of what is stored.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "supervisor/attempts.h"
#include "supervisor/files.h"
#include "supervisor/secret_forms.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kSecretsMax = 64;
constexpr std::size_t kSecretBytesMax = 64U
                                        << 10;  // of all together: their forms are many times that
constexpr std::string_view kSecretVariable = "REEVE_SECRET_";

bool is_secret_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos && !name.starts_with('.');
}

/// More than can be masked is more than may be given.
Status check_secrets(const Launch& launch) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : launch.secrets) {
    if (!is_secret_name(name))
      return fail(ErrorCode::invalid_argument, "a secret cannot have the name " + name);
    bytes += value.size();
  }
  if (launch.secrets.size() > kSecretsMax)
    return fail(ErrorCode::invalid_argument,
                std::to_string(launch.secrets.size()) + " secrets are given to one task; at most " +
                    std::to_string(kSecretsMax) + " can be kept out of its log");
  if (bytes > kSecretBytesMax)
    return fail(ErrorCode::invalid_argument,
                "the secrets of one task have " + std::to_string(bytes) + " bytes; at most " +
                    std::to_string(kSecretBytesMax) + " can be kept out of its log");
  return {};
}

}  // namespace

/// Each as a private file, and a variable says where: in a sandbox in a file system of its own.
Status Attempts::give_secrets(Attempt& attempt, Additions& variables) {
  auto& secrets = attempt.launch.secrets;
  if (secrets.empty()) return {};
  // Named by the workflow and by the task: it is the same one.
  std::ranges::sort(secrets);
  const auto same = std::ranges::unique(secrets, {}, &std::pair<std::string, std::string>::first);
  secrets.erase(same.begin(), same.end());
  TRY(check_secrets(attempt.launch));
  for (const auto& [name, value] : secrets) {
    std::string path = inside_sandbox("secrets/" + name);
    if (attempt.is_enclosed()) {
      attempt.own_files.push_back({"secrets/" + name, value});
    } else {
      auto written = secret_files_.write(attempt.launch.token, name, value);
      if (!written) return tl::unexpected(of_machine(std::move(written).error()));
      path = *std::move(written);
    }
    variables.emplace_back(std::string(kSecretVariable).append(name), std::move(path));
  }
  mask_secrets(attempt);
  return {};
}

void Attempts::mask_secrets(Attempt& attempt) {
  std::vector<std::string> values;
  for (const auto& [name, value] : attempt.launch.secrets) values.push_back(value);
  if (masks_ == nullptr || values != masked_values_) {
    std::vector<std::string> forms;
    for (const std::string& value : values) {
      auto more = secret_forms(value);
      std::ranges::move(more, std::back_inserter(forms));
    }
    masks_ = std::make_shared<const MaskPatterns>(forms);
    masked_values_ = std::move(values);
  }
  attempt.log.mask(masks_);
}

/// Outputs go to the journal, to other tasks and to whoever looks: a secret does not, and with a
/// mask in its place the others would go wrong without a word.
void Attempts::check_outputs(Attempt& attempt, std::string_view bytes) const {
  if (!attempt.log.holds_secret(bytes)) return;
  attempt.has_refused_output = true;
  std::string names;
  for (const auto& [name, value] : attempt.launch.secrets) {
    if (!MaskPatterns(secret_forms(value)).is_in(bytes)) continue;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  attempt.failure =
      "REEVE_OUTPUT holds the secret " + names +
      ": outputs are stored and shown; name the secret under `secrets` of the task that needs it";
}

/// Without a sandbox the task itself writes the file to where it is collected.
void Attempts::check_output_file(Attempt& attempt) const {
  if (attempt.launch.secrets.empty()) return;
  check_outputs(attempt, read_regular(AT_FDCWD, attempt.output_path.c_str(), kTaskFileBytesMax));
  if (attempt.has_refused_output) ::unlink(attempt.output_path.c_str());
}

}  // namespace reeve::supervisor
