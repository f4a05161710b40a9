#include "spec/diagnostics.h"

#include <algorithm>

namespace reeve::spec {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Of a character of several bytes: not its first.
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Bytes of the escape sequence at the front of `text` (which begins with a backslash).
std::size_t escape_size(std::string_view text) {
  if (text.size() < 2) return text.size();
  switch (text[1]) {
    case 'x': return 4;
    case 'u': return 6;
    case 'U': return 10;
    default: return 2;
  }
}

// Walks offsets that grow, so that all positions together cost one pass over the source.
class LineCounter {
 public:
  explicit LineCounter(std::string_view source) : source_(source) {}

  void advance(std::size_t offset) {
    offset = std::min(offset, source_.size());
    for (; at_ < offset; ++at_) {
      if (source_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if (!is_continuation(source_[at_])) {
        ++column_;  // characters, not bytes
      }
    }
  }
  int line() const { return line_; }
  int column() const { return column_; }

 private:
  std::string_view source_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
};

}  // namespace

std::size_t locate_in_scalar(std::string_view source, std::size_t offset, std::string_view text,
                             std::size_t text_offset) {
  std::size_t at = std::min(offset, source.size());
  const char quote = at < source.size() ? source[at] : '\0';
  if (quote == '|' || quote == '>') {
    at = std::min(source.find('\n', at), source.size() - 1) + 1;
  } else if (quote == '"' || quote == '\'') {
    ++at;
  }
  std::size_t i = 0;
  while (at < source.size() && i < text.size()) {
    const char c = source[at];
    if (quote == '"' && c == '\\') {
      if (i >= text_offset) break;
      at += escape_size(source.substr(at));
      ++i;
      while (i < text.size() && is_continuation(text[i])) ++i;
    } else if (c == text[i]) {
      if (i >= text_offset) break;
      at += quote == '\'' && c == '\'' ? 2 : 1;
      ++i;
    } else if (is_blank(c)) {
      ++at;  // indentation, or the line break of a folded line
    } else if (is_blank(text[i])) {
      ++i;  // a folded line break that the source writes otherwise
    } else {
      return offset;  // not the text of this scalar: an anchor or a tag stands in front
    }
  }
  return std::min(at, source.size());
}

void Diagnostics::error(std::size_t offset, std::string message, std::string suggestion) {
  if (is_full()) {
    more_ = true;
    return;
  }
  ++errors_;
  found_.push_back({offset, std::move(message), std::move(suggestion)});
}

void Diagnostics::warning(const YamlNode& node, std::string message) {
  if (found_.size() - errors_ >= kDiagnosticsMax) return;
  found_.push_back({node.offset(), std::move(message), {}, Severity::warning});
}

int Diagnostics::line_of(std::size_t offset) const {
  LineCounter position(source_);
  position.advance(offset);
  return position.line();
}

void Diagnostics::error_in_text(const YamlNode& node, std::size_t text_offset, std::string message,
                                std::string suggestion) {
  const std::size_t offset = locate_in_scalar(source_, node.offset(), node.text(), text_offset);
  error(offset, std::move(message), std::move(suggestion));
}

std::vector<Diagnostic> Diagnostics::take() {
  std::stable_sort(found_.begin(), found_.end(),
                   [](const Found& a, const Found& b) { return a.offset < b.offset; });
  std::vector<Diagnostic> out;
  LineCounter position(source_);
  for (Found& found : found_) {
    position.advance(found.offset);
    out.push_back({.severity = found.severity,
                   .file = std::string(origin_),
                   .line = position.line(),
                   .column = position.column(),
                   .message = std::move(found.message),
                   .suggestion = std::move(found.suggestion)});
  }
  if (more_ && !out.empty()) {
    Diagnostic last = out.back();
    last.message = "there are more errors than the " + std::to_string(kDiagnosticsMax) + " shown";
    last.suggestion.clear();
    last.severity = Severity::error;
    out.push_back(std::move(last));
  }
  found_.clear();
  errors_ = 0;
  return out;
}

std::string Diagnostic::text() const {
  std::string out = file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
  out += severity == Severity::error ? "error: " : "warning: ";
  out += message;
  if (!suggestion.empty()) out += "; " + suggestion;
  return out;
}

}  // namespace reeve::spec
