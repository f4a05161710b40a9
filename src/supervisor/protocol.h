// What engine and supervisor say to each other: messages as described structs, each framed by its
// length, in one byte stream per direction that is cut into SEQPACKET datagrams anywhere. So many
// small messages share a datagram and a large one spans several. Reading is safe against hostile
// bytes: a message that does not decode to valid values is refused. Values; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "base/codec.h"
#include "base/launch.h"
#include "base/machine_load.h"
#include "supervisor/paths.h"

namespace reeve::supervisor {

/// Both sides must have the same. A change of any message, or of Launch or AttemptEnd, raises it.
inline constexpr std::uint32_t kProtocolVersion = 6;
inline constexpr std::size_t kMessageBytesMax = 32U << 20;
inline constexpr std::size_t kDatagramBytesMax = 56U << 10;

/// First message of an engine. Only `version` is read when versions differ; it stays first.
struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::string work_directory;            ///< where attempts start that name none
  std::vector<std::string> environment;  ///< "NAME=value": what launches add to
  friend bool operator==(const Hello&, const Hello&) = default;
  static constexpr auto fields() {
    return std::tuple{field("version", &Hello::version),
                      field("work_directory", &Hello::work_directory),
                      field("environment", &Hello::environment)};
  }
};

struct Capacity {
  Resources resources;
  friend bool operator==(const Capacity&, const Capacity&) = default;
  static constexpr auto fields() { return std::tuple{field("resources", &Capacity::resources)}; }
};

struct Stop {
  Token token;
  bool kill = false;  ///< SIGKILL at once; else SIGTERM, and SIGKILL after `grace`
  Duration grace{0};
  friend bool operator==(const Stop&, const Stop&) = default;
  static constexpr auto fields() {
    return std::tuple{field("token", &Stop::token), field("kill", &Stop::kill),
                      field("grace", &Stop::grace)};
  }
};

struct Probe {
  Token token;
  friend bool operator==(const Probe&, const Probe&) = default;
  static constexpr auto fields() { return std::tuple{field("token", &Probe::token)}; }
};

struct Forget {
  Token token;
  friend bool operator==(const Forget&, const Forget&) = default;
  static constexpr auto fields() { return std::tuple{field("token", &Forget::token)}; }
};

struct Secret {
  std::string name;
  std::string value;
  friend bool operator==(const Secret&, const Secret&) = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &Secret::name), field("value", &Secret::value)};
  }
};

/// What the launch of this token, which comes next, is given: apart from it, because a Launch may
/// be written down and this never is.
struct SecretsFor {
  Token token;
  std::vector<Secret> values;
  friend bool operator==(const SecretsFor&, const SecretsFor&) = default;
  static constexpr auto fields() {
    return std::tuple{field("token", &SecretsFor::token), field("values", &SecretsFor::values)};
  }
};

/// The engine goes on purpose: with nothing left to watch, the supervisor need not wait for one.
struct Detach {
  friend bool operator==(const Detach&, const Detach&) = default;
  static constexpr auto fields() { return std::tuple{}; }
};

/// Answer to Hello. When refused, the connection ends after it.
struct Welcome {
  std::uint32_t version = kProtocolVersion;
  bool accepted = true;
  std::string why_not;
  std::int64_t pid = 0;
  friend bool operator==(const Welcome&, const Welcome&) = default;
  static constexpr auto fields() {
    return std::tuple{field("version", &Welcome::version), field("accepted", &Welcome::accepted),
                      field("why_not", &Welcome::why_not), field("pid", &Welcome::pid)};
  }
};

struct Started {
  Token token;
  Time at = kUnset;
  friend bool operator==(const Started&, const Started&) = default;
  static constexpr auto fields() {
    return std::tuple{field("token", &Started::token), field("at", &Started::at)};
  }
};

/// All attempts that run, once in a period.
struct Samples {
  std::vector<AttemptSample> attempts;
  MachineLoad machine;
  friend bool operator==(const Samples&, const Samples&) = default;
  static constexpr auto fields() {
    return std::tuple{field("attempts", &Samples::attempts), field("machine", &Samples::machine)};
  }
};

/// An end and what is needed to collect what the attempt left. Also a record of the spool.
struct Ended {
  AttemptEnd end;
  AttemptName name;
  bool has_output = false;    ///< there is a REEVE_OUTPUT file
  bool has_progress = false;  ///< there is a REEVE_PROGRESS file
  bool has_script = false;
  friend bool operator==(const Ended&, const Ended&) = default;
  static constexpr auto fields() {
    return std::tuple{field("end", &Ended::end), field("name", &Ended::name),
                      field("has_output", &Ended::has_output),
                      field("has_progress", &Ended::has_progress),
                      field("has_script", &Ended::has_script)};
  }
};

struct Answer {
  Token token;
  Liveness liveness = Liveness::unknown;
  friend bool operator==(const Answer&, const Answer&) = default;
  static constexpr auto fields() {
    return std::tuple{field("token", &Answer::token), field("liveness", &Answer::liveness)};
  }
};

using FromEngine =
    std::variant<Hello, Capacity, Launch, Stop, Probe, Forget, Detach, SecretsFor, EnterOrder>;
using FromSupervisor =
    std::variant<Welcome, Started, Progress, Ended, Answer, Samples, AttemptHold>;

/// Appends a framed message to `out`. The overloads take the alternatives themselves, so that a
/// Launch need not be copied into a variant first.
void append_message(std::string& out, const Hello& message);
void append_message(std::string& out, const Capacity& message);
void append_message(std::string& out, const Launch& message);
void append_message(std::string& out, const Stop& message);
void append_message(std::string& out, const Probe& message);
void append_message(std::string& out, const Forget& message);
void append_message(std::string& out, const Detach& message);
void append_message(std::string& out, const SecretsFor& message);
void append_message(std::string& out, const EnterOrder& message);
void append_message(std::string& out, const Welcome& message);
void append_message(std::string& out, const Started& message);
void append_message(std::string& out, const Progress& message);
void append_message(std::string& out, const Ended& message);
void append_message(std::string& out, const Answer& message);
void append_message(std::string& out, const Samples& message);
void append_message(std::string& out, const AttemptHold& message);

/// nullopt: not a valid message. A Hello or Welcome of another version decodes to its version.
std::optional<FromEngine> decode_from_engine(std::string_view payload);
std::optional<FromSupervisor> decode_from_supervisor(std::string_view payload);

/// Whether the numbers of enumerations that came from outside are enumerators.
bool is_valid(const Outcome& outcome);

/// Puts the frames of a byte stream together again.
class MessageBuffer {
 public:
  enum class Next : std::uint8_t { message, incomplete, corrupt };

  void append(std::string_view bytes) { bytes_.append(bytes); }
  /// The view is valid until the next append().
  Next next(std::string_view& payload);
  void clear();

 private:
  std::string bytes_;
  std::size_t read_ = 0;
};

}  // namespace reeve::supervisor
