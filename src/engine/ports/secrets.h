// Port: the values of the secrets that workflows name. Called by the engine's thread when it starts
// an attempt; must not block for long. Values are never journaled, logged or stored.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve::engine {

struct SecretName {
  /// Of the run: its label "namespace", or "default". A run is given the secrets of no other.
  std::string_view name_space;
  std::string_view name;
};

class Secrets {
 public:
  virtual ~Secrets() = default;
  /// not_found says how to set it.
  virtual Result<std::string> read(const SecretName& secret) = 0;
};

}  // namespace reeve::engine
