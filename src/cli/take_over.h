// One service takes over from another one of the same state directory: it gets the sockets that the
// other one listens at, over takeover.sock in the directory (SCM_RIGHTS), waits for the other one
// to end, and then opens the state. The other one answers what it has begun. Until the new one has
// said that it holds the sockets, nothing has changed; if it goes away after that, the other one
// finds out at its end, and goes on (docs/decisions/0016-operations.md).
//
//   new → old   "reeve take-over 1\n"
//   old → new   {"version":1,"sockets":[{"address":"127.0.0.1:7433","path":false},...]}\n,
//   descriptors new → old   "go\n"; then the connection stays, as a sign of life of both
//
// Only processes of the same user. No thread rule beyond one owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "cli/passed_sockets.h"
#include "cli/signals.h"
#include "cli/state_directory.h"

namespace reeve::cli {

/// Of the one that serves.
class TakeOverDoor {
 public:
  static Result<TakeOverDoor> open(std::string path);
  /// Removes the socket.
  ~TakeOverDoor();
  TakeOverDoor(TakeOverDoor&& other) noexcept = default;
  TakeOverDoor& operator=(TakeOverDoor&&) = delete;
  TakeOverDoor(const TakeOverDoor&) = delete;
  TakeOverDoor& operator=(const TakeOverDoor&) = delete;

  /// Readable while somebody knocks.
  int descriptor() const { return listener_.get(); }
  /// Gives `sockets` to whoever knocks: the connection to him once he has them. Waits for him for
  /// two seconds at most. unavailable: he went away, or is somebody else; nothing has changed.
  Result<Fd> hand_over(const std::vector<http::PassedSocket>& sockets) const;

 private:
  TakeOverDoor(std::string path, Fd listener)
      : path_(std::move(path)),
        listener_(std::move(listener)) {}
  std::string path_;
  Fd listener_;
};

struct TakenOver {
  std::vector<NamedSocket> sockets;
  Fd before;  ///< closed by the other one when it has ended
};

/// Of the one that comes. Nothing: nobody serves there.
Result<std::optional<TakenOver>> take_over(const std::string& path);
/// Whether the other side of such a connection is still there.
bool is_connected(const Fd& connection);
/// Until the other one has ended. conflict: it takes longer than `patience`, or a signal came.
Status wait_for_end_of(const TakenOver& taken, Duration patience, Signals& signals);
/// A process that was killed lets go of what it had one after the other: for a moment more.
void wait_for_lock(const StateLayout& layout);

}  // namespace reeve::cli
