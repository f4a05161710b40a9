#include "spec/yaml_document.h"

#include <limits>

#include "spec/expression_lexer.h"

namespace reeve::spec {
namespace {

bool is_number_digit(char c) { return c >= '0' && c <= '9'; }

// [-+]? ( . [0-9]+ | [0-9]+ ( . [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_decimal(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && is_number_digit(text[at])) ++at;
    return at > start;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  const bool whole = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits() && !whole) return false;
  } else if (!whole) {
    return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

bool is_one_of(std::string_view text, std::string_view a, std::string_view b, std::string_view c) {
  return text == a || text == b || text == c;
}

std::optional<Json> special_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (is_one_of(text, ".inf", ".Inf", ".INF")) {
    const double infinity = std::numeric_limits<double>::infinity();
    return Json(negative ? -infinity : infinity);
  }
  return std::nullopt;
}

Json resolve_plain(std::string_view text) {
  if (text.empty() || text == "~" || is_one_of(text, "null", "Null", "NULL")) return Json(nullptr);
  if (is_one_of(text, "true", "True", "TRUE")) return Json(true);
  if (is_one_of(text, "false", "False", "FALSE")) return Json(false);
  if (is_one_of(text, ".nan", ".NaN", ".NAN"))
    return Json(std::numeric_limits<double>::quiet_NaN());
  if (auto number = special_number(text)) return std::move(*number);
  const bool radix = text.starts_with("0x") || text.starts_with("0o");
  if (radix || is_decimal(text)) {
    if (auto number = parse_number(text)) return std::move(*number);
  }
  return Json(text);
}

}  // namespace

YamlNode::YamlNode(const YamlDocument& document, std::uint32_t index)
    : document_(&document),
      link_(index),
      index_(index) {
  const YamlDocument::Node& node = document.nodes_[index];
  if (node.type == YamlDocument::Type::alias) index_ = node.first;
}

YamlKind YamlNode::kind() const {
  switch (document_->nodes_[index_].type) {
    case YamlDocument::Type::list: return YamlKind::list;
    case YamlDocument::Type::map: return YamlKind::map;
    case YamlDocument::Type::plain:
    case YamlDocument::Type::quoted: return YamlKind::scalar;
    default: return YamlKind::null;
  }
}

bool YamlNode::is_plain() const {
  return document_->nodes_[index_].type == YamlDocument::Type::plain;
}

std::string_view YamlNode::text() const {
  if (!is_scalar()) return {};
  const YamlDocument::Node& node = document_->nodes_[index_];
  return std::string_view(document_->texts_).substr(node.text, node.count);
}

std::size_t YamlNode::offset() const { return document_->nodes_[index_].offset; }

std::size_t YamlNode::size() const {
  return is_list() || is_map() ? document_->nodes_[index_].count : 0;
}

std::optional<YamlNode> YamlNode::first() const {
  if (!is_list() && !is_map()) return std::nullopt;
  const std::uint32_t child = document_->nodes_[index_].first;
  if (child == YamlDocument::kNone) return std::nullopt;
  return YamlNode(*document_, child);
}

std::optional<YamlNode> YamlNode::next() const {
  const std::uint32_t sibling = document_->nodes_[link_].next;
  if (sibling == YamlDocument::kNone) return std::nullopt;
  return YamlNode(*document_, sibling);
}

std::vector<YamlNode> YamlNode::items() const {
  std::vector<YamlNode> out;
  if (!is_list()) return out;
  out.reserve(size());
  for (auto item = first(); item; item = item->next()) out.push_back(*item);
  return out;
}

std::vector<YamlNode::Entry> YamlNode::entries() const {
  std::vector<Entry> out;
  if (!is_map()) return out;
  out.reserve(size());
  for (auto key = first(); key;) {
    const auto value = key->next();
    out.push_back({*key, *value});
    key = value->next();
  }
  return out;
}

std::optional<YamlNode> YamlNode::find(std::string_view key) const {
  for (auto at = is_map() ? first() : std::nullopt; at;) {
    const auto value = at->next();
    if (at->text() == key) return value;
    at = value->next();
  }
  return std::nullopt;
}

Json YamlNode::scalar_value() const {
  if (!is_scalar()) return Json(nullptr);
  return is_plain() ? resolve_plain(text()) : Json(text());
}

Json YamlNode::json() const {
  if (is_list()) {
    boost::json::array array;
    array.reserve(size());
    for (auto item = first(); item; item = item->next()) array.push_back(item->json());
    return Json(std::move(array));
  }
  if (is_map()) {
    boost::json::object object;
    object.reserve(size());
    for (const Entry& entry : entries()) object[entry.key.text()] = entry.value.json();
    return Json(std::move(object));
  }
  return scalar_value();
}

std::optional<YamlNode> YamlDocument::root() const {
  if (root_ == kNone) return std::nullopt;
  return YamlNode(*this, root_);
}

}  // namespace reeve::spec
