// In which forms the value of a secret may show up in what a task writes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::supervisor {

/// Shorter values, and shorter lines of a value, are not looked for: they are in everything.
inline constexpr std::size_t kSecretFormBytesMin = 4;

/// The byte strings that give the value away, each at least kSecretFormBytesMin long, each once: of
/// the whole value (without the line breaks at its end), and of each of its lines if it has several
/// (without the blanks around them),
///  - as it is;
///  - base64 (RFC 4648 §4 and §5) at each of the three places that it can have in a longer text,
///    with and without padding, and as the lines of 64 and 76 characters that tools wrap it to;
///  - percent-encoded as RFC 3986, Python, JavaScript and HTML forms do, either case of the digits;
///  - as the text of a JSON string as the common writers escape it.
/// Inside of a longer base64 text the first and the last character may hold two to four bits of the
/// value that no form has.
std::vector<std::string> secret_forms(std::string_view value);

}  // namespace reeve::supervisor
