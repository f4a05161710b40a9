#include "spec/references.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "spec/expression_syntax.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

using Names = std::span<const std::string_view>;

// What the core has at hand where the text is rendered: before a task is made there is no matrix
// and no task; `env` itself cannot read env, because its entries have no order.
constexpr std::array<std::string_view, 2> kInputsRun{"inputs", "run"};
constexpr std::array<std::string_view, 4> kBeforeTask{"inputs", "env", "needs", "run"};
constexpr std::array<std::string_view, 5> kInEnv{"inputs", "needs", "matrix", "run", "task"};
constexpr std::array<std::string_view, 6> kInTask{"inputs", "env", "needs",
                                                  "matrix", "run", "task"};

Names contexts_at(Place place) {
  switch (place) {
    case Place::workflow_env:
    case Place::workflow_concurrency: return kInputsRun;
    case Place::workflow_output:
    case Place::condition:
    case Place::fan_out:
    case Place::task_concurrency: return kBeforeTask;
    case Place::task_env: return kInEnv;
    case Place::task_text: break;
  }
  return kInTask;
}

constexpr std::array<std::string_view, 5> kRunFields{"id", "number", "name", "attempt",
                                                     "directory"};
constexpr std::array<std::string_view, 3> kTaskContextFields{"id", "index", "attempt"};
constexpr std::array<std::string_view, 3> kNeedFields{"result", "outputs", "artifacts"};
constexpr std::array<std::string_view, 1> kArrayNames{"index"};
constexpr std::array<std::string_view, 2> kForEachNames{"item", "index"};

bool holds(Names names, std::string_view name) {
  return std::ranges::any_of(names,
                             [&](std::string_view one) { return equals_ignoring_case(one, name); });
}

class SiteChecker {
 public:
  SiteChecker(GroupNames& names, const Workflow& workflow, Diagnostics& diagnostics)
      : names_(names),
        workflow_(workflow),
        diagnostics_(diagnostics) {
    for (const EnvEntry& entry : workflow.env) workflow_env_.push_back(entry.first);
    for (const Input& input : workflow.inputs) inputs_.push_back(input.name);
  }

  void check(const ExpressionSite& site) {
    site_ = &site;
    group_ = site.group == kNoGroup ? nullptr : &workflow_.groups[site.group];
    check_status_functions();
    for (const Reference& reference : site.expression.syntax().references) {
      reference_ = &reference;
      const std::string& root = reference.path[0];
      const Names possible = contexts_at(site.place);
      if (!holds(possible, root)) {
        report("'" + root + "' is not available here; expected one of " + join_names(possible));
      } else if (root == "matrix") {
        check_matrix();
      } else if (root == "needs") {
        check_needs();
      } else if (root == "inputs") {
        check_name(inputs_, "input", "declare it under the top-level 'inputs'");
      } else if (root == "env") {
        check_env();
      } else if (root == "run") {
        check_name(kRunFields, "field of run", {});
      } else {
        check_name(kTaskContextFields, "field of task", {});
      }
    }
  }

 private:
  void report(std::string message, std::string suggestion = {}) {
    diagnostics_.error_in_text(site_->node, site_->offset + reference_->offset, std::move(message),
                               std::move(suggestion));
  }

  void check_status_functions() {
    const Syntax& syntax = site_->expression.syntax();
    if (!syntax.uses_status_function || site_->place == Place::condition) return;
    for (const SyntaxNode& node : syntax.nodes) {
      if (node.kind != SyntaxKind::call || node.function < Function::success) continue;
      diagnostics_.error_in_text(site_->node, site_->offset + node.offset,
                                 "success(), failure(), cancelled() and always() are possible "
                                 "only in 'if'");
      return;
    }
  }

  // The second name of the reference, if it is written out.
  void check_name(Names known, std::string_view what, std::string_view advice) {
    if (reference_->path.size() < 2) return;
    const std::string& name = reference_->path[1];
    if (holds(known, name)) return;
    std::string message = "unknown " + std::string(what) + " '" + name + "'";
    if (!known.empty()) {
      message += "; expected one of " + join_names(known);
    } else if (!advice.empty()) {
      message += "; " + std::string(advice);
    }
    report(std::move(message), suggestion(closest_match(name, known)));
  }

  void check_env() {
    std::vector<std::string_view> known = workflow_env_;
    const bool own = site_->place == Place::task_text && group_ != nullptr && group_->detail;
    if (own) {
      for (const EnvEntry& entry : group_->detail->env) known.push_back(entry.first);
    }
    check_name(known, "variable", "declare it under the top-level 'env'");
  }

  void check_matrix() {
    if (std::holds_alternative<std::monostate>(group_->fan_out)) {
      report("this task has no matrix, for_each or array");
    } else if (std::holds_alternative<Array>(group_->fan_out)) {
      check_name(kArrayNames, "field of an array's matrix", {});
    } else if (std::holds_alternative<ForEach>(group_->fan_out)) {
      check_name(kForEachNames, "field of a for_each's matrix", {});
    } else if (const auto* matrix = std::get_if<Matrix>(&group_->fan_out)) {
      check_leg(*matrix);
    }
  }

  void check_leg(const Matrix& matrix) {
    if (reference_->path.size() < 2) return;
    const std::string& name = reference_->path[1];
    std::vector<std::string_view> known;
    for (const Json& leg : matrix.legs) {
      for (const auto& member : leg.get_object()) {
        const std::string_view key = member.key();
        if (equals_ignoring_case(key, name)) return;
        if (std::ranges::find(known, key) == known.end()) known.push_back(key);
      }
    }
    check_name(known, "axis", {});
  }

  // A later phase sees all tasks of the phases before it; tasks of its own only when needed.
  bool is_visible(std::uint32_t target) const {
    if (group_ == nullptr) return true;  // outputs of the workflow
    if (workflow_.groups[target].phase < group_->phase) return true;
    return std::ranges::any_of(group_->needs,
                               [&](const Need& need) { return need.group.value == target; });
  }

  void check_needs() {
    const std::vector<std::string>& path = reference_->path;
    if (path.size() < 2) return;
    const std::uint32_t target = names_.find(path[1]);
    if (target == kNoGroup) {
      report("unknown task '" + path[1] + "'",
             diagnostics_.is_full() ? "" : names_.suggest(path[1]));
      return;
    }
    if (!is_visible(target)) {
      report("the task '" + path[1] + "' is not among the needs of '" + group_->id +
             "'; add it there");
      return;
    }
    if (path.size() < 3) return;
    if (!holds(kNeedFields, path[2])) {
      report(
          "unknown field '" + path[2] + "' of a need; expected one of " + join_names(kNeedFields),
          suggestion(closest_match(path[2], kNeedFields)));
      return;
    }
    if (path.size() > 3 && equals_ignoring_case(path[2], "artifacts"))
      check_artifact(workflow_.groups[target], path[3]);
  }

  void check_artifact(const TaskGroup& target, const std::string& name) {
    std::vector<std::string_view> known;
    if (target.detail) {
      for (const Artifact& artifact : target.detail->artifacts) known.push_back(artifact.name);
    }
    if (holds(known, name)) return;
    std::string message = "the task '" + target.id + "' has no artifact '" + name + "'";
    if (!known.empty()) message += "; expected one of " + join_names(known);
    report(std::move(message), suggestion(closest_match(name, known)));
  }

  GroupNames& names_;
  const Workflow& workflow_;
  Diagnostics& diagnostics_;
  std::vector<std::string_view> workflow_env_;
  std::vector<std::string_view> inputs_;
  const ExpressionSite* site_ = nullptr;
  const TaskGroup* group_ = nullptr;
  const Reference* reference_ = nullptr;
};

}  // namespace

void check_references(const std::vector<ExpressionSite>& sites, GroupNames& names,
                      const Workflow& workflow, Diagnostics& diagnostics) {
  SiteChecker checker(names, workflow, diagnostics);
  for (const ExpressionSite& site : sites) checker.check(site);
}

}  // namespace reeve::spec
