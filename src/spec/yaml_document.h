// A YAML text as a tree of plain values with positions: what the readers of this folder walk. All
// nodes and texts live in a few vectors; an alias shares the node that it names. Immutable once
// built (by yaml_events.cc); YamlNode borrows the document.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/expression.h"

namespace reeve::spec {

enum class YamlKind : std::uint8_t { null, scalar, list, map };
/// How a scalar was written: only plain ones may mean a number, a truth value or null.
enum class YamlStyle : std::uint8_t { plain, quoted };

class YamlDocument;

class YamlNode {
 public:
  YamlNode(const YamlDocument& document, std::uint32_t index);

  YamlKind kind() const;
  bool is_null() const { return kind() == YamlKind::null; }
  bool is_scalar() const { return kind() == YamlKind::scalar; }
  bool is_list() const { return kind() == YamlKind::list; }
  bool is_map() const { return kind() == YamlKind::map; }
  bool is_plain() const;
  /// Of a scalar, without quotes and escapes; else "". Lives as long as the document.
  std::string_view text() const;
  std::size_t offset() const;  ///< in the source, in bytes
  std::size_t size() const;    ///< items or entries

  /// A scalar by the rules of YAML 1.2 (core schema): yes, no, on and off are texts.
  Json scalar_value() const;
  /// The whole tree; its depth is bounded by kDepthMax.
  Json json() const;

  struct Entry;
  /// For both: for (auto at = node.first(); at; at = at->next()).
  std::optional<YamlNode> first() const;
  std::optional<YamlNode> next() const;
  std::vector<YamlNode> items() const;
  std::vector<Entry> entries() const;
  /// The value of `key` in a map.
  std::optional<YamlNode> find(std::string_view key) const;

  friend bool operator==(const YamlNode& a, const YamlNode& b) { return a.index_ == b.index_; }

 private:
  const YamlDocument* document_;
  std::uint32_t link_;   ///< the node as it stands in its parent; an alias perhaps
  std::uint32_t index_;  ///< what it means
};

struct YamlNode::Entry {
  YamlNode key;
  YamlNode value;
};

struct YamlProblem {
  std::size_t offset = 0;
  std::string message;
};

class YamlDocument {
 public:
  /// Nothing for an empty text.
  std::optional<YamlNode> root() const;

 private:
  friend class YamlNode;
  friend class YamlBuilder;
  static constexpr std::uint32_t kNone = 0xffffffff;
  enum class Type : std::uint8_t { null, plain, quoted, list, map, alias };
  struct Node {
    Type type = Type::null;
    std::uint32_t offset = 0;
    std::uint32_t next = kNone;
    std::uint32_t first = kNone;  ///< first child; of an alias the node that it names
    std::uint32_t count = 0;      ///< items or entries; of a scalar the bytes of its text
    std::uint32_t text = 0;       ///< offset in texts_
  };
  std::vector<Node> nodes_;
  std::string texts_;
  std::uint32_t root_ = kNone;
};

}  // namespace reeve::spec
