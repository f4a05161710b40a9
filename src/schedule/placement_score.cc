#include "schedule/placement_score.h"

#include <fmt/format.h>

namespace reeve::schedule {
namespace {

void add_term(std::string& text, std::string_view term, const std::string& worth) {
  text.append(text.empty() || text.ends_with(": ") ? "" : ", ")
      .append(term)
      .append(" ")
      .append(worth);
}

void add_head_start(std::string& text, std::string_view term, Duration worth) {
  if (worth == Duration{0}) return;
  add_term(
      text, term,
      (worth < Duration{0} ? "-" : "") + format_duration(worth < Duration{0} ? -worth : worth));
}

}  // namespace

std::string describe(const PlacementScore& score) {
  std::string order;
  add_head_start(order, "priority", score.priority);
  add_head_start(order, "deadline", score.deadline);
  add_head_start(order, "length", score.length);
  if (score.share_permille > 0)
    add_term(order, "share", fmt::format("{:.1f} %", score.share_permille / 10.0));
  if (score.candidates < 2) return order;
  std::string node = fmt::format("{}node {} of {} with room: ", order.empty() ? "" : "; ",
                                 score.score, score.candidates);
  for (std::size_t i = 0; i < kNodeTermCount; ++i)
    add_term(node, name(static_cast<NodeTerm>(i)), std::to_string(score.terms[i]));
  return order + node;
}

}  // namespace reeve::schedule
