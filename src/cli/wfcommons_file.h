// Reads a graph of tasks that somebody recorded, in the format of WfCommons (WfFormat 1.3 to 1.5:
// https://github.com/wfcommons/WfFormat): names, needs and how long each took. No thread rule.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "schedule/graph_simulation.h"

namespace reeve::cli {

struct RecordedGraph {
  std::string name;
  std::vector<schedule::GraphTask> tasks;
};

/// Errors say what of the text is not as the format wants it.
Result<RecordedGraph> parse_wfcommons(const std::string& text);

}  // namespace reeve::cli
