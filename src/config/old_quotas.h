// The quotas that a Reeve before flags.db's version 3 kept in STATE/quotas.json. Read only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/quota_store.h"

namespace reeve::config {

/// No file is no quotas. corrupt: it is not what that Reeve wrote.
Result<std::vector<SetQuota>> read_old_quotas(const std::string& path);

}  // namespace reeve::config
