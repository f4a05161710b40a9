// Lines that match a POSIX extended regular expression. Owns the compiled pattern; one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve::api {

class LineFilter {
 public:
  /// invalid_argument: no such expression.
  static Result<LineFilter> compile(const std::string& pattern);
  bool matches(std::string_view line) const;

 private:
  struct Compiled;
  struct Free {
    void operator()(Compiled* compiled) const;
  };
  explicit LineFilter(std::unique_ptr<Compiled, Free> compiled) : compiled_(std::move(compiled)) {}
  std::unique_ptr<Compiled, Free> compiled_;
};

}  // namespace reeve::api
