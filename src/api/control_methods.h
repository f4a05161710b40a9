// What the methods of the control socket mean: requests as events of the engine, and what is read
// from its state. Internal to api/. handle() is called by the server's thread; `reply` is called
// once, from any thread.
#pragma once

#include <functional>
#include <string>

#include "api/control_protocol.h"
#include "engine/engine.h"

namespace reeve::api {

using Reply = std::function<void(Result<boost::json::object>)>;

class ControlMethods {
 public:
  ControlMethods(engine::Engine& engine, std::string description)
      : engine_(engine),
        description_(std::move(description)) {}

  void handle(const ControlRequest& request, Reply reply);

 private:
  void submit(core::Event event, Reply reply);
  void enter(const ControlRequest& request, Reply reply);
  /// Calls `read` on the engine's thread.
  void look(std::function<Result<boost::json::object>(const core::State&)> read, Reply reply);

  engine::Engine& engine_;
  const std::string description_;
};

}  // namespace reeve::api
