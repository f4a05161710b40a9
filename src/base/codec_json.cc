#include "base/codec_json.h"

#include <chrono>
#include <cmath>

#include "base/text.h"

namespace reeve::detail {

boost::json::value time_to_json(Time value) {
  if (value == kNever || value == kUnset) return nullptr;
  return text_to_json(format_time(value));
}

boost::json::value duration_to_json(Duration value) {
  return std::chrono::duration<double>(value).count();
}

boost::json::value number_to_json(double value) {
  // JSON has no NaN and no infinity.
  if (!std::isfinite(value)) return nullptr;
  return value;
}

boost::json::value bytes_to_json(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return text_to_json(out);
}

boost::json::value text_to_json(std::string_view text) {
  // JSON text is UTF-8. What is not (a file name may be anything) is shown escaped, or the whole
  // document would be refused by its reader.
  if (is_valid_utf8(text)) return boost::json::string(text);
  return boost::json::string(sanitize_for_terminal(text, LineBreaks::keep));
}

boost::json::value shape_to_json(TaskId value) {
  return boost::json::object{{"run", value.run.value}, {"index", value.index}};
}

}  // namespace reeve::detail
