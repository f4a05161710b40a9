// Where the settings of a service are looked at and set: from its directory and surroundings, or at
// the service itself. Both answer the same way; a change of a directory is audited here, one at a
// service by the service. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "cli/failure.h"

namespace reeve::cli {

struct Session;

class SettingPlace {
 public:
  /// What --server, --state and the surroundings name.
  static Checked<std::unique_ptr<SettingPlace>> open(const Session& session);
  virtual ~SettingPlace() = default;

  /// As the API has them, in the order of the table.
  virtual Checked<std::vector<api::JsonObject>> list() = 0;
  /// What was set over the API or by set(), newest first.
  virtual Checked<std::vector<api::JsonObject>> history(const std::string& name) = 0;
  /// The new version. The text is as the environment would have it.
  virtual Checked<std::uint64_t> set(const std::string& name, const std::string& text) = 0;
  virtual Checked<void> unset(const std::string& name) = 0;
  /// Whether what was changed holds already.
  virtual bool is_live() const = 0;
};

}  // namespace reeve::cli
