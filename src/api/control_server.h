// The socket through which other processes ask the engine that holds a state directory: cancel,
// retry, pause, resume, approve, explain, exec. Owns the socket and one thread that polls it and
// its connections; requests become events of the engine, replies come back from the engine's
// thread. Refuses other users, lines that are too long and connections beyond a limit.
//
// Thread rule: open() and the destructor from one thread. The engine must be running between them,
// or be stopped for good before the destructor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/engine.h"

namespace reeve::api {

inline constexpr std::size_t kConnectionsMax = 64;

struct ControlOptions {
  std::string socket_path;
  std::string description;  ///< the command line of this process, for `status`
};

class ControlServer {
 public:
  static Result<std::unique_ptr<ControlServer>> open(engine::Engine& engine,
                                                     ControlOptions options);
  /// Ends the thread and removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Parts;
  explicit ControlServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::api
