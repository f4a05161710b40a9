#include "security/oidc_roles.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace reeve::security {
namespace {

constexpr std::size_t kGroupBytesMax = 1024;
constexpr std::size_t kEmailBytesMax = 254;

auto no_line(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is no GROUP=ROLE@NAMESPACE: {}",
                          sanitize_for_terminal(text.substr(0, 200)), why));
}

std::string escaped(std::string_view text, std::string_view beside) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || beside.find(c) != std::string_view::npos;
    if (is_plain)
      out.push_back(c);
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

Result<GroupRole> parse_group_role(std::string_view text) {
  // Names of groups may have both signs in them: the last ones count.
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return no_line(text, "it has no @NAMESPACE");
  const std::size_t equals = text.substr(0, at).rfind('=');
  if (equals == std::string_view::npos) return no_line(text, "it has no =ROLE");
  GroupRole out{.group = std::string(text.substr(0, equals)),
                .role = std::string(text.substr(equals + 1, at - equals - 1)),
                .name_space = std::string(text.substr(at + 1))};
  if (out.group.empty() || out.group.size() > kGroupBytesMax)
    return no_line(text, "the group is empty or too long");
  if (!is_namespace(out.role)) return no_line(text, "that is no name of a role");
  if (out.name_space != kAllNamespaces && !is_namespace(out.name_space))
    return no_line(text, "that is no namespace; * is all");
  return out;
}

Result<std::vector<GroupRole>> parse_group_roles(std::span<const std::string> texts) {
  std::vector<GroupRole> table;
  for (const std::string& text : texts) {
    TRY_ASSIGN(GroupRole line, parse_group_role(text));
    table.push_back(std::move(line));
  }
  return table;
}

std::optional<Scope> scope_of_groups(std::span<const GroupRole> table,
                                     std::span<const std::string> groups, std::string_view role) {
  std::optional<Scope> scope;
  for (const GroupRole& line : table) {
    if (std::ranges::find(groups, line.group) == groups.end()) continue;
    if (!role.empty() && line.role != role) continue;
    if (!scope) scope = Scope{.role = line.role, .namespaces = {}, .only = std::nullopt};
    if (line.role != scope->role) continue;
    if (std::ranges::find(scope->namespaces, line.name_space) == scope->namespaces.end())
      scope->namespaces.push_back(line.name_space);
  }
  if (scope && std::ranges::find(scope->namespaces, kAllNamespaces) != scope->namespaces.end())
    scope->namespaces = {std::string(kAllNamespaces)};
  return scope;
}

std::string oidc_name(std::string_view subject, std::string_view email) {
  std::string out = "oidc:" + escaped(subject, "-._~|+@:/");
  if (!email.empty()) out += "(" + escaped(email.substr(0, kEmailBytesMax), "-._~+@") + ")";
  return out;
}

}  // namespace reeve::security
