// Looking at the engine's state from another thread, and waiting for what was seen. Not from the
// engine's thread, nor from one that it waits for.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>

#include "engine/engine.h"

namespace reeve::engine {

/// What `look` gives; it must own all that it holds on to. Nothing: the engine has too much to do,
/// has stopped, or does not answer in time.
template <class T, class Look>
std::optional<T> look_and_wait(Engine& engine, Look look,
                               std::chrono::seconds patience = std::chrono::seconds{5}) {
  auto promise = std::make_shared<std::promise<std::optional<T>>>();  // shared: who waits may leave
  auto future = promise->get_future();
  const bool is_taken = engine.look([promise, look, &engine](const Result<Receipt>& receipt) {
    if (receipt)
      promise->set_value(look(engine.state()));
    else
      promise->set_value(std::nullopt);
  });
  if (!is_taken || future.wait_for(patience) != std::future_status::ready) return std::nullopt;
  return future.get();
}

}  // namespace reeve::engine
