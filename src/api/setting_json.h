// Settings as the API and `reeve config` show them. Pure.
#pragma once

#include "api/json_values.h"
#include "config/settings.h"

namespace reeve::api {

/// An item of the kind "settings".
JsonObject setting_json(const config::SettingInfo& setting, const config::Effective& effective);
/// An item of the kind "setting_versions".
JsonObject setting_version_json(const config::TextVersion& version);

}  // namespace reeve::api
