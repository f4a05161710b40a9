// What somebody who enters an attempt and the supervisor say to each other, at the supervisor's
// second socket: one datagram each. Reading is safe against hostile bytes. Values; no thread rule.
//
//   visitor ──Knock, with standard input, output and error──► supervisor
//   visitor ◄──entered or refused, then left──                supervisor
//
// Whoever closes the connection hangs up.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "supervisor/protocol.h"

namespace reeve::supervisor {

inline constexpr std::size_t kVisitMessageBytesMax = 4096;

struct Knock {
  std::uint32_t version = kProtocolVersion;
  Uuid ticket;           ///< that the engine gave
  std::string terminal;  ///< TERM of whoever enters, or ""
  bool has_terminal = false;
  friend bool operator==(const Knock&, const Knock&) = default;
  static constexpr auto fields() {
    return std::tuple{field("version", &Knock::version), field("ticket", &Knock::ticket),
                      field("terminal", &Knock::terminal),
                      field("has_terminal", &Knock::has_terminal)};
  }
};

enum class VisitState : std::uint8_t { entered, left, refused };

struct VisitNews {
  VisitState state = VisitState::entered;
  std::int32_t status = 0;  ///< as a shell shows it; of a refusal: reeve's own
  std::string message;      ///< for people, or ""
  friend bool operator==(const VisitNews&, const VisitNews&) = default;
  static constexpr auto fields() {
    return std::tuple{field("state", &VisitNews::state), field("status", &VisitNews::status),
                      field("message", &VisitNews::message)};
  }
};

std::string encode_knock(const Knock& knock);
/// nullopt: not a valid one. Of another version only that is read.
std::optional<Knock> decode_knock(std::string_view bytes);
std::string encode_news(const VisitNews& news);
std::optional<VisitNews> decode_news(std::string_view bytes);

using Streams = std::array<Fd, 3>;
Status send_knock(int socket, const Knock& knock, const std::array<int, 3>& streams);
struct ReceivedKnock {
  Knock knock;
  Streams streams;
};
/// invalid_argument: something else came. unavailable: the peer has gone.
Result<ReceivedKnock> receive_knock(int socket);
Status send_news(int socket, const VisitNews& news);
/// The socket must be readable. unavailable: the supervisor has gone.
Result<VisitNews> receive_news(int socket);

}  // namespace reeve::supervisor
