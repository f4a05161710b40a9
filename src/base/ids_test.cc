#include "base/ids.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve {
namespace {

Uuid any_uuid() {
  Uuid uuid;
  for (auto& byte : uuid.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return uuid;
}

Uuid uuid_of(std::initializer_list<std::uint8_t> bytes) {
  Uuid uuid;
  std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  return uuid;
}

TEST(TaskId, PacksRunAndIndex) {
  const TaskId id{RunId{7}, 9};
  EXPECT_EQ(id.packed(), 0x0000000700000009U);
  EXPECT_EQ(TaskId::from_packed(id.packed()), id);
}

TEST(Uuid, FollowsTheExampleOfRfc9562) {
  // Appendix A.6.
  EXPECT_EQ(Uuid::from_parts(0x017F22E279B0, 0xCC3, 0x18C4DC0C0C07398F),
            uuid_of({0x01, 0x7F, 0x22, 0xE2, 0x79, 0xB0, 0x7C, 0xC3, 0x98, 0xC4, 0xDC, 0x0C, 0x0C,
                     0x07, 0x39, 0x8F}));
}

TEST(FormatUuid, FollowsTheExamplesOfTypeId) {
  EXPECT_EQ(format_uuid("", Uuid{}), "00000000000000000000000000");
  Uuid largest;
  largest.bytes.fill(0xFF);
  EXPECT_EQ(format_uuid("", largest), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
  EXPECT_EQ(format_uuid("prefix", uuid_of({0x01, 0x89, 0x0a, 0x5d, 0xac, 0x96, 0x77, 0x4b, 0xbc,
                                           0xce, 0xb3, 0x02, 0x09, 0x9a, 0x80, 0x57})),
            "prefix_01h455vb4pex5vsknk084sn02q");
}

TEST(ParseUuid, RefusesWhatItDoesNotWrite) {
  const std::vector<std::string> bad{"",
                                     "run_",
                                     "run",
                                     "01h455vb4pex5vsknk084sn02q",
                                     "task_01h455vb4pex5vsknk084sn02q",
                                     "run-01h455vb4pex5vsknk084sn02q",
                                     "run_01h455vb4pex5vsknk084sn02",
                                     "run_01h455vb4pex5vsknk084sn02qq",
                                     "run_81h455vb4pex5vsknk084sn02q",
                                     "run_01H455VB4PEX5VSKNK084SN02Q",
                                     "run_01h455vb4pex5vsknk084sn02u",
                                     "run_u1h455vb4pex5vsknk084sn02q",
                                     "run_01h455vb4pex5vsknk084sn02 "};
  for (const std::string& text : bad) {
    const auto parsed = parse_uuid("run", text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE(parsed.error().message.empty());
  }
}

RC_GTEST_PROP(Uuid, SortsByTimeAlsoAsText, (std::uint64_t high, std::uint64_t low)) {
  const auto earlier = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 47);
  const auto step = *rc::gen::inRange<std::uint64_t>(1, std::uint64_t{1} << 40);
  const Uuid first = Uuid::from_parts(earlier, high, low);
  const Uuid second = Uuid::from_parts(earlier + step, low, high);
  RC_ASSERT(first < second);
  RC_ASSERT(format_uuid("run", first) < format_uuid("run", second));
  RC_ASSERT((first.bytes[6] >> 4) == 7);
  RC_ASSERT((first.bytes[8] >> 6) == 2);
}

RC_GTEST_PROP(ParseUuid, ReadsWhatFormatWrites, ()) {
  const Uuid uuid = any_uuid();
  RC_ASSERT(parse_uuid("run", format_uuid("run", uuid)) == uuid);
  RC_ASSERT(parse_uuid("", format_uuid("", uuid)) == uuid);
}

RC_GTEST_PROP(ParseUuid, HasOneSpelling, ()) {
  std::string text = format_uuid("run", any_uuid());
  text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
  if (const auto parsed = parse_uuid("run", text)) RC_ASSERT(format_uuid("run", *parsed) == text);
}

}  // namespace
}  // namespace reeve
