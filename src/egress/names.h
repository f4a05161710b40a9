// The addresses that names have now, as this machine's resolver says: all names at once, each in a
// thread of its own. For a process that ends when one does not answer. Thread-safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/egress.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::egress {

using Addresses = std::map<std::string, std::vector<IpNetwork>, std::less<>>;

/// not_found: there is no such name; unavailable: nobody could say, or not within `limit`. Threads
/// may be left behind then.
Result<Addresses> resolve(const std::vector<std::string>& names, Duration limit);

}  // namespace reeve::egress
