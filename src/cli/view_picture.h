// What of a run fits on a terminal, and how it looks: first what is shown is chosen (a picture: a
// small copy), then it is drawn as lines. Failed, running and waiting tasks go before finished
// ones; what is left out is counted. Never more rows or columns than given. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "api/run_json.h"
#include "cli/run_tracker.h"
#include "cli/styled_text.h"

namespace reeve::cli {

struct ViewShape {
  int columns = 80;
  int rows = 24;  ///< of the terminal; the view leaves one for the cursor
  bool ascii = false;
};

using api::StateCounts;

struct PictureGroup {
  GroupModel group;             ///< `tasks`: only those that get a line
  std::size_t tasks_shown = 0;  ///< of a fan-out
  std::string waits_for;
};

struct Picture {
  RunModel run;  ///< without groups
  std::vector<PictureGroup> groups;
  StateCounts counts{};          ///< of all tasks
  std::uint64_t total = 0;       ///< tasks that are known
  std::uint64_t unexpanded = 0;  ///< groups that will fan out
  std::uint64_t not_begun = 0;   ///< other groups of which nothing has started
  std::uint64_t hidden_finished = 0;
  std::uint64_t hidden_active = 0;
  std::uint64_t hidden_waiting = 0;
  std::uint64_t hidden() const { return hidden_finished + hidden_active + hidden_waiting; }
};

/// `rows`: of the terminal.
Picture take_picture(const RunModel& model, int rows);
std::vector<Line> render_view(const Picture& picture, const ViewShape& shape, Time now);

/// "✔ 812  ✖ 1  ▶ 2  … 185", with words where `words`. Counts of nothing are left out.
Line counters(const StateCounts& counts, bool words, bool ascii);
StateCounts counts_of(const GroupModel& group);
/// The state that stands for the whole group.
core::TaskState state_of(const GroupModel& group);

}  // namespace reeve::cli
