// What an operator is told of a service at work: a sentence, how grave it is, and the things that
// it is about. Never a secret, and of requests never a query or a body. Whoever writes it down is a
// LogSink (cli/operator_log.h). Values; the sink's thread rule is its own: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reeve {

enum class LogSeverity : std::uint8_t { debug, info, warning, error };

struct LogField {
  std::string_view name;  ///< of a literal: lower case and '_'
  std::string value;
};

struct LogEntry {
  LogSeverity severity = LogSeverity::info;
  std::string message;
  std::vector<LogField> fields;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  /// Whether it is worth while to put an entry together.
  virtual bool wants(LogSeverity severity) const = 0;
  /// Never waits: what there is no room for is counted and left out.
  virtual void take(LogEntry entry) = 0;
};

}  // namespace reeve
