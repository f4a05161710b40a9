// Asks an identity provider over HTTP: its addresses, its keys, its token endpoint. Follows no
// redirects, always checks certificates, and gives up on what is too slow or too large. Used by the
// service (oidc_provider.h) and by `reeve context login`. One thread; blocks, for the time given.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "http/message.h"
#include "security/oidc_discovery.h"
#include "security/oidc_wire.h"

namespace reeve::api {

class IssuerLink {
 public:
  /// `ca_file`: PEM; "": what the system trusts. `time`: for each request, all in all.
  explicit IssuerLink(std::string ca_file, std::chrono::milliseconds time = kUsualTime)
      : ca_file_(std::move(ca_file)),
        time_(time) {}

  /// unavailable: nobody answers, not in time, or not with 200.
  Result<std::string> get(const std::string& url) const;
  /// A form. unavailable: nobody answers in time. Any status is an answer.
  Result<http::Response> post(const std::string& url, const security::FormFields& form,
                              const std::string& authorization = {}) const;

  Result<security::OidcEndpoints> endpoints(const std::string& issuer) const;

 private:
  static constexpr std::chrono::milliseconds kUsualTime{10'000};
  std::string ca_file_;
  std::chrono::milliseconds time_;
};

}  // namespace reeve::api
