#include "base/codec_json.h"

#include <limits>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/launch.h"

namespace reeve {
namespace {

enum class Plain : std::uint8_t { first, second };

struct Started {
  static constexpr std::string_view kType = "started";
  TaskId task;
  static constexpr auto fields() { return std::tuple{field("task", &Started::task)}; }
};
struct Event {
  std::variant<std::monostate, Started> body;
  std::optional<Plain> plain;
  std::pair<std::string, bool> pair;
  Digest digest;
  static constexpr auto fields() {
    return std::tuple{field("body", &Event::body), field("plain", &Event::plain),
                      field("pair", &Event::pair), field("digest", &Event::digest)};
  }
};

template <class T>
std::string shown(const T& value) {
  return boost::json::serialize(to_json(value));
}

TEST(ToJson, ShowsSingleValues) {
  EXPECT_EQ(shown(true), "true");
  EXPECT_EQ(shown(std::int64_t{-5}), "-5");
  EXPECT_EQ(shown(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(shown(Token{7}), "7");
  EXPECT_EQ(shown(TaskId{RunId{3}, 4}), R"({"run":3,"index":4})");
  EXPECT_EQ(to_json(Duration{1'500'000}), boost::json::value(1.5));
  EXPECT_EQ(shown(Time{Duration{0}}), R"("1970-01-01T00:00:00.000000Z")");
  EXPECT_EQ(shown(kNever), "null");
  EXPECT_EQ(shown(kUnset), "null");
  EXPECT_EQ(shown(Uuid{}), R"("00000000000000000000000000000000")");
  EXPECT_EQ(shown(std::numeric_limits<double>::quiet_NaN()), "null");
}

TEST(ToJson, NamesEnumeratorsThatHaveNames) {
  EXPECT_EQ(shown(OutcomeClass::timed_out), R"("timed_out")");
  EXPECT_EQ(shown(ReasonCode::lock_busy), R"("lock_busy")");
  EXPECT_EQ(shown(Plain::second), "1");
}

TEST(ToJson, NamesWhatIsNoEnumeratorUnknown) {
  // Reading takes any number: a damaged journal is shown, and ends nobody.
  EXPECT_EQ(to_json(static_cast<SandboxTier>(200)), "unknown");
  EXPECT_EQ(to_json(static_cast<SandboxNetwork>(200)), "unknown");
  EXPECT_EQ(to_json(static_cast<WarmKind>(200)), "unknown");
}

TEST(ToJson, ShowsStructsInTheOrderOfTheirFields) {
  EXPECT_EQ(shown(Reason{ReasonCode::exit_status, 0, 3}), R"({"code":"exit_status","b":0,"a":3})");
  Event event;
  event.body = Started{TaskId{RunId{1}, 2}};
  event.pair = {"x", true};
  EXPECT_EQ(shown(event), R"({"body":{"type":"started","task":{"run":1,"index":2}},"plain":null,)"
                          R"("pair":["x",true],"digest":")" +
                              std::string(64, '0') + "\"}");
}

TEST(ToJson, ShowsWhatIsNotUtf8Escaped) { EXPECT_EQ(shown(std::string("a\xff")), R"("a\\xff")"); }

RC_GTEST_PROP(ToJson, GivesDocumentsThatParse, (const std::string& text, std::int64_t number)) {
  AttemptEnd end;
  end.outputs.push_back({text, text});
  end.message = text;
  end.started_at = Time{Duration{number}};
  end.usage.user_cpu = Duration{number};
  boost::json::error_code error;
  boost::json::parse(shown(end), error);
  RC_ASSERT(!error);
}

}  // namespace
}  // namespace reeve
