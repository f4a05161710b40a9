// What the groups of somebody who signed on give him here: a list of `GROUP=ROLE@NAMESPACE`, in
// order. Whoever is in none of them gets nothing. Somebody has one role: that of the first line
// that fits, in the namespaces of all lines that fit and have this role. So no line gives more than
// it says. Pure; no thread rule.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "security/policy.h"

namespace reeve::security {

struct GroupRole {
  std::string group;  ///< exactly as the identity provider has it
  std::string role;
  std::string name_space;  ///< or "*"
  friend bool operator==(const GroupRole&, const GroupRole&) = default;
};

/// invalid_argument says what is meant. Whether there is such a role is not asked here.
Result<GroupRole> parse_group_role(std::string_view text);
Result<std::vector<GroupRole>> parse_group_roles(std::span<const std::string> texts);

/// `role`: which one is wanted; "": the first. Nothing: no line fits.
std::optional<Scope> scope_of_groups(std::span<const GroupRole> table,
                                     std::span<const std::string> groups,
                                     std::string_view role = {});

/// How somebody is named in records: "oidc:SUBJECT(EMAIL)", or without the e-mail if that is
/// empty. Characters that could be taken for something else are escaped as %41 is.
std::string oidc_name(std::string_view subject, std::string_view email);

}  // namespace reeve::security
