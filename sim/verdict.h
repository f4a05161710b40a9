// What the checkers found in one world. The first finding counts: what follows it is often only its
// consequence, so the world stops there. Values; one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace reeve::sim {

struct Violation {
  std::string checker;  ///< "runs_twice", "needs", ...
  std::string text;
};

class Verdict {
 public:
  bool is_clean() const { return !first_; }
  const std::optional<Violation>& first() const { return first_; }
  void fail(std::string_view checker, std::string text) {
    if (!first_) first_ = Violation{std::string(checker), std::move(text)};
  }

 private:
  std::optional<Violation> first_;
};

}  // namespace reeve::sim
