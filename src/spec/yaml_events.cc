#include "spec/yaml_events.h"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/text.h"
#include "spec/parse.h"

namespace reeve::spec {

// Builds the tree from the library's events. After a fatal problem it ignores what still comes: the
// library's own recursion is bounded (its DepthGuard), and so is its work by the size of the text.
class YamlBuilder final : public YAML::EventHandler {
 public:
  explicit YamlBuilder(YamlText& out) : out_(out), document_(out.document) {}

  bool is_stopped() const { return stopped_; }
  void discard() { document_.root_ = kNone; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2 && !stopped_)
      stop(mark, "a second document begins here; a workflow file holds one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (stopped_) return;
    const std::uint32_t node = add(Type::null, mark, anchor);
    complete(node);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (stopped_) return;
    const bool plain = tag == "?" || (tag.starts_with(kCoreTag) && tag != kTextTag);
    check_tag(tag, mark);
    const std::uint32_t node = add(plain ? Type::plain : Type::quoted, mark, anchor);
    document_.nodes_[node].text = static_cast<std::uint32_t>(document_.texts_.size());
    document_.nodes_[node].count = static_cast<std::uint32_t>(value.size());
    document_.texts_ += value;
    complete(node);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Type::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Type::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (stopped_) return;
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end() || !target->second.complete) {
      stop(mark, "an alias stands inside of the value that it names");
      return;
    }
    if (open_.size() + target->second.height > kDepthMax) {
      stop(mark, too_deep());
      return;
    }
    alias_nodes_ += target->second.nodes;
    if (alias_nodes_ > kAliasNodesMax) {
      stop(mark, "the aliases of this file expand to more than " + std::to_string(kAliasNodesMax) +
                     " values; write them out, or use fewer");
      return;
    }
    link(make_alias(target->second.node, mark.pos), target->second.nodes, target->second.height);
  }

 private:
  using Type = YamlDocument::Type;
  static constexpr std::uint32_t kNone = YamlDocument::kNone;
  static constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";
  static constexpr std::string_view kTextTag = "tag:yaml.org,2002:str";

  struct Anchor {
    std::uint32_t node = 0;
    std::size_t nodes = 1;  ///< that it stands for, itself included
    std::size_t height = 0;
    bool complete = false;
  };
  struct Open {
    std::uint32_t node = 0;
    std::uint32_t last = kNone;  ///< last child
    std::uint32_t children = 0;
    std::size_t nodes = 1;
    std::size_t height = 0;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_merge = false;
  };

  static std::string too_deep() {
    return "the text is nested deeper than " + std::to_string(kDepthMax) + " levels";
  }

  void stop(const YAML::Mark& mark, std::string message) {
    stopped_ = true;
    report(static_cast<std::size_t>(std::max(mark.pos, 0)), std::move(message));
  }
  void report(std::size_t offset, std::string message) {
    out_.problems.push_back({offset, std::move(message)});
  }

  void check_tag(const std::string& tag, const YAML::Mark& mark) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with(kCoreTag)) return;
    report(static_cast<std::size_t>(std::max(mark.pos, 0)),
           "tags such as '" + tag + "' mean nothing here; leave it out");
  }

  std::uint32_t new_node(Type type, int position) {
    document_.nodes_.push_back(
        {.type = type, .offset = static_cast<std::uint32_t>(std::max(position, 0))});
    return static_cast<std::uint32_t>(document_.nodes_.size() - 1);
  }

  std::uint32_t make_alias(std::uint32_t target, int position) {
    const std::uint32_t node = new_node(Type::alias, position);
    document_.nodes_[node].first = target;
    return node;
  }

  std::uint32_t add(Type type, const YAML::Mark& mark, YAML::anchor_t anchor) {
    const std::uint32_t node = new_node(type, mark.pos);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = Anchor{.node = node};
    anchor_ = anchor;
    return node;
  }

  void complete(std::uint32_t node) {
    if (anchor_ != YAML::NullAnchor) anchors_[anchor_].complete = true;
    link(node, 1, 0);
  }

  // Hangs a finished node (or alias) into the list or map that is open.
  void link(std::uint32_t node, std::size_t nodes, std::size_t height) {
    if (open_.empty()) {
      document_.root_ = node;
      return;
    }
    Open& parent = open_.back();
    if (parent.last == kNone) {
      document_.nodes_[parent.node].first = node;
    } else {
      document_.nodes_[parent.last].next = node;
    }
    const bool is_key = document_.nodes_[parent.node].type == Type::map && parent.children % 2 == 0;
    if (is_key) check_key(parent, node);
    parent.last = node;
    ++parent.children;
    parent.nodes += nodes;
    parent.height = std::max(parent.height, height + 1);
  }

  void check_key(Open& parent, std::uint32_t index) {
    const YamlDocument::Node& key = document_.nodes_[index];
    if (key.type == Type::plain && text_of(index) == "<<") parent.has_merge = true;
    if (key.type == Type::list || key.type == Type::map || key.type == Type::alias)
      report(key.offset, "a key is a plain text, not a list, a map or an alias");
  }

  std::string_view text_of(std::uint32_t index) const {
    const YamlDocument::Node& node = document_.nodes_[index];
    if (node.type != Type::plain && node.type != Type::quoted) return {};
    return std::string_view(document_.texts_).substr(node.text, node.count);
  }

  void open(Type type, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (stopped_) return;
    check_tag(tag, mark);
    if (open_.size() >= kDepthMax) {
      stop(mark, too_deep());
      return;
    }
    const std::uint32_t node = add(type, mark, anchor);
    open_.push_back({.node = node, .anchor = anchor});
  }

  void close() {
    if (stopped_) return;
    if (open_.back().has_merge) merge(open_.back());
    if (stopped_) return;
    const Open done = open_.back();
    open_.pop_back();
    const bool is_map = document_.nodes_[done.node].type == Type::map;
    document_.nodes_[done.node].count = is_map ? done.children / 2 : done.children;
    if (is_map) check_duplicates(done.node);
    if (done.anchor != YAML::NullAnchor) {
      anchors_[done.anchor] =
          Anchor{.node = done.node, .nodes = done.nodes, .height = done.height, .complete = true};
    }
    link(done.node, done.nodes, done.height);
  }

  std::uint32_t resolve(std::uint32_t index) const {
    const YamlDocument::Node& node = document_.nodes_[index];
    return node.type == Type::alias ? node.first : index;
  }

  std::vector<std::uint32_t> keys_of(std::uint32_t map) const {
    std::vector<std::uint32_t> keys;
    for (std::uint32_t key = document_.nodes_[map].first; key != kNone;) {
      keys.push_back(key);
      const std::uint32_t value = document_.nodes_[key].next;
      key = document_.nodes_[value].next;
    }
    return keys;
  }

  void check_duplicates(std::uint32_t map) {
    std::vector<std::uint32_t> keys = keys_of(map);
    std::stable_sort(keys.begin(), keys.end(),
                     [this](std::uint32_t a, std::uint32_t b) { return text_of(a) < text_of(b); });
    for (std::size_t i = 1; i < keys.size(); ++i) {
      if (text_of(keys[i]) != text_of(keys[i - 1])) continue;
      report(document_.nodes_[keys[i]].offset,
             "the key '" + std::string(text_of(keys[i])) + "' is given twice");
    }
  }

  // `<<: *base` (YAML 1.1): the entries of base that the map does not have itself.
  void merge(Open& target) {
    std::vector<std::uint32_t> sources;
    std::vector<std::uint32_t> kept;
    for (const std::uint32_t key : keys_of(target.node)) {
      if (text_of(key) != "<<" || document_.nodes_[key].type != Type::plain) {
        kept.push_back(key);
      } else {
        collect_merge_sources(document_.nodes_[key].next, sources);
      }
    }
    std::vector<std::pair<std::uint32_t, std::uint32_t>> entries;
    std::map<std::string_view, bool> seen;
    for (const std::uint32_t key : kept) {
      entries.emplace_back(key, document_.nodes_[key].next);
      seen.emplace(text_of(key), true);
    }
    for (const std::uint32_t source : sources) {
      for (const std::uint32_t key : keys_of(source)) {
        if (seen.emplace(text_of(key), true).second) entries.emplace_back(copy_entry(key));
      }
    }
    relink(target, entries);
  }

  std::pair<std::uint32_t, std::uint32_t> copy_entry(std::uint32_t key) {
    const YamlDocument::Node original = document_.nodes_[key];
    const std::uint32_t new_key = new_node(original.type, static_cast<int>(original.offset));
    document_.nodes_[new_key].text = original.text;
    document_.nodes_[new_key].count = original.count;
    const int position = static_cast<int>(document_.nodes_[original.next].offset);
    return {new_key, make_alias(resolve(original.next), position)};
  }

  void collect_merge_sources(std::uint32_t value, std::vector<std::uint32_t>& sources) {
    const std::uint32_t source = resolve(value);
    if (document_.nodes_[source].type == Type::map) {
      sources.push_back(source);
      return;
    }
    const bool is_list = document_.nodes_[source].type == Type::list;
    bool valid = is_list;
    for (std::uint32_t at = is_list ? document_.nodes_[source].first : kNone; at != kNone;
         at = document_.nodes_[at].next) {
      valid = valid && document_.nodes_[resolve(at)].type == Type::map;
      if (valid) sources.push_back(resolve(at));
    }
    if (!valid)
      report(document_.nodes_[value].offset, "'<<' merges a map or a list of maps: <<: *name");
  }

  void relink(Open& target, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& entries) {
    std::uint32_t* slot = &document_.nodes_[target.node].first;
    for (const auto& [key, value] : entries) {
      *slot = key;
      document_.nodes_[key].next = value;
      slot = &document_.nodes_[value].next;
    }
    *slot = kNone;
    target.children = static_cast<std::uint32_t>(entries.size() * 2);
  }

  YamlText& out_;
  YamlDocument& document_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  YAML::anchor_t anchor_ = YAML::NullAnchor;  ///< of the node that was added last
  std::size_t alias_nodes_ = 0;
  int documents_ = 0;
  bool stopped_ = false;
};

namespace {

// What the library would pass over or mangle.
std::optional<YamlProblem> find_bad_bytes(std::string_view source) {
  if (source.size() > kSourceBytesMax) {
    return YamlProblem{0,
                       "the file is larger than " + std::to_string(kSourceBytesMax >> 20) + " MiB"};
  }
  const std::size_t nul = source.find('\0');
  if (nul != std::string_view::npos) return YamlProblem{nul, "a NUL byte; the file is not text"};
  if (is_valid_utf8(source)) return std::nullopt;
  std::size_t at = 0;
  while (at < source.size()) {
    std::size_t length = 1;
    while (length <= 4 && !is_valid_utf8(source.substr(at, length))) ++length;
    if (length > 4 || at + length > source.size()) break;
    at += length;
  }
  return YamlProblem{at, "the file is not UTF-8 text (a byte that no UTF-8 character has here)"};
}

struct PlainMessage {
  std::string_view library;  ///< what yaml-cpp says
  std::string_view ours;
};
constexpr std::array kPlainMessages{
    PlainMessage{"bad file", "the text is nested too deep"},  // its DepthGuard
    PlainMessage{"illegal map value",
                 "unexpected ':'; check the indentation, and quote a text that holds ': '"},
    PlainMessage{"unknown token", "a text cannot begin with this character; put it in quotes"},
    PlainMessage{"end of map not found", "the map ends here unexpectedly; check the indentation"},
    PlainMessage{"end of sequence not found",
                 "the list ends here unexpectedly; check the indentation"},
    PlainMessage{"end of map flow not found", "a '{' is not closed, or a ',' is missing"},
    PlainMessage{"end of sequence flow not found", "a '[' is not closed, or a ',' is missing"},
    PlainMessage{"illegal EOF in scalar", "a quoted text is not closed"},
    PlainMessage{"illegal tab when looking for indentation",
                 "a tab in the indentation; YAML wants spaces"},
};

std::string plainly(std::string_view message) {
  const auto row = std::ranges::find(kPlainMessages, message, &PlainMessage::library);
  return row == kPlainMessages.end() ? "this is not YAML: " + std::string(message)
                                     : std::string(row->ours);
}

}  // namespace

YamlText read_yaml(std::string_view source) {
  YamlText out;
  if (auto problem = find_bad_bytes(source)) {
    out.problems.push_back(std::move(*problem));
    return out;
  }
  YamlBuilder builder(out);
  try {
    std::istringstream stream{std::string(source)};
    YAML::Parser parser(stream);
    while (!builder.is_stopped() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& failure) {
    if (!builder.is_stopped()) {
      const int position = std::max(failure.mark.pos, 0);
      out.problems.push_back({static_cast<std::size_t>(position), plainly(failure.msg)});
    }
    builder.discard();
  }
  if (builder.is_stopped()) builder.discard();
  return out;
}

std::string_view without_mark(std::string_view source) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (source.starts_with(kByteOrderMark)) source.remove_prefix(kByteOrderMark.size());
  return source;
}

}  // namespace reeve::spec
