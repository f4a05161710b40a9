// Where secrets are kept: in a state directory, or at a service. Both answer the same way; no value
// is ever read back. A change of a directory is audited here, one at a service by the service. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "cli/failure.h"

namespace reeve::cli {

class ServiceLink;
struct Session;

class SecretPlace {
 public:
  /// What --server, --state and the surroundings name. A service has its key itself: options that
  /// name one are refused with it.
  static Checked<std::unique_ptr<SecretPlace>> open(const Session& session);
  virtual ~SecretPlace() = default;

  struct Made {
    std::string name_space;
    std::uint64_t version = 0;
  };
  /// As the API has them. `name_space`: "" for all that may be seen.
  virtual Checked<std::vector<api::JsonObject>> list(const std::string& name_space) = 0;
  /// `name_space`: "" for the usual one. No error has the value in it.
  virtual Checked<Made> set(const std::string& name_space, const std::string& name,
                            const std::string& value) = 0;
  virtual Checked<void> remove(const std::string& name_space, const std::string& name) = 0;
  /// Seals all anew under the key in the file, or under one that is made; how many there are.
  virtual Checked<std::size_t> rotate_key(const std::string* file) = 0;
  /// Whether "" means the namespace "default".
  virtual bool has_default_namespace() const = 0;
};

}  // namespace reeve::cli
