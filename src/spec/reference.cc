#include "spec/reference.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "spec/fields.h"

namespace reeve::spec {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// What stands below `path` in the file: of a list its items, of a map with free keys its values.
const Shape& inner(const Shape& shape) {
  if (!shape.fields.empty()) return shape;
  if (shape.value != nullptr && shape.value->is_map()) return *shape.value;
  if (shape.item != nullptr && shape.item->is_map()) return *shape.item;
  return shape;
}

class ReferenceWriter {
 public:
  std::string run(const Shape& file) {
    append_table("The file", file);
    // Tables may add further ones; shapes do not contain themselves, so this ends.
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const auto [title, shape] = waiting_[i];
      append_table(title, *shape);
    }
    return std::move(out_);
  }

 private:
  void append_table(const std::string& title, const Shape& shape) {
    out_ += "\n### " + title + "\n\n| key | value | |\n|---|---|---|\n";
    for (const Field& field : shape.fields) {
      if (field.shape == nullptr) continue;
      out_ += "| `" + std::string(field.name) + "`";
      for (const std::string_view alias : field.aliases) out_ += ", `" + std::string(alias) + "`";
      out_ += " | " + escaped(expectation(*field.shape));
      out_ += " | " + escaped(field.description) + (field.required ? " Required." : "") + " |\n";
      add_inner(field);
    }
  }

  void add_inner(const Field& field) {
    const Shape& shape = inner(*field.shape);
    if (shape.fields.empty()) return;
    const bool known =
        std::ranges::any_of(waiting_, [&](const auto& entry) { return entry.second == &shape; });
    if (known) return;
    const bool each = &shape != field.shape;
    waiting_.emplace_back((each ? "Each of `" : "In `") + std::string(field.name) + "`", &shape);
  }

  std::string out_;
  std::vector<std::pair<std::string, const Shape*>> waiting_;
};

}  // namespace

std::string workflow_reference() { return ReferenceWriter().run(workflow_shape()); }
std::string cluster_reference() { return ReferenceWriter().run(cluster_shape()); }

}  // namespace reeve::spec
