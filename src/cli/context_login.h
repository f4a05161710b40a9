// `reeve context login` and `logout`: signs on at the identity provider of a service in the device
// flow (RFC 8628) and keeps the token that the service gives for that in the context. The ID token
// of the provider goes to that service, once, and is kept nowhere. One thread; login waits for a
// person, and ends when it is interrupted.
#pragma once

#include <string>

#include "cli/service_contexts.h"
#include "cli/session.h"

namespace reeve::cli {

Ended context_login(const Session& session, const ServiceContexts& contexts,
                    const std::string& name);
/// The token holds no more, here and at the service.
Ended context_logout(const Session& session, const ServiceContexts& contexts,
                     const std::string& name);

}  // namespace reeve::cli
