// Makes the task groups and policies of one simulated workflow, each with a few of the features
// that the core has rules for. Borrows its generator and shape. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/random.h"
#include "sim/shape.h"
#include "spec/workflow.h"

namespace reeve::sim {

class TaskMaker {
 public:
  TaskMaker(Generator& random, const Shape& shape)
      : random_(random),
        batches_(shape.batch_seed),
        shape_(shape) {}

  void add_policies(spec::Workflow& workflow);
  /// A group that needs the given earlier groups of `workflow`.
  spec::TaskGroup make(const spec::Workflow& workflow, spec::Phase phase,
                       const std::vector<std::uint32_t>& needs);

 private:
  bool has(Feature feature) const { return sim::has(shape_, feature); }
  spec::Policy make_policy();
  void add_timeouts(spec::Timeouts& timeouts);
  Resources make_request();
  void add_action(spec::TaskGroup& group);
  void add_fan_out(const spec::Workflow& workflow, spec::TaskGroup& group);
  void add_condition(spec::TaskGroup& group);
  void add_detail(spec::TaskGroup& group);

  Generator& random_;
  Generator batches_;
  const Shape& shape_;
};

}  // namespace reeve::sim
