// What the settings say of single sign-on. Values; pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "security/oidc_roles.h"

namespace reeve::api {

struct SignOnSettings {
  std::string issuer;
  std::string client;
  std::string client_secret_file;  ///< "": a public client
  std::string device_client;       ///< never ""
  std::vector<std::string> scopes;
  std::string groups_claim;
  std::vector<security::GroupRole> roles;
  Duration token_life = Duration{0};
  std::string ca_file;
  std::string redirect;  ///< URI of the callback; "": browsers cannot sign on
  bool is_redirect_encrypted = false;
  std::string fingerprint;  ///< trusted() of the settings that it is from

  /// Nothing: there is no issuer. invalid_argument: which setting is wrong.
  static Result<std::optional<SignOnSettings>> from(const config::Settings& settings);
  /// All that decides who is let in, and with which rights.
  static std::string trusted(const config::Settings& settings);
};

}  // namespace reeve::api
