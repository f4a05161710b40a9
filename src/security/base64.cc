#include "security/base64.h"

#include <sodium.h>

#include "base/ensure.h"

namespace reeve::security {

std::string to_base64(std::string_view bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  ENSURE(sodium_bin2base64(out.data(), out.size(),
                           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                           sodium_base64_VARIANT_ORIGINAL) != nullptr);
  out.pop_back();  // the NUL
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  std::size_t length = 0;
  const char* end = nullptr;
  const bool is_good =
      sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                        text.size(), nullptr, &length, &end, sodium_base64_VARIANT_ORIGINAL) == 0;
  if (!is_good || end != text.data() + text.size())
    return fail(ErrorCode::invalid_argument, "this is no base64 (RFC 4648, with padding)");
  out.resize(length);
  return out;
}

}  // namespace reeve::security
