#include "executors/output_file.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "supervisor/files.h"

namespace reeve::executors {
namespace {

bool is_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_other = [](char c) { return (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || is_other(c); });
}

/// Takes lines off a text and counts them.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return true;
  }
  tl::unexpected<Error> error(std::string_view what) const {
    return fail(ErrorCode::invalid_argument,
                "REEVE_OUTPUT line " + std::to_string(number_) + ": " + std::string(what));
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

Result<std::string> read_block(Lines& lines, std::string_view word) {
  std::string value;
  std::string_view line;
  bool is_first = true;
  while (lines.next(line)) {
    if (line == word) return value;
    if (!is_first) value.push_back('\n');
    value.append(line);
    is_first = false;
  }
  return lines.error("the block is not closed by a line " + std::string(word));
}

Result<OutputValue> read_entry(Lines& lines, std::string_view line) {
  const std::size_t equals = line.find('=');
  const std::size_t arrows = line.find("<<");
  if (equals == std::string_view::npos && arrows == std::string_view::npos)
    return lines.error("expected name=value or name<<WORD");
  const bool is_block = arrows < equals;
  const std::string_view name = line.substr(0, is_block ? arrows : equals);
  if (!is_name(name)) return lines.error("a name is letters, digits, _ and -");
  if (!is_block) return OutputValue{std::string(name), std::string(line.substr(equals + 1))};
  const std::string_view word = line.substr(arrows + 2);
  if (word.empty()) return lines.error("expected a word after <<");
  TRY_ASSIGN(std::string value, read_block(lines, word));
  return OutputValue{std::string(name), std::move(value)};
}

void reject(AttemptEnd& end, std::string message) {
  end.outputs.clear();
  end.message = std::move(message);
  if (end.outcome.is_success())
    end.outcome = {OutcomeClass::rejected, 0, {ReasonCode::output_invalid, 0, 0}};
}

}  // namespace

Result<std::vector<OutputValue>> parse_output_file(std::string_view text) {
  std::vector<OutputValue> values;
  std::map<std::string, std::size_t, std::less<>> places;
  Lines lines(text);
  std::string_view line;
  while (lines.next(line)) {
    if (line.empty()) continue;
    TRY_ASSIGN(OutputValue entry, read_entry(lines, line));
    if (!is_valid_utf8(entry.value) || entry.value.find('\0') != std::string::npos)
      return lines.error("the value of " + entry.name + " is not UTF-8 text");
    const auto [place, is_new] = places.try_emplace(entry.name, values.size());
    if (is_new) {
      values.push_back(std::move(entry));
    } else {
      values[place->second].value = std::move(entry.value);
    }
  }
  return values;
}

void collect_outputs(const std::string& path, AttemptEnd& end) {
  auto text = supervisor::read_file(path, kOutputFileBytesMax);
  if (!text) return reject(end, text.error().text());
  auto values = parse_output_file(*text);
  if (!values) return reject(end, values.error().text());
  end.outputs = std::move(*values);
}

}  // namespace reeve::executors
