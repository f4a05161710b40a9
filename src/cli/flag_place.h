// Where feature flags are kept: in a state directory, or at a service. Both answer the same way; a
// change of a directory is audited here, one at a service by the service. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "cli/failure.h"
#include "config/flags.h"

namespace reeve::cli {

class ServiceLink;
struct Session;

class FlagPlace {
 public:
  /// What --server, --state and the surroundings name.
  static Checked<std::unique_ptr<FlagPlace>> open(const Session& session);
  virtual ~FlagPlace() = default;

  /// As the API has them, by name.
  virtual Checked<std::vector<api::JsonObject>> list() = 0;
  /// Newest first. not_found: there never was such a flag.
  virtual Checked<std::vector<api::JsonObject>> history(const std::string& name) = 0;

  struct Found {
    config::Flag flag;
    std::uint64_t version = 0;
  };
  virtual Checked<std::optional<Found>> find(const std::string& name) = 0;
  /// The new version. conflict: it is not of the version `before` any more (0: there is none).
  virtual Checked<std::uint64_t> set(const config::Flag& flag, std::uint64_t before) = 0;
  virtual Checked<void> remove(const std::string& name) = 0;
  virtual Checked<config::FlagAnswer> ask(const std::string& name,
                                          const config::FlagSubject& subject) = 0;
};

/// A flag in JSON without what only its versions have, as parse_flag() reads it.
std::string bare_flag_json(const api::JsonObject& item);

}  // namespace reeve::cli
