// Knows which processes below the supervisor are not main processes of attempts: those that lost
// their parent and were handed to the supervisor, which is their sub-reaper. Finds out whose they
// are, so that an attempt ends only when nothing of it is left. One owner; not thread-safe.
//
// Whose a process is: its session if that is an attempt's own, else the marker in its environment.
// A stray has neither (it made its own session and wiped its environment). It belongs to one of the
// attempts that lived when it was first seen, and is killed when the last of them has ended.
//
// What is process 1 of another pid namespace, or a zygote, is a sandbox's and not looked after
// here.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "supervisor/processes.h"

namespace reeve::supervisor {

/// Number of an attempt in this supervisor: grows with every start.
using Serial = std::uint64_t;
inline constexpr Serial kNoSerial = 0;

class Leftovers {
 public:
  /// `marker_prefix` is "<state id>.".
  explicit Leftovers(std::string marker_prefix) : marker_prefix_(std::move(marker_prefix)) {}

  // The main processes, from start to reaping, and their tokens, until their attempt has ended.
  void add_main(pid_t pid, Serial serial, Token token);
  void main_reaped(pid_t pid) { mains_.erase(pid); }
  void attempt_ended(Serial serial, pid_t session, Token token);

  /// A process of a sandbox that was made on purpose.
  void add_enclosed(pid_t pid) { enclosed_.insert(pid); }

  /// Looks at the list of children for ones not known yet. Cheap when there is none.
  void look();
  /// Forgets a child that is about to be reaped; whose it was, or kNoSerial.
  Serial take(pid_t pid);
  /// The adopted children of an attempt that still live.
  std::vector<pid_t> of(Serial serial) const;
  bool has_any(Serial serial) const;
  /// Whether there is one of which it cannot be told just now whose it is.
  bool has_undecided() const;
  bool empty() const { return adopted_.empty(); }
  /// Nobody answers for this one any more.
  void disown(pid_t pid);
  /// Kills strays whose last possible owner has ended. `oldest` is the lowest living serial.
  void kill_strays(Serial oldest);
  /// Kills all that is adopted and reaps it, until there is no child left or `patience` is over:
  /// one in uninterruptible sleep ends when it likes. Gives those that are left. Before the end,
  /// with no attempt alive.
  std::vector<pid_t> kill_all(Duration patience);

 private:
  struct Adopted {
    Serial owner = kNoSerial;
    Serial newest_candidate = 0;  ///< of a stray
    bool is_disowned = false;
    bool is_undecided = true;
  };
  struct Owner {
    Serial serial = kNoSerial;
    bool is_marked = false;     ///< it is ours, whoever's it is
    bool is_undecided = false;  ///< it cannot be told just now
  };
  Owner owner_of(pid_t pid) const;
  bool is_enclosed(pid_t pid) const;

  std::string marker_prefix_;
  std::string own_pid_namespace_ = pid_namespace_of(::getpid());
  std::set<pid_t> enclosed_;  // process 1 of a sandbox, or its zygote: they end with their own
  OwnChildren children_;
  std::unordered_map<pid_t, Serial> mains_;
  std::unordered_map<pid_t, Serial> sessions_;  ///< of attempts that have not ended
  std::unordered_map<Token, Serial> tokens_;
  std::unordered_map<pid_t, Adopted> adopted_;
  Serial newest_ = 0;
};

}  // namespace reeve::supervisor
