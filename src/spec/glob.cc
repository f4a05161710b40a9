#include "spec/glob.h"

#include <algorithm>

namespace reeve::spec {
namespace {

tl::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

bool is_wild(const std::u32string& name) {
  return std::ranges::any_of(name, [](char32_t c) { return c >= kAnyRun; });
}
bool is_any_names(const std::u32string& name) { return name.size() == 1 && name[0] == kAnyNames; }

// The text is UTF-8, as YAML is.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  char32_t code = first & (0x3FU >> more);
  for (int i = 0; i < more && at < text.size(); ++i)
    code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  return code;
}

std::u32string read_name(std::string_view text) {
  std::u32string name;
  if (text == "**") return {kAnyNames};
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c == U'*' && (name.empty() || name.back() != kAnyRun)) name += kAnyRun;
    if (c == U'*') continue;
    name += c == U'?' ? kAnyOne : c;
  }
  return name;
}

// The row j says whether a[0, i) and b[0, j) have a text in common, or a list of names: one step of
// a table that is filled row by row. `many` says whether an element may be any number of others,
// `same` whether two elements have something in common.
template <class Sequence, class Many, class Same>
bool has_common(const Sequence& a, const Sequence& b, Many many, Same same) {
  std::vector<char> row(b.size() + 1, 0);
  row[0] = 1;
  for (std::size_t j = 0; j < b.size(); ++j) row[j + 1] = row[j] != 0 && many(b[j]) ? 1 : 0;
  for (const auto& element : a) {
    std::vector<char> next(b.size() + 1, 0);
    next[0] = row[0] != 0 && many(element) ? 1 : 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      bool common = false;
      if (many(element) || many(b[j]))
        common = (many(element) && (row[j + 1] != 0 || next[j] != 0)) ||
                 (many(b[j]) && (next[j] != 0 || row[j + 1] != 0));
      else
        common = row[j] != 0 && same(element, b[j]);
      next[j + 1] = common ? 1 : 0;
    }
    row = std::move(next);
  }
  return row[b.size()] != 0;
}

bool names_intersect(const std::u32string& a, const std::u32string& b) {
  if (!is_wild(a) && !is_wild(b)) return a == b;
  return has_common(
      a, b, [](char32_t c) { return c == kAnyRun; },
      [](char32_t x, char32_t y) { return x == y || x == kAnyOne || y == kAnyOne; });
}

}  // namespace

Result<Glob> Glob::parse(std::string_view text) {
  if (text.empty()) return invalid("expected a path or a pattern, got an empty text");
  if (text.size() > kGlobBytesMax)
    return invalid("a pattern has at most " + std::to_string(kGlobBytesMax) + " bytes");
  if (text.find_first_of("[]{}\\") != std::string_view::npos)
    return invalid("a pattern has only *, ? and **: [ ] { } and \\ are not possible");
  Glob glob;
  glob.is_absolute_ = text.front() == '/';
  bool is_directory = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t slash = std::min(text.find('/', at), text.size());
    const std::string_view name = text.substr(at, slash - at);
    at = slash + 1;
    is_directory = slash < text.size() || name == ".";
    if (name.empty() || name == ".") continue;
    if (name == "..")
      return invalid("a pattern cannot hold '..': write the path from the root, or set workdir");
    glob.names_.push_back(read_name(name));
    // Two in a row are no more than one.
    if (glob.names_.size() > 1 && is_any_names(glob.names_.back()) &&
        is_any_names(glob.names_[glob.names_.size() - 2]))
      glob.names_.pop_back();
  }
  if (glob.names_.size() > kGlobNamesMax)
    return invalid("a pattern has at most " + std::to_string(kGlobNamesMax) + " names");
  const auto wild = std::ranges::find_if(glob.names_, is_wild);
  glob.literal_count_ = static_cast<std::size_t>(wild - glob.names_.begin());
  const bool is_open = glob.names_.empty() || !is_any_names(glob.names_.back());
  if (is_open && (is_directory || glob.names_.empty() || !is_wild(glob.names_.back())))
    glob.names_.push_back({kAnyNames});
  return glob;
}

Glob Glob::below(const Glob& directory) const {
  if (is_absolute_) return *this;
  Glob out = directory;
  if (!out.names_.empty() && is_any_names(out.names_.back())) out.names_.pop_back();
  out.names_.insert(out.names_.end(), names_.begin(), names_.end());
  const auto wild = std::ranges::find_if(out.names_, is_wild);
  out.literal_count_ = static_cast<std::size_t>(wild - out.names_.begin());
  return out;
}

bool Glob::intersect(const Glob& a, const Glob& b) {
  if (a.is_absolute_ != b.is_absolute_) {
    const Glob& relative = a.is_absolute_ ? b : a;
    Glob anywhere = relative;
    anywhere.is_absolute_ = true;
    anywhere.literal_count_ = 0;
    anywhere.names_.insert(anywhere.names_.begin(), {kAnyNames});
    return intersect(a.is_absolute_ ? a : b, anywhere);
  }
  // Most differ in a name that is spelled out.
  const std::size_t literal = std::min(a.literal_count_, b.literal_count_);
  if (!std::equal(a.names_.begin(), a.names_.begin() + static_cast<std::ptrdiff_t>(literal),
                  b.names_.begin()))
    return false;
  return has_common(a.names_, b.names_, is_any_names, names_intersect);
}

}  // namespace reeve::spec
