// Reads YAML text. The only file of the folder that knows yaml-cpp, and that catches: the library
// throws. Refuses what is not one UTF-8 document, deep nesting, aliases that expand without bound
// ("billion laughs"), aliases to themselves, tags of an application, and keys given twice.
#pragma once

#include <string_view>
#include <vector>

#include "spec/yaml_document.h"

namespace reeve::spec {

/// Nodes that all aliases of a text may stand for together.
inline constexpr std::size_t kAliasNodesMax = 1'000'000;

struct YamlText {
  YamlDocument document;  ///< without a root when the text could not be read to its end
  std::vector<YamlProblem> problems;
};

YamlText read_yaml(std::string_view source);

/// A byte order mark is allowed in front; no position counts it.
std::string_view without_mark(std::string_view source);

}  // namespace reeve::spec
