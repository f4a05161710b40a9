// Collects what is wrong with one file, with line and column. Keeps the first kDiagnosticsMax
// errors and as many warnings. One owner; borrows the source text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "spec/parse.h"
#include "spec/yaml_document.h"

namespace reeve::spec {

inline constexpr std::size_t kDiagnosticsMax = 100;

class Diagnostics {
 public:
  Diagnostics(std::string_view source, std::string_view origin)
      : source_(source),
        origin_(origin) {}

  void error(std::size_t offset, std::string message, std::string suggestion = {});
  void error(const YamlNode& node, std::string message, std::string suggestion = {}) {
    error(node.offset(), std::move(message), std::move(suggestion));
  }
  /// Inside the text of a scalar: `text_offset` counts in node.text(), the position in the source
  /// is found through quotes, escapes, folded lines and indentation.
  void error_in_text(const YamlNode& node, std::size_t text_offset, std::string message,
                     std::string suggestion = {});

  /// What can be obeyed, but is probably not meant.
  void warning(const YamlNode& node, std::string message);

  bool has_errors() const { return errors_ > 0; }
  /// Whether more errors would not be kept: then suggestions need not be searched.
  bool is_full() const { return errors_ >= kDiagnosticsMax; }
  /// From 1: for messages that name another place of the file.
  int line_of(std::size_t offset) const;
  /// Sorted by position.
  std::vector<Diagnostic> take();

 private:
  struct Found {
    std::size_t offset;
    std::string message;
    std::string suggestion;
    Severity severity = Severity::error;
  };

  std::string_view source_;
  std::string_view origin_;
  std::vector<Found> found_;
  std::size_t errors_ = 0;
  bool more_ = false;  ///< errors
};

/// For tests: where byte `text_offset` of `text` stands in `source`, whose scalar begins at
/// `offset`.
std::size_t locate_in_scalar(std::string_view source, std::size_t offset, std::string_view text,
                             std::size_t text_offset);

}  // namespace reeve::spec
