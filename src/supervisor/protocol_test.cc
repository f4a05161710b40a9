#include "supervisor/protocol.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::supervisor {
namespace {

Launch full_launch() {
  Launch launch;
  launch.token = Token{77};
  launch.task = {RunId{3}, 9};
  launch.attempt = 2;
  launch.run = Uuid::from_parts(1, 2, 3);
  launch.arguments = {"sh", "-e"};
  launch.script = std::string("echo \0 hi", 9);
  launch.environment = {{"A", "1"}, {"B", ""}};
  launch.work_directory = "/work";
  launch.resources.cpu_millicores = 1500;
  launch.resources.countables = {{"licence", 2}};
  launch.run_timeout = std::chrono::minutes(10);
  launch.grace = std::chrono::seconds(5);
  launch.output_bytes_max = 1 << 30;
  return launch;
}

Ended full_end() {
  Ended ended;
  ended.end.token = Token{77};
  ended.end.outcome = {OutcomeClass::signalled, 9, {ReasonCode::killed_by_signal, -1, 9}};
  ended.end.usage.user_cpu = std::chrono::milliseconds(12);
  ended.end.started_at = Time{std::chrono::seconds(1'700'000'000)};
  ended.end.ended_at = Time{std::chrono::seconds(1'700'000'001)};
  ended.end.outputs = {{"answer", "42"}};
  ended.end.message = "killed";
  ended.name = {Uuid::from_parts(1, 2, 3), 9, 2};
  ended.has_output = true;
  return ended;
}

std::string all_from_engine() {
  std::string stream;
  append_message(stream, Hello{kProtocolVersion, "/home", {"PATH=/bin", "EMPTY="}});
  append_message(stream, Capacity{full_launch().resources});
  append_message(stream, full_launch());
  append_message(stream, Stop{Token{5}, true, std::chrono::seconds(3)});
  append_message(stream, Probe{Token{6}});
  append_message(stream, Forget{Token{7}});
  append_message(stream, Detach{});
  append_message(stream, EnterOrder{Token{9}, Uuid::from_parts(4, 5, 6), {"sh", "-c", ""}});
  append_message(stream, SecretsFor{Token{77}, {{"KEY", std::string("a\0b", 3)}, {"EMPTY", ""}}});
  return stream;
}

std::string all_from_supervisor() {
  std::string stream;
  append_message(stream, Welcome{kProtocolVersion, false, "no", 123});
  append_message(stream, Started{Token{5}, Time{std::chrono::seconds(5)}});
  append_message(stream, Progress{Token{5}, 40, "half"});
  append_message(stream, full_end());
  append_message(stream, Answer{Token{8}, Liveness::running});
  append_message(stream, AttemptHold{Token{9},
                                     {OutcomeClass::exited, 3, {ReasonCode::exit_status, 0, 3}},
                                     Time{std::chrono::seconds(9)}});
  append_message(stream,
                 Samples{{{.token = Token{9}, .cpu_millicores = 1500, .processes = 3}, {}}});
  return stream;
}

/// Everything that a stream holds, fed in pieces of `piece` bytes; nullopt if it is refused.
template <class Message>
std::optional<std::vector<Message>> read_all(std::string_view stream, std::size_t piece,
                                             std::optional<Message> (*decode)(std::string_view)) {
  std::vector<Message> messages;
  MessageBuffer buffer;
  while (!stream.empty()) {
    buffer.append(stream.substr(0, piece));
    stream.remove_prefix(std::min(piece, stream.size()));
    std::string_view payload;
    MessageBuffer::Next next{};
    while ((next = buffer.next(payload)) == MessageBuffer::Next::message) {
      auto message = decode(payload);
      if (!message) return std::nullopt;
      messages.push_back(std::move(*message));
    }
    if (next == MessageBuffer::Next::corrupt) return std::nullopt;
  }
  return messages;
}

TEST(Protocol, what_engines_say_survives_any_cutting) {
  for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 100UL, 100'000UL}) {
    const auto messages = read_all<FromEngine>(all_from_engine(), piece, decode_from_engine);
    ASSERT_TRUE(messages);
    ASSERT_EQ(messages->size(), 9U);
    EXPECT_EQ(std::get<Hello>((*messages)[0]).environment[0], "PATH=/bin");
    EXPECT_EQ(std::get<Capacity>((*messages)[1]).resources, full_launch().resources);
    EXPECT_EQ(std::get<Launch>((*messages)[2]), full_launch());
    EXPECT_EQ(std::get<Stop>((*messages)[3]), (Stop{Token{5}, true, std::chrono::seconds(3)}));
    EXPECT_EQ(std::get<Probe>((*messages)[4]).token, Token{6});
    EXPECT_EQ(std::get<Forget>((*messages)[5]).token, Token{7});
    EXPECT_TRUE(std::holds_alternative<Detach>((*messages)[6]));
    EXPECT_EQ(std::get<EnterOrder>((*messages)[7]).command.size(), 3U);
    EXPECT_EQ(std::get<SecretsFor>((*messages)[8]).values[0].value, std::string("a\0b", 3));
  }
}

TEST(Protocol, what_supervisors_say_survives_any_cutting) {
  for (const std::size_t piece : {1UL, 5UL, 100'000UL}) {
    const auto messages =
        read_all<FromSupervisor>(all_from_supervisor(), piece, decode_from_supervisor);
    ASSERT_TRUE(messages);
    ASSERT_EQ(messages->size(), 7U);
    EXPECT_EQ(std::get<Welcome>((*messages)[0]).why_not, "no");
    EXPECT_EQ(std::get<Started>((*messages)[1]).token, Token{5});
    EXPECT_EQ(std::get<Progress>((*messages)[2]), (Progress{Token{5}, 40, "half"}));
    EXPECT_EQ(std::get<Ended>((*messages)[3]), full_end());
    EXPECT_EQ(std::get<Answer>((*messages)[4]).liveness, Liveness::running);
    EXPECT_EQ(std::get<AttemptHold>((*messages)[5]).outcome.code, 3);
    EXPECT_EQ(std::get<Samples>((*messages)[6]).attempts[0].cpu_millicores, 1500);
  }
}

TEST(Protocol, the_version_of_a_stranger_can_always_be_read) {
  Hello hello;
  hello.version = 9999;
  std::string stream;
  append_message(stream, hello);
  std::string_view payload(stream);
  payload.remove_prefix(4);
  // Whatever another version puts behind its number.
  for (const std::string& tail : {std::string(), std::string("\xff\xff"), std::string(50, 'x')}) {
    std::string foreign(payload.substr(0, 3));  // index and a two-byte varint
    const auto message = decode_from_engine(foreign + tail);
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<Hello>(*message).version, 9999U);
  }
}

TEST(Protocol, unknown_enumerators_are_refused) {
  Ended ended = full_end();
  ended.end.outcome.kind = static_cast<OutcomeClass>(200);
  std::string stream;
  append_message(stream, ended);
  EXPECT_FALSE(decode_from_supervisor(std::string_view(stream).substr(4)));
  stream.clear();
  append_message(stream, Answer{Token{1}, static_cast<Liveness>(9)});
  EXPECT_FALSE(decode_from_supervisor(std::string_view(stream).substr(4)));
  ended = full_end();
  ended.end.outcome.reason.code = static_cast<ReasonCode>(6000);
  EXPECT_FALSE(is_valid(ended.end.outcome));
}

TEST(Protocol, an_entry_without_a_command_and_a_hold_of_nonsense_are_refused) {
  std::string stream;
  append_message(stream, EnterOrder{Token{9}, {}, {}});
  EXPECT_FALSE(decode_from_engine(std::string_view(stream).substr(4)));
  stream.clear();
  append_message(stream, AttemptHold{Token{9}, {static_cast<OutcomeClass>(99), 0, {}}, {}});
  EXPECT_FALSE(decode_from_supervisor(std::string_view(stream).substr(4)));
}

TEST(Protocol, a_length_that_no_message_has_is_corrupt) {
  MessageBuffer buffer;
  buffer.append("\xff\xff\xff\x7f");
  std::string_view payload;
  EXPECT_EQ(buffer.next(payload), MessageBuffer::Next::corrupt);
}

TEST(Protocol, empty_and_trailing_bytes_are_refused) {
  EXPECT_FALSE(decode_from_engine(""));
  std::string stream;
  append_message(stream, Probe{Token{1}});
  EXPECT_FALSE(decode_from_engine(stream.substr(4) + "x"));
}

/// Bytes changed, cut off and put in anywhere: read or refused, never worse.
RC_GTEST_PROP(Protocol, hostile_changes_do_no_harm,
              (std::vector<std::pair<std::uint16_t, std::uint8_t>> changes, std::uint16_t cut)) {
  for (std::string stream : {all_from_engine(), all_from_supervisor()}) {
    for (const auto& [place, byte] : changes) {
      if (byte % 3 == 0) stream.insert(place % stream.size(), 1, static_cast<char>(byte));
      if (byte % 3 == 1) stream[place % stream.size()] = static_cast<char>(byte);
    }
    stream.resize(stream.size() - cut % stream.size());
    static_cast<void>(read_all<FromEngine>(stream, 64, decode_from_engine));
    static_cast<void>(read_all<FromSupervisor>(stream, 64, decode_from_supervisor));
  }
}

RC_GTEST_PROP(Protocol, random_payloads_do_no_harm, (const std::string& payload)) {
  static_cast<void>(decode_from_engine(payload));
  static_cast<void>(decode_from_supervisor(payload));
}

}  // namespace
}  // namespace reeve::supervisor
