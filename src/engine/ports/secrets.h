// Port: the values of the secrets that workflows name. Called by the engine's thread when it starts
// an attempt; must not block for long. Values are never journaled, logged or stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace reeve::engine {

struct SecretName {
  /// Of the run: its label "namespace", or "default". A run is given the secrets of no other.
  std::string_view name_space;
  std::string_view name;
  // Whom it is for.
  Uuid run = {};
  std::string task = {};  ///< its name
  std::uint32_t index = 0;
  std::uint32_t attempt = 0;  ///< number
};

class Secrets {
 public:
  virtual ~Secrets() = default;
  /// not_found says how to set it.
  virtual Result<std::string> read(const SecretName& secret) = 0;
};

}  // namespace reeve::engine
