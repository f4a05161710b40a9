// The processes that connect sandboxes with what their tasks list (egress/program.h): one per
// attempt with network egress, from before its sandbox is composed to its end. Starts them, hands
// them the sandbox's network, hears them and ends them. Never waits. One owner; not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "egress/message.h"
#include "supervisor/leftovers.h"

namespace reeve::supervisor {

using LinkNumber = std::uint64_t;
inline constexpr LinkNumber kNoLink = 0;

class EgressLinks {
 public:
  struct Settings {
    int epoll = -1;
    std::function<std::uint64_t(LinkNumber)> tag;  ///< epoll data of a link's messages
  };
  /// `leftovers` is told of each process; it outlives this.
  EgressLinks(Settings settings, Leftovers& leftovers)
      : settings_(std::move(settings)),
        leftovers_(leftovers) {}
  ~EgressLinks();
  EgressLinks(const EgressLinks&) = delete;
  EgressLinks& operator=(const EgressLinks&) = delete;

  /// News about it names `who`.
  Result<LinkNumber> start(const std::vector<std::string>& entries, Serial who);
  /// Once it has pinned its names.
  Status hand_over(LinkNumber number, const Fd& network);
  /// Its process is killed; no news follows.
  void stop(LinkNumber number);

  struct Lost {};  ///< after it was connected: nothing gets through any more
  struct News {
    Serial who = kNoSerial;
    std::variant<egress::Pinned, egress::Connected, Lost, Error> what;
  };
  std::vector<News> receive(LinkNumber number);
  /// False: the process is none of these.
  bool on_child_ended(pid_t pid);

 private:
  struct Link {
    pid_t pid = 0;
    Fd socket;
    Serial who = kNoSerial;
    bool is_connected = false;
    std::string talk;  ///< what it said last, until it is connected
  };
  Error why_ended(const Link& link) const;

  Settings settings_;
  Leftovers& leftovers_;
  LinkNumber last_number_ = kNoLink;
  std::map<LinkNumber, Link> links_;
  std::set<pid_t> dying_;  // until they are reaped
};

}  // namespace reeve::supervisor
