// The environment of attempts: what the engine inherited, with the additions of one launch put over
// it. Values; immutable once made.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reeve::supervisor {

/// The engine's own environment, without variables that only the supervisor may set.
class BaseEnvironment {
 public:
  explicit BaseEnvironment(std::vector<std::string> entries);
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  std::vector<std::string> entries_;  ///< "NAME=value", one per name
};

/// Of an environment, what an attempt in a sandbox inherits: how to find programs, language, time
/// zone, terminal. Whatever else it needs is said in its workflow.
/// The same over what an image says: of the engine's own only what is about its people, not its
/// files.
std::vector<std::string> image_environment(const std::vector<std::string>& entries,
                                           const std::vector<std::string>& image);
std::vector<std::string> enclosed_environment(const std::vector<std::string>& entries);

using Additions = std::vector<std::pair<std::string, std::string>>;

/// An envp for execve. Points into the base, which must outlive it.
class EnvironmentBlock {
 public:
  /// `own` is put over `additions`, and both over `base`. A later entry of a name wins.
  EnvironmentBlock(const BaseEnvironment& base, const Additions& additions, const Additions& own);
  EnvironmentBlock(const EnvironmentBlock&) = delete;
  EnvironmentBlock& operator=(const EnvironmentBlock&) = delete;

  char* const* pointers() const { return pointers_.data(); }
  /// The value of a variable, or nullptr.
  const char* find(std::string_view name) const;

 private:
  void append(const Additions& additions);

  std::string text_;  ///< the additions as "NAME=value\0"
  std::vector<char*> pointers_;
};

}  // namespace reeve::supervisor
