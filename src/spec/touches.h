// What tasks declare that they read and write, and what follows from it: with `parallel: auto` the
// needs that keep sequential steps right, else warnings about tasks that may meet. Every algorithm
// is a loop with a bound: what is beyond a bound runs one after the other, which is always right.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/diagnostics.h"
#include "spec/glob.h"
#include "spec/parse.h"
#include "spec/workflow.h"

namespace reeve::spec {

inline constexpr std::int64_t kTouchesPerTaskMax = 1000;
inline constexpr std::size_t kFoundNeedsPerTaskMax = 1000;
/// Patterns that are compared for one file, and needs that are followed for one task.
inline constexpr std::size_t kComparisonsMax = 1'000'000;
inline constexpr std::size_t kFollowedMax = 2'000;

struct Touch {
  Glob glob;
  std::string text;  ///< as written
};
struct Touches {
  std::vector<Touch> reads;
  std::vector<Touch> writes;
  bool is_known = false;  ///< false: may touch anything
};

/// The tasks of Phase::main in the order of the file, but behind their needs. Adds to the needs of
/// each what the earlier ones that it must wait for are: those of which one writes what the other
/// touches, or one of which is not known; without those that follow from others. `touches` and
/// `keys` are by group. Warns where a task writes over what an earlier one wrote without reading
/// it or needing the task.
FoundParallelism find_needs(const std::vector<Touches>& touches, const std::vector<YamlNode>& keys,
                            Workflow& workflow, Diagnostics& diagnostics);

/// Warns about tasks that may run at the same time although one writes what the other touches.
void warn_of_meetings(const std::vector<Touches>& touches, const std::vector<YamlNode>& keys,
                      Workflow& workflow, Diagnostics& diagnostics);

}  // namespace reeve::spec
