#include "base/image_reference.h"

#include <algorithm>

namespace reeve {
namespace {

constexpr std::size_t kReferenceBytesMax = 255;
constexpr std::size_t kTagBytesMax = 128;
constexpr std::string_view kDigestStart = "sha256:";

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_port_digit(char c) { return c >= '0' && c <= '9'; }

/// Lower case, digits, and separators . _ - between them.
bool is_component(std::string_view text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back()))
    return false;
  return std::ranges::all_of(
      text, [](char c) { return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kTagBytesMax || text.front() == '.' || text.front() == '-')
    return false;
  return std::ranges::all_of(text, [](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
  });
}

/// "host", "host:5000", "[::1]:5000"
bool is_registry(std::string_view text) {
  std::string_view host = text;
  if (const std::size_t colon = text.rfind(':');
      colon != std::string_view::npos && (text.front() != '[' || text.find(']') < colon)) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, is_port_digit)) return false;
    host = text.substr(0, colon);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return host.find_first_not_of("0123456789abcdefABCDEF:", 1) == host.size() - 1;
  const auto may_stand = [](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
  };
  return !host.empty() && host.front() != '-' && host.front() != '.' &&
         std::ranges::all_of(host, may_stand);
}

bool names_a_registry(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos;
}

tl::unexpected<Error> refuse_reference(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument, "'" + std::string(text) +
                                               "' is no name of an image: " + std::string(why) +
                                               "; write name:tag or name@sha256:<64 digits>");
}

}  // namespace

std::string_view ImageReference::registry() const {
  return std::string_view(name).substr(0, name.find('/'));
}

bool ImageReference::is_loopback() const {
  std::string_view host = registry();
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

bool is_sha256(std::string_view text) {
  return text.size() == kDigestStart.size() + 64 && text.starts_with(kDigestStart) &&
         std::ranges::all_of(text.substr(kDigestStart.size()),
                             [](char c) { return is_port_digit(c) || (c >= 'a' && c <= 'f'); });
}

Result<ImageReference> parse_image_reference(std::string_view text) {
  ImageReference found;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    found.digest = rest.substr(at + 1);
    if (!is_sha256(found.digest))
      return refuse_reference(text, "its digest is no sha256:<64 digits>");
    rest = rest.substr(0, at);
  }
  const std::size_t last_slash = rest.rfind('/');
  const std::size_t colon = rest.rfind(':');
  const bool has_tag = colon != std::string_view::npos &&
                       (last_slash == std::string_view::npos || colon > last_slash);
  if (has_tag) {
    found.tag = rest.substr(colon + 1);
    if (!is_tag(found.tag)) return refuse_reference(text, "its tag is not one");
    rest = rest.substr(0, colon);
  } else if (found.digest.empty()) {
    found.tag = "latest";
  }
  std::string_view path = rest;
  std::string registry = "docker.io";
  if (const std::size_t slash = rest.find('/');
      slash != std::string_view::npos && names_a_registry(rest.substr(0, slash))) {
    registry = rest.substr(0, slash);
    path = rest.substr(slash + 1);
    if (!is_registry(registry))
      return refuse_reference(text, "its registry is no host or host:port");
  } else if (slash == std::string_view::npos) {
    registry += "/library";
  }
  found.name = registry + "/" + std::string(path);
  for (std::string_view left = path;;) {
    const std::size_t slash = left.find('/');
    if (!is_component(left.substr(0, slash)))
      return refuse_reference(text,
                              "a part of it is not of lower-case letters, digits and . _ - inside");
    if (slash == std::string_view::npos) break;
    left.remove_prefix(slash + 1);
  }
  if (found.name.size() > kReferenceBytesMax) return refuse_reference(text, "it is too long");
  return found;
}

}  // namespace reeve
