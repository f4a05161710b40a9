// Workflows for simulated worlds: random graphs with everything that the core has rules for, built
// as values and ended with spec::finish(), and some written as YAML text. Limits of one lock or
// concurrency group are the same in all workflows of a world, so that a checker can know them.
// Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/shape.h"
#include "spec/workflow.h"

namespace reeve::sim {

// shared: as in RunRecord
using WorkflowPointer = std::shared_ptr<const spec::Workflow>;

/// The workflows of a world.
std::vector<WorkflowPointer> make_workflows(std::uint64_t seed, const Shape& shape);

/// One of them, by number; always the same for a seed.
WorkflowPointer make_workflow(std::uint64_t seed, std::uint32_t number, const Shape& shape);
/// A workflow as people write it; always valid.
std::string make_yaml(std::uint64_t seed, std::uint32_t number, const Shape& shape);

}  // namespace reeve::sim
