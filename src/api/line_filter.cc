#include "api/line_filter.h"

#include <array>

#include <fmt/format.h>
#include <regex.h>

namespace reeve::api {

struct LineFilter::Compiled {
  regex_t value{};
  bool is_valid = false;
};

void LineFilter::Free::operator()(Compiled* compiled) const {
  if (compiled->is_valid) ::regfree(&compiled->value);
  delete compiled;
}

Result<LineFilter> LineFilter::compile(const std::string& pattern) {
  std::unique_ptr<Compiled, Free> compiled(new Compiled);
  const int error = ::regcomp(&compiled->value, pattern.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    std::array<char, 256> message{};
    ::regerror(error, &compiled->value, message.data(), message.size());
    return fail(ErrorCode::invalid_argument, message.data());
  }
  compiled->is_valid = true;
  return LineFilter(std::move(compiled));
}

bool LineFilter::matches(std::string_view line) const {
  // With its length: output may hold NUL bytes.
  regmatch_t range{};
  range.rm_so = 0;
  range.rm_eo = static_cast<regoff_t>(line.size());
  return ::regexec(&compiled_->value, line.data(), 0, &range, REG_STARTEND) == 0;
}

}  // namespace reeve::api
