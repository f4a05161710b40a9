#include "base/outcome.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve {
namespace {

TEST(OutcomeClass, HasAName) {
  EXPECT_EQ(name(OutcomeClass::none), "none");
  EXPECT_EQ(name(OutcomeClass::exited), "exited");
  EXPECT_EQ(name(OutcomeClass::signalled), "signalled");
  EXPECT_EQ(name(OutcomeClass::timed_out), "timed_out");
  EXPECT_EQ(name(OutcomeClass::out_of_memory), "out_of_memory");
  EXPECT_EQ(name(OutcomeClass::lost), "lost");
  EXPECT_EQ(name(OutcomeClass::rejected), "rejected");
  EXPECT_EQ(name(OutcomeClass::start_failed), "start_failed");
  EXPECT_EQ(name(static_cast<OutcomeClass>(kOutcomeClassCount)), "unknown");
}

TEST(ShellStatus, IsWhatAShellWouldShow) {
  const auto status = [](OutcomeClass kind, std::int32_t code) {
    return shell_status(Outcome{kind, code, {}});
  };
  EXPECT_EQ(status(OutcomeClass::exited, 0), 0);
  EXPECT_EQ(status(OutcomeClass::exited, 3), 3);
  EXPECT_EQ(status(OutcomeClass::exited, 256), 125);
  EXPECT_EQ(status(OutcomeClass::signalled, 9), 137);
  EXPECT_EQ(status(OutcomeClass::signalled, 128), 125);
  EXPECT_EQ(status(OutcomeClass::timed_out, 0), 124);
  EXPECT_EQ(status(OutcomeClass::out_of_memory, 0), 137);
  EXPECT_EQ(status(OutcomeClass::lost, 0), 125);
  EXPECT_EQ(status(OutcomeClass::rejected, 0), 125);
  EXPECT_EQ(status(OutcomeClass::start_failed, 0), 125);
  EXPECT_EQ(status(OutcomeClass::none, 0), 125);
}

RC_GTEST_PROP(ShellStatus, IsZeroOnlyForSuccess, (std::int32_t code)) {
  const auto kind = static_cast<OutcomeClass>(*rc::gen::inRange(0, 12));
  const Outcome outcome{kind, code, {}};
  const int status = shell_status(outcome);
  RC_ASSERT(status >= 0 && status <= 255);
  RC_ASSERT((status == 0) == outcome.is_success());
}

}  // namespace
}  // namespace reeve
