// What the process that connects a sandbox says, a datagram each, over one SEQPACKET socket:
//
//   hosts TEXT       names are pinned: the text of /etc/hosts. Now it waits for one datagram with
//                    the descriptor of the sandbox's network namespace
//   1                the sandbox is connected (slirp4netns says so)
//   fail CODE TEXT   a name of an ErrorCode; it ends
//
// Anything else is talk. Values; no thread rule.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace reeve::egress {

/// A datagram that is longer is refused before it is sent.
inline constexpr std::size_t kMessageBytesMax = 128U << 10;

struct Pinned {
  std::string hosts;
};
struct Connected {};
struct Talk {
  std::string text;
};
using Message = std::variant<Pinned, Connected, Talk, Error>;
Message read_message(std::string_view bytes);

std::string pinned_message(std::string_view hosts);
std::string failure_message(const Error& error);

}  // namespace reeve::egress
