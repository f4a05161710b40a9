// What happens in a run as lines of text, and how it ended: for pipes, files and CI, and below the
// live view. Pure but for the local time zone.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "cli/run_follower.h"
#include "cli/styled_text.h"

namespace reeve::cli {

/// "18:09:06 build[3] failed: exit status 2 after 3.1s; tried again in 2.0s (attempt 1 of 4)"
Line plain_line(const Happening& happening);

/// How the run went: "✔ succeeded: census, run 12, in 12s: 23 tasks".
std::vector<Line> summary_lines(const FollowedRun& followed, bool ascii);
/// "name: value" of each of the run's outputs.
std::vector<std::string> output_lines(const FollowedRun& followed);

/// "18:09:06" in the local time zone.
std::string time_of_day(Time time);

/// Lines of output of a task, put in below what is said of it.
std::vector<Line> quoted_lines(const std::deque<std::string>& lines);

}  // namespace reeve::cli
