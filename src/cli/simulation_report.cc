#include "cli/simulation_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/time.h"

namespace reeve::cli {
namespace {

using schedule::LogJob;
using schedule::WorkloadLog;

constexpr int kWidth = 1000;
constexpr int kLeft = 60;  // room for the axis
constexpr int kChartHeight = 160;
constexpr int kGanttHeight = 320;
constexpr std::size_t kBins = 500;
constexpr std::size_t kJobsMax = 800;  // in a Gantt chart: more cannot be told apart
constexpr const char* kColours[] = {"#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed",
                                    "#0891b2", "#65a30d", "#dc2626", "#475569"};

const char* colour(std::size_t index) { return kColours[index % std::size(kColours)]; }

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string time_text(double seconds) {
  return format_duration(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

/// Times of the log, from its first submission.
struct TimeSpan {
  Duration begin{0};
  Duration end{0};
  double length() const { return std::max(seconds_of(end - begin), 1e-6); }
  double x(Duration at) const {
    return kLeft + (kWidth - kLeft) * seconds_of(at - begin) / length();
  }
};

Duration start_of(const WorkloadLog& log, const SimulatedPolicy& policy, std::size_t job) {
  return log.jobs[job].submitted + policy.result.jobs[job].wait;
}

std::string processors_text(const WorkloadLog& log, std::int64_t units) {
  return fmt::format("{:g}", static_cast<double>(units) / static_cast<double>(log.units));
}

std::string axis(const TimeSpan& span, int height) {
  std::string out = fmt::format("<line x1='{0}' y1='{1}' x2='{2}' y2='{1}' stroke='#94a3b8'/>",
                                kLeft, height, kWidth);
  constexpr int kTicks = 5;
  for (int i = 0; i <= kTicks; ++i) {
    const double part = static_cast<double>(i) / kTicks;
    out += fmt::format("<text x='{:.0f}' y='{}' text-anchor='{}'>{}</text>",
                       kLeft + (kWidth - kLeft) * part, height + 16,
                       i == 0 ? "start" : (i == kTicks ? "end" : "middle"),
                       time_text(part * span.length()));
  }
  return out;
}

std::string summary_table(const std::vector<SimulatedPolicy>& policies) {
  std::string out =
      "<table><tr><th>Policy<th>Slowdown<th>p99<th>Wait<th>median<th>p99<th>max<th>Used</tr>";
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const auto& of = policies[i].summary;
    out += fmt::format(
        "<tr><td><i style='background:{}'></i>{}<td>{:.1f}<td>{:.1f}<td>{}<td>{}<td>{}<td>{}"
        "<td>{:.1f} %</tr>",
        colour(i), policies[i].name, of.mean_bounded_slowdown, of.p99_bounded_slowdown,
        time_text(of.mean_wait_seconds), time_text(of.median_wait_seconds),
        time_text(of.p99_wait_seconds), time_text(of.max_wait_seconds), 100 * of.utilisation);
  }
  return out + "</table>";
}

/// Which part of the jobs waited for at most so long; the time is a logarithm.
std::string waits_chart(const WorkloadLog& log, const std::vector<SimulatedPolicy>& policies) {
  double longest = 10;
  for (const SimulatedPolicy& policy : policies)
    longest = std::max(longest, policy.summary.max_wait_seconds);
  const auto x = [&](double wait) {
    return kLeft + (kWidth - kLeft) * std::log1p(wait) / std::log1p(longest);
  };
  std::string out;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    std::vector<double> waits;
    for (const auto& job : policies[p].result.jobs) waits.push_back(seconds_of(job.wait));
    std::ranges::sort(waits);
    std::string points;
    for (std::size_t i = 0; i <= kBins; ++i) {
      const std::size_t at = std::min(i * waits.size() / kBins, waits.size() - 1);
      const double part = static_cast<double>(at + 1) / static_cast<double>(waits.size());
      points += fmt::format("{:.1f},{:.1f} ", x(waits[at]), kChartHeight * (1 - part));
    }
    out += fmt::format("<polyline points='{}' stroke='{}'/>", points, colour(p));
  }
  for (const double tick : {1.0, 10.0, 60.0, 600.0, 3600.0, 36'000.0, 86'400.0, 864'000.0})
    if (tick < longest)
      out += fmt::format("<text x='{:.0f}' y='{}' text-anchor='middle'>{}</text>", x(tick),
                         kChartHeight + 16, time_text(tick));
  for (const int percent : {0, 50, 100})
    out += fmt::format("<text x='{}' y='{:.0f}' text-anchor='end'>{} %</text>", kLeft - 6,
                       kChartHeight * (1 - percent / 100.0) + 4, percent);
  return fmt::format("<h2>How long the {} jobs waited</h2><svg viewBox='0 -6 {} {}'>{}</svg>",
                     log.jobs.size(), kWidth, kChartHeight + 30, out);
}

/// Means over bins of an amount that holds from one moment to another.
class Bins {
 public:
  explicit Bins(const TimeSpan& span) : span_(span), sums_(kBins) {}
  void add(Duration from, Duration to, double amount) {
    const double first = position(from);
    const double last = position(to);
    for (double at = first; at < last;) {
      const auto bin = static_cast<std::size_t>(at);
      if (bin >= kBins) return;
      const double next = std::min(last, static_cast<double>(bin) + 1);
      sums_[bin] += amount * (next - at);
      at = next;
    }
  }
  double most() const { return *std::ranges::max_element(sums_); }
  std::string line(double most) const {
    std::string points;
    for (std::size_t i = 0; i < kBins; ++i) {
      const double x = kLeft + (kWidth - kLeft) * (static_cast<double>(i) + 0.5) / kBins;
      points += fmt::format("{:.1f},{:.1f} ", x, kChartHeight * (1 - sums_[i] / most));
    }
    return points;
  }

 private:
  double position(Duration at) const {
    return std::clamp(seconds_of(at - span_.begin) / span_.length(), 0.0, 1.0) * kBins;
  }
  TimeSpan span_;
  std::vector<double> sums_;
};

std::string level_chart(const std::string& title, const std::string& most_text, double most,
                        const TimeSpan& span, const std::vector<Bins>& levels) {
  std::string out = axis(span, kChartHeight);
  for (std::size_t p = 0; p < levels.size(); ++p)
    out += fmt::format("<polyline points='{}' stroke='{}'/>", levels[p].line(most), colour(p));
  out += fmt::format(
      "<text x='{0}' y='4' text-anchor='end'>{1}</text>"
      "<text x='{0}' y='{2}' text-anchor='end'>0</text>",
      kLeft - 6, most_text, kChartHeight + 4);
  return fmt::format("<h2>{}</h2><svg viewBox='0 -6 {} {}'>{}</svg>", title, kWidth,
                     kChartHeight + 30, out);
}

std::string level_charts(const WorkloadLog& log, const std::vector<SimulatedPolicy>& policies,
                         const TimeSpan& span) {
  std::vector<Bins> used;
  std::vector<Bins> waiting;
  double most_waiting = 1;
  for (const SimulatedPolicy& policy : policies) {
    used.emplace_back(span);
    waiting.emplace_back(span);
    for (std::size_t i = 0; i < log.jobs.size(); ++i) {
      const LogJob& job = log.jobs[i];
      const Duration start = start_of(log, policy, i);
      used.back().add(start, start + job.run, static_cast<double>(job.processors));
      waiting.back().add(job.submitted, start, 1);
    }
    most_waiting = std::max(most_waiting, waiting.back().most());
  }
  const auto processors = policies.front().result.processors;
  return level_chart("Processors in use", processors_text(log, processors),
                     static_cast<double>(processors), span, used) +
         level_chart("Jobs that wait", fmt::format("{:.0f}", most_waiting), most_waiting, span,
                     waiting);
}

/// Gives each job processors by number, the lowest that are free, as ranges.
class Seats {
 public:
  explicit Seats(std::int64_t processors) { free_[0] = processors; }
  using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;  // first, count
  Ranges take(std::int64_t count) {
    Ranges taken;
    while (count > 0 && !free_.empty()) {
      const auto [first, many] = *free_.begin();
      free_.erase(free_.begin());
      const std::int64_t part = std::min(many, count);
      taken.emplace_back(first, part);
      if (part < many) free_[first + part] = many - part;
      count -= part;
    }
    return taken;
  }
  void give(const Ranges& ranges) {
    for (const auto& [first, count] : ranges) {
      const auto next = free_.lower_bound(first);
      std::int64_t many = count;
      if (next != free_.end() && next->first == first + count) {
        many += next->second;
        free_.erase(next);
      }
      const auto after = free_.lower_bound(first);
      if (after != free_.begin()) {
        const auto before = std::prev(after);
        if (before->first + before->second == first) {
          before->second += many;
          continue;
        }
      }
      free_[first] = many;
    }
  }

 private:
  std::map<std::int64_t, std::int64_t> free_;  // first -> count
};

/// The part of the log in which most waited, as long as can be drawn.
TimeSpan busiest(const WorkloadLog& log, const SimulatedPolicy& policy, const TimeSpan& whole) {
  const std::size_t window = std::min(kJobsMax, log.jobs.size());
  Duration waited{0};
  Duration most{-1};
  std::size_t begin = 0;
  for (std::size_t i = 0; i < log.jobs.size(); ++i) {
    waited += policy.result.jobs[i].wait;
    if (i >= window) waited -= policy.result.jobs[i - window].wait;
    if (i + 1 >= window && waited > most) {
      most = waited;
      begin = i + 1 - window;
    }
  }
  const std::size_t end = begin + window;
  return {log.jobs[begin].submitted, end < log.jobs.size() ? log.jobs[end].submitted : whole.end};
}

std::string gantt(const WorkloadLog& log, const SimulatedPolicy& policy, const TimeSpan& span) {
  std::vector<std::size_t> order(log.jobs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return start_of(log, policy, i); });
  Seats seats(policy.result.processors);
  std::multimap<Duration, Seats::Ranges> running;  // by end
  std::string bars;
  const double unit =
      static_cast<double>(kGanttHeight) / static_cast<double>(policy.result.processors);
  for (const std::size_t i : order) {
    const LogJob& job = log.jobs[i];
    const Duration start = start_of(log, policy, i);
    while (!running.empty() && running.begin()->first <= start) {
      seats.give(running.begin()->second);
      running.erase(running.begin());
    }
    const auto seat = running.emplace(start + job.run, seats.take(job.processors));
    if (seat->first <= span.begin || start >= span.end) continue;
    const double left = span.x(std::max(start, span.begin));
    const double right = span.x(std::min(seat->first, span.end));
    for (const auto& [first, count] : seat->second)
      bars += fmt::format(
          "<rect x='{:.2f}' y='{:.2f}' width='{:.2f}' height='{:.2f}' fill='{}'><title>job {}: {} "
          "processors for {}, waited {}</title></rect>",
          left, static_cast<double>(first) * unit, std::max(right - left, 0.3),
          std::max(static_cast<double>(count) * unit, 0.3),
          colour(static_cast<std::size_t>(std::abs(job.user))), job.number,
          processors_text(log, job.processors), format_duration(job.run),
          format_duration(policy.result.jobs[i].wait));
  }
  return fmt::format(
      "<h2>{}: who ran when, in the busiest time, from {} on; a colour is a user</h2><svg "
      "class='gantt' viewBox='0 -6 {} {}'>{}{}"
      "<text x='{}' y='10' text-anchor='end'>{}</text></svg>",
      policy.name, time_text(seconds_of(span.begin - log.jobs.front().submitted)), kWidth,
      kGanttHeight + 30, bars, axis(span, kGanttHeight), kLeft - 6,
      processors_text(log, policy.result.processors));
}

constexpr std::string_view kHead =
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>reeve simulate</title><style>"
    "body{font:15px/1.5 system-ui,sans-serif;color:#0f172a;max-width:1040px;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.4rem}h2{font-size:1rem;margin:2rem 0 .5rem}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .9rem;text-align:right;border-bottom:1px solid #e2e8f0}"
    "th{font-weight:600;color:#475569}th:first-child,td:first-child{text-align:left}"
    "i{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.5em}"
    "svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:#475569}"
    "polyline{fill:none;stroke-width:1.5}.gantt rect{stroke:#fff;stroke-width:.2}"
    "@media(prefers-color-scheme:dark){body{background:#0f172a;color:#e2e8f0}"
    "th,svg text{color:#94a3b8;fill:#94a3b8}th,td{border-color:#334155}"
    ".gantt rect{stroke:#0f172a}}</style>";

}  // namespace

std::string simulation_report(const WorkloadLog& log,
                              const std::vector<SimulatedPolicy>& policies) {
  std::string out(kHead);
  out += fmt::format("<h1>{} jobs under {} polic{}</h1>", log.jobs.size(), policies.size(),
                     policies.size() == 1 ? "y" : "ies");
  out += summary_table(policies);
  if (log.jobs.empty()) return out + "</html>\n";
  TimeSpan span{log.jobs.front().submitted, log.jobs.front().submitted};
  for (const SimulatedPolicy& policy : policies)
    for (std::size_t i = 0; i < log.jobs.size(); ++i)
      span.end = std::max(span.end, start_of(log, policy, i) + log.jobs[i].run);
  out += waits_chart(log, policies);
  out += level_charts(log, policies, span);
  const TimeSpan part = busiest(log, policies.front(), span);
  for (const SimulatedPolicy& policy : policies) out += gantt(log, policy, part);
  return out + "</html>\n";
}

}  // namespace reeve::cli
