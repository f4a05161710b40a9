#include "schedule/workload_log.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::seconds;

TEST(WorkloadLog, is_read_in_the_order_of_submission) {
  const auto log = parse_workload_log(
      "; Version: 2.2\n"
      ";  MaxProcs:   128\n"
      "\n"
      "  2 30 5 100 4 -1 -1 8 200 -1 1 7 1 3 1 1 -1 -1\r\n"
      "1 10 -1 300.7 -1 -1 -1 2 250 -1 1 9 1 -1 1 1 -1 -1");
  ASSERT_TRUE(log) << log.error().text();
  EXPECT_EQ(log->processors, 128);
  ASSERT_EQ(log->jobs.size(), 2U);
  EXPECT_EQ(log->jobs[0], (LogJob{1, seconds(10), seconds(250), 2, seconds(250), 9, -1}));
  EXPECT_EQ(log->jobs[1], (LogJob{2, seconds(30), seconds(100), 8, seconds(200), 7, 3}));
}

TEST(WorkloadLog, leaves_out_what_never_ran) {
  const auto log = parse_workload_log(
      "1 0 0 0 4 -1 -1 4 60 -1 5 1 1 1 1 1 -1 -1\n"
      "2 0 0 -1 4 -1 -1 4 60 -1 5 1 1 1 1 1 -1 -1\n"
      "3 0 0 9 -1 -1 -1 -1 60 -1 1 1 1 1 1 1 -1 -1\n"
      "4 0 0 9 4 -1 -1 -1 -1 -1 1 1 1 1 1 1 -1 -1\n");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->left_out, 3);
  ASSERT_EQ(log->jobs.size(), 1U);
  EXPECT_EQ(log->jobs[0].requested, seconds(9)) << "what was not requested is what it took";
}

TEST(WorkloadLog, takes_what_it_does_not_use_as_it_is) {
  const auto log = parse_workload_log(
      "1 1356994807 0 9 4 -1 -1 4 60 68719476736 1 1 1 1 1 1 -1 -1 cl_hermes 1:ppn=4 x86\n");
  ASSERT_TRUE(log) << log.error().text();
  EXPECT_EQ(log->jobs.size(), 1U);
}

TEST(WorkloadLog, names_the_line_that_is_wrong) {
  const auto text_of = [](std::string_view text) {
    const auto log = parse_workload_log(text);
    return log ? "good" : log.error().message;
  };
  EXPECT_TRUE(text_of("; x\n1 2 3\n").starts_with("line 2: '' is not a number"));
  EXPECT_TRUE(text_of("1 0 0 x 4 -1 -1 4 60 -1 5 1 1 1 1 1 -1 -1").starts_with("line 1: 'x' is"));
  EXPECT_TRUE(text_of("1 0 0 1e11 4 -1 -1 4 60 -1 5 1 1 1 1 1 -1 -1").starts_with("line 1: '1e"));
  EXPECT_TRUE(text_of("1 0 0 nan 4 -1 -1 4 60 -1 5 1 1 1 1 1 -1 -1").starts_with("line 1: 'nan"));
  EXPECT_EQ(text_of(""), "good");
}

RC_GTEST_PROP(WorkloadLog, is_read_or_refused_whatever_it_is, (const std::string& text)) {
  const auto log = parse_workload_log(text);
  if (log)
    for (const LogJob& job : log->jobs) RC_ASSERT(job.run > Duration{0} && job.processors > 0);
}

}  // namespace
}  // namespace reeve::schedule
