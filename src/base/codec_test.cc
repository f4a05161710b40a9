#include "base/codec.h"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/launch.h"

namespace reeve {
namespace {

enum class Colour : std::int8_t { red = -1, green, blue };

struct Inner {
  std::uint8_t small = 0;
  std::string text;
  friend bool operator==(const Inner&, const Inner&) = default;
  static constexpr auto fields() {
    return std::tuple{field("small", &Inner::small), field("text", &Inner::text)};
  }
};

struct Outer {
  bool flag = false;
  Colour colour = Colour::red;
  std::int16_t narrow = 0;
  std::int64_t wide = 0;
  std::uint64_t natural = 0;
  double ratio = 0;
  Duration duration{0};
  Time time{};
  Uuid uuid;
  Digest digest;
  TaskId task;
  Token token;
  std::vector<Inner> list;
  std::optional<Inner> maybe;
  std::variant<std::monostate, Inner, std::int32_t> choice;
  std::pair<std::string, std::uint32_t> pair;
  friend bool operator==(const Outer&, const Outer&) = default;
  static constexpr auto fields() {
    return std::tuple{field("flag", &Outer::flag),         field("colour", &Outer::colour),
                      field("narrow", &Outer::narrow),     field("wide", &Outer::wide),
                      field("natural", &Outer::natural),   field("ratio", &Outer::ratio),
                      field("duration", &Outer::duration), field("time", &Outer::time),
                      field("uuid", &Outer::uuid),         field("digest", &Outer::digest),
                      field("task", &Outer::task),         field("token", &Outer::token),
                      field("list", &Outer::list),         field("maybe", &Outer::maybe),
                      field("choice", &Outer::choice),     field("pair", &Outer::pair)};
  }
};

template <class T>
std::string encoded(const T& value) {
  std::string out;
  Writer writer(out);
  encode(writer, value);
  return out;
}

template <class T>
std::optional<T> decoded(std::string_view bytes) {
  Reader reader(bytes);
  T value{};
  if (!decode(reader, value) || !reader.at_end()) return std::nullopt;
  return value;
}

Inner any_inner() {
  return {*rc::gen::arbitrary<std::uint8_t>(), *rc::gen::arbitrary<std::string>()};
}

Outer any_outer() {
  Outer outer;
  outer.flag = *rc::gen::arbitrary<bool>();
  outer.colour = *rc::gen::element(Colour::red, Colour::green, Colour::blue);
  outer.narrow = *rc::gen::arbitrary<std::int16_t>();
  outer.wide = *rc::gen::arbitrary<std::int64_t>();
  outer.natural = *rc::gen::arbitrary<std::uint64_t>();
  outer.ratio = *rc::gen::arbitrary<double>();
  outer.duration = Duration{*rc::gen::arbitrary<std::int64_t>()};
  outer.time = Time{Duration{*rc::gen::arbitrary<std::int64_t>()}};
  for (auto& byte : outer.uuid.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  for (auto& byte : outer.digest.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  outer.task = TaskId::from_packed(*rc::gen::arbitrary<std::uint64_t>());
  outer.token.value = *rc::gen::arbitrary<std::uint64_t>();
  const auto count = *rc::gen::inRange<std::size_t>(0, 5);
  for (std::size_t i = 0; i < count; ++i) outer.list.push_back(any_inner());
  if (*rc::gen::arbitrary<bool>()) outer.maybe = any_inner();
  const auto which = *rc::gen::inRange(0, 3);
  if (which == 1) outer.choice = any_inner();
  if (which == 2) outer.choice = *rc::gen::arbitrary<std::int32_t>();
  outer.pair = {*rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::uint32_t>()};
  return outer;
}

TEST(Varint, HasTheKnownForms) {
  const std::vector<std::pair<std::uint64_t, std::string>> table{
      {0, std::string("\0", 1)},
      {1, "\x01"},
      {127, "\x7f"},
      {128, "\x80\x01"},
      {300, "\xac\x02"},
      {std::numeric_limits<std::uint64_t>::max(), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}};
  for (const auto& [value, bytes] : table) {
    EXPECT_EQ(encoded(value), bytes);
    EXPECT_EQ(decoded<std::uint64_t>(bytes), value);
  }
}

TEST(Varint, RefusesOverlongCutOffAndTooLarge) {
  using namespace std::string_literals;
  for (const std::string& bytes :
       {""s, "\x80"s, "\x80\x00"s, "\xff\x80\x00"s, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"s, std::string(40, '\xff')}) {
    EXPECT_EQ(decoded<std::uint64_t>(bytes), std::nullopt) << testing::PrintToString(bytes);
  }
}

TEST(Codec, ZigzagKeepsSmallNegativesSmall) {
  EXPECT_EQ(encoded(std::int64_t{-1}), "\x01");
  EXPECT_EQ(encoded(std::int64_t{-64}).size(), 1U);
  for (const std::int64_t v : {std::numeric_limits<std::int64_t>::min(), std::int64_t{0},
                               std::numeric_limits<std::int64_t>::max()})
    EXPECT_EQ(decoded<std::int64_t>(encoded(v)), v);
}

TEST(Codec, RefusesNumbersThatDoNotFit) {
  EXPECT_EQ(decoded<std::uint8_t>(encoded(std::uint64_t{256})), std::nullopt);
  EXPECT_EQ(decoded<std::int16_t>(encoded(std::int64_t{-40000})), std::nullopt);
  EXPECT_EQ(decoded<bool>(encoded(std::uint64_t{2})), std::nullopt);
  EXPECT_EQ(decoded<OutcomeClass>(encoded(std::uint64_t{256})), std::nullopt);
  EXPECT_EQ((decoded<std::variant<bool, bool>>(encoded(std::uint64_t{2}))), std::nullopt);
}

TEST(Codec, KeepsEnumeratorsThatItDoesNotKnow) {
  EXPECT_EQ(decoded<OutcomeClass>(encoded(std::uint64_t{200})), static_cast<OutcomeClass>(200));
}

TEST(Codec, DoesNotTrustCounts) {
  std::string bytes = encoded(std::uint64_t{kCodecListMax});
  EXPECT_EQ(decoded<std::vector<Outer>>(bytes), std::nullopt);
  bytes = encoded(std::uint64_t{kCodecListMax + 1}) + std::string(kCodecListMax + 1, '\0');
  EXPECT_EQ(decoded<std::vector<std::uint8_t>>(bytes), std::nullopt);
  EXPECT_EQ(decoded<std::string>(encoded(std::numeric_limits<std::uint64_t>::max()) + "abc"),
            std::nullopt);
}

TEST(Reader, FailsForGoodAfterTheFirstFailure) {
  Reader reader("\x05xyz");
  std::string text;
  EXPECT_FALSE(decode(reader, text));
  std::uint64_t number = 0;
  std::string_view view;
  EXPECT_FALSE(reader.varint(number));
  EXPECT_FALSE(reader.bytes(0, view));
  EXPECT_FALSE(reader.at_end());
}

RC_GTEST_PROP(Codec, GivesBackWhatItWasGiven, ()) {
  const Outer outer = any_outer();
  RC_ASSERT(decoded<Outer>(encoded(outer)) == outer);
}

RC_GTEST_PROP(Codec, RefusesEveryBeginningOfARecord, ()) {
  const std::string bytes = encoded(any_outer());
  const auto size = *rc::gen::inRange<std::size_t>(0, bytes.size());
  RC_ASSERT(!decoded<Outer>(std::string_view(bytes).substr(0, size)));
}

RC_GTEST_PROP(Codec, SurvivesHostileBytes, (const std::string& bytes)) {
  // A value has one spelling, so whatever is accepted is written again as it came.
  if (const auto outer = decoded<Outer>(bytes)) RC_ASSERT(encoded(*outer) == bytes);
  if (const auto end = decoded<AttemptEnd>(bytes)) RC_ASSERT(encoded(*end) == bytes);
  if (const auto launch = decoded<Launch>(bytes)) RC_ASSERT(encoded(*launch) == bytes);
}

RC_GTEST_PROP(Codec, SurvivesChangedRecords, ()) {
  std::string bytes = encoded(any_outer());
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[at] = *rc::gen::arbitrary<char>();
  if (const auto outer = decoded<Outer>(bytes)) RC_ASSERT(encoded(*outer) == bytes);
}

}  // namespace
}  // namespace reeve
