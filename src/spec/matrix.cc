// GitHub's matrix: the product of the axes, without what `exclude` matches, then `include`.
#include <algorithm>

#include "spec/fan_out.h"
#include "spec/json_text.h"
#include "spec/workflow.h"

namespace reeve::spec {
namespace {

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::invalid_argument, "matrix: " + std::move(message));
}

/// Legs before `exclude`, times the entries that each is compared with.
constexpr std::size_t kMatrixWorkMax = 20'000'000;

struct Axis {
  std::string name;
  const boost::json::array* values;
};

Result<std::vector<const boost::json::object*>> read_legs(const Json* value,
                                                          std::string_view name) {
  std::vector<const boost::json::object*> legs;
  if (value == nullptr || value->is_null()) return legs;
  const auto* array = value->if_array();
  if (array == nullptr) {
    return bad(std::string(name) + " is a list of maps, not of kind " +
               std::string(kind_name(*value)));
  }
  for (const Json& item : *array) {
    const auto* leg = item.if_object();
    if (leg == nullptr) {
      return bad(std::string(name) + " is a list of maps; one of its elements is of kind " +
                 std::string(kind_name(item)));
    }
    legs.push_back(leg);
  }
  return legs;
}

bool matches(const boost::json::object& leg, const boost::json::object& pattern) {
  return std::all_of(pattern.begin(), pattern.end(), [&](const auto& entry) {
    const Json* value = leg.if_contains(entry.key());
    return value != nullptr && *value == entry.value();
  });
}

class Expansion {
 public:
  Result<std::vector<Json>> run(const boost::json::object& matrix) {
    TRY(read_axes(matrix));
    TRY_ASSIGN(const auto exclude, read_legs(matrix.if_contains("exclude"), "exclude"));
    TRY_ASSIGN(const auto include, read_legs(matrix.if_contains("include"), "include"));
    for (const auto* pattern : exclude) {
      for (const auto& [key, value] : *pattern) {
        if (!is_axis(key))
          return bad("exclude names '" + std::string(key) + "', which is no axis of the matrix");
      }
    }
    if (product_ * (exclude.size() + include.size()) > kMatrixWorkMax)
      return bad("too many combinations for so many entries of include and exclude");
    multiply(exclude);
    original_count_ = legs_.size();
    for (const auto* addition : include) add(*addition);
    if (legs_.size() > kMatrixLegsMax) return too_many();
    return std::vector<Json>(std::make_move_iterator(legs_.begin()),
                             std::make_move_iterator(legs_.end()));
  }

 private:
  static tl::unexpected<Error> too_many() {
    return bad("more than " + std::to_string(kMatrixLegsMax) + " combinations");
  }

  bool is_axis(std::string_view name) const {
    return std::any_of(axes_.begin(), axes_.end(),
                       [&](const Axis& axis) { return axis.name == name; });
  }

  Status read_axes(const boost::json::object& matrix) {
    for (const auto& [key, value] : matrix) {
      if (key == "include" || key == "exclude") continue;
      const auto* values = value.if_array();
      if (values == nullptr) {
        return bad("the axis '" + std::string(key) + "' is a list of values, not of kind " +
                   std::string(kind_name(value)));
      }
      if (values->empty()) return bad("the axis '" + std::string(key) + "' has no values");
      axes_.push_back({std::string(key), values});
      product_ *= values->size();
      if (product_ > kMatrixLegsMax) return too_many();
    }
    return {};
  }

  // Counts like an odometer: the last axis turns fastest.
  void multiply(const std::vector<const boost::json::object*>& exclude) {
    if (axes_.empty()) return;
    std::vector<std::size_t> position(axes_.size(), 0);
    while (true) {
      boost::json::object leg;
      leg.reserve(axes_.size());
      for (std::size_t i = 0; i < axes_.size(); ++i)
        leg[axes_[i].name] = (*axes_[i].values)[position[i]];
      const bool excluded = std::any_of(exclude.begin(), exclude.end(), [&](const auto* pattern) {
        return matches(leg, *pattern);
      });
      if (!excluded) legs_.push_back(std::move(leg));
      std::size_t turn = axes_.size();
      while (turn > 0 && ++position[turn - 1] == axes_[turn - 1].values->size())
        position[--turn] = 0;
      if (turn == 0) return;
    }
  }

  // Goes into every original leg none of whose axis values it would change; else is one itself.
  void add(const boost::json::object& addition) {
    bool added = false;
    for (std::size_t i = 0; i < original_count_; ++i) {
      const bool fits = std::all_of(addition.begin(), addition.end(), [&](const auto& entry) {
        if (!is_axis(entry.key())) return true;
        const Json* value = legs_[i].if_contains(entry.key());
        return value != nullptr && *value == entry.value();
      });
      if (!fits) continue;
      for (const auto& [key, value] : addition) legs_[i][key] = value;
      added = true;
    }
    if (!added) legs_.push_back(addition);
  }

  std::vector<Axis> axes_;
  std::vector<boost::json::object> legs_;
  std::size_t product_ = 1;
  std::size_t original_count_ = 0;
};

}  // namespace

Result<std::vector<Json>> expand_matrix(const Json& value) {
  const auto* matrix = value.if_object();
  if (matrix == nullptr) {
    return bad("expected an object {axis: [values]}, got a value of kind " +
               std::string(kind_name(value)));
  }
  return Expansion().run(*matrix);
}

}  // namespace reeve::spec
