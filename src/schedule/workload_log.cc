#include "schedule/workload_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace reeve::schedule {
namespace {

constexpr std::size_t kColumns = 18;
constexpr double kNumberMax = 1e10;  // seconds: three centuries

enum Column : std::uint8_t {
  kNumber = 0,
  kSubmit = 1,
  kRun = 3,
  kProcessors = 4,
  kRequestedProcessors = 7,
  kRequestedTime = 8,
  kUser = 11,
  kExecutable = 13,
};

constexpr double kUnusedMax = 9e18;  // memory in bytes, say

constexpr bool is_used(std::size_t column) {
  return column == kSubmit || column == kRun || column == kProcessors ||
         column == kRequestedProcessors || column == kRequestedTime;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::string_view next_word(std::string_view& rest) {
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  std::size_t end = 0;
  while (end < rest.size() && !is_space(rest[end])) ++end;
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

Error error_at(std::int64_t line, const std::string& what) {
  return {ErrorCode::invalid_argument, "line " + std::to_string(line) + ": " + what, {}};
}

/// Some logs have fractions where the format says whole numbers.
Result<std::int64_t> parse_number(std::string_view word, std::int64_t line, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || !(std::abs(value) <= most))
    return tl::unexpected(
        error_at(line, "'" + std::string(word.substr(0, 40)) +
                           "' is not a number that can be there: a job has 18 numbers, -1 for "
                           "what is not known"));
  return static_cast<std::int64_t>(value);
}

/// False: it never ran.
bool make_job(const std::array<std::int64_t, kColumns>& of, LogJob& job) {
  const std::int64_t processors = std::max(of[kProcessors], of[kRequestedProcessors]);
  if (of[kRun] <= 0 || processors <= 0 || of[kSubmit] < 0) return false;
  const std::int64_t requested = of[kRequestedTime] > 0 ? of[kRequestedTime] : of[kRun];
  job = {.number = of[kNumber],
         .submitted = std::chrono::seconds(of[kSubmit]),
         .run = std::chrono::seconds(std::min(of[kRun], requested)),
         .processors = processors,
         .requested = std::chrono::seconds(requested),
         .user = of[kUser],
         .executable = of[kExecutable]};
  return true;
}

/// "; MaxProcs: 128"
void read_header(std::string_view line, WorkloadLog& log) {
  line.remove_prefix(1);
  if (next_word(line) != "MaxProcs:") return;
  const auto value = parse_number(next_word(line), 0, kNumberMax);
  if (value && *value > 0) log.processors = *value;
}

}  // namespace

Result<WorkloadLog> parse_workload_log(std::string_view text) {
  WorkloadLog log;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    std::string_view line = next_line(text);
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    if (line.empty()) continue;
    if (line.front() == ';') {
      read_header(line, log);
      continue;
    }
    std::array<std::int64_t, kColumns> columns{};
    for (std::size_t i = 0; i < kColumns; ++i) {
      const double most = is_used(i) ? kNumberMax : kUnusedMax;
      TRY_ASSIGN(columns.at(i), parse_number(next_word(line), number, most));
    }
    LogJob job;
    if (!make_job(columns, job))
      ++log.left_out;
    else if (static_cast<std::int64_t>(log.jobs.size()) == kLogJobsMax)
      return tl::unexpected(error_at(number, "more than ten million jobs; split the log"));
    else
      log.jobs.push_back(job);
  }
  std::ranges::stable_sort(log.jobs, [](const LogJob& left, const LogJob& right) {
    return left.submitted != right.submitted ? left.submitted < right.submitted
                                             : left.number < right.number;
  });
  return log;
}

}  // namespace reeve::schedule
