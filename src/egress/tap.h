// The interface of a sandbox's network namespace to which slirp4netns connects: made, with
// addresses and routes, by a process in that namespace. Free functions; no thread rule.
#pragma once

#include "base/result.h"

namespace reeve::egress {

/// It stays until the namespace ends, and carries nothing until somebody holds its other side.
Status make_tap(bool with_v6);

}  // namespace reeve::egress
