#include "observe/operator_log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/fd.h"

namespace reeve::observe {
namespace {

const Time kThen = *parse_time("2026-11-28T11:00:00Z");
constexpr auto kPlain = OperatorLog::Destination::plain;

struct Pipe {
  Fd reader;
  Fd writer;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string rest_of(Pipe& pipe) {
  pipe.writer.reset();
  std::string all;
  std::array<char, 4096> chunk{};
  ssize_t got = 0;
  while ((got = ::read(pipe.reader.get(), chunk.data(), chunk.size())) > 0)
    all.append(chunk.data(), static_cast<std::size_t>(got));
  return all;
}

LogEntry entry(std::string message, std::string value = "1") {
  return {.severity = LogSeverity::warning,
          .message = std::move(message),
          .fields = {{"what", std::move(value)}}};
}

TEST(OperatorLog, TextForPeopleAndForTheJournal) {
  EXPECT_EQ(log_line(entry("it is so"), LogFormat::text, false, kThen),
            "2026-11-28T11:00:00.000000Z warning it is so what=1\n");
  EXPECT_EQ(log_line(entry("it is so"), LogFormat::text, true, kThen), "<4>it is so what=1\n");
  EXPECT_EQ(log_line(entry("it is so"), LogFormat::journald, false, kThen), "<4>it is so what=1\n");
}

TEST(OperatorLog, NoValueMakesALineOrAFieldOfItsOwn) {
  const std::string line =
      log_line(entry("a\n<0>b", "x\n<0>y z=\"1\" \x1b[2J"), LogFormat::journald, false, kThen);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("what=\"x"), std::string::npos) << line;
  EXPECT_NE(line.find("z=\\\"1\\\""), std::string::npos) << line;
}

TEST(OperatorLog, JsonIsOneObjectALineWhateverTheBytes) {
  const std::string line = log_line(entry("a\nb", "\xff\xfe\"\n"), LogFormat::json, false, kThen);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto value = boost::json::parse(line);
  EXPECT_EQ(value.at("ts").as_string(), "2026-11-28T11:00:00.000000Z");
  EXPECT_EQ(value.at("level").as_string(), "warning");
  EXPECT_EQ(value.at("message").as_string(), "a\nb");
  EXPECT_TRUE(value.at("fields").at("what").is_string());
  EXPECT_TRUE(log_line(entry("a"), LogFormat::json, true, kThen).starts_with("<4>{"));
}

TEST(OperatorLog, TheJournalIsToldByItsStream) {
  const Pipe pipe = make_pipe();
  struct stat found {};
  ASSERT_EQ(::fstat(pipe.writer.get(), &found), 0);
  const std::string name = fmt::format("{}:{}", found.st_dev, found.st_ino);
  EXPECT_TRUE(is_journal(pipe.writer.get(), name.c_str()));
  EXPECT_FALSE(is_journal(pipe.writer.get(), "8:1"));
  EXPECT_FALSE(is_journal(pipe.writer.get(), nullptr));
}

TEST(OperatorLog, WhatIsWantedChangesAtOnce) {
  Pipe pipe = make_pipe();
  {
    OperatorLog log(pipe.writer.get(), {}, kPlain, [] { return kThen; });
    log.take({.severity = LogSeverity::debug, .message = "unseen", .fields = {}});
    EXPECT_FALSE(log.wants(LogSeverity::debug));
    log.set({.least = LogSeverity::debug, .format = LogFormat::json});
    EXPECT_TRUE(log.wants(LogSeverity::debug));
    log.take({.severity = LogSeverity::debug, .message = "seen", .fields = {}});
  }
  const std::string all = rest_of(pipe);
  EXPECT_EQ(all.find("unseen"), std::string::npos);
  EXPECT_NE(all.find(R"("message":"seen")"), std::string::npos) << all;
}

/// The test ends only if nothing waits for the reader that there is not.
TEST(OperatorLog, NobodyWaitsForAReaderThatTakesNothing) {
  Pipe pipe = make_pipe();
  {
    OperatorLog log(
        pipe.writer.get(), {}, kPlain, [] { return kThen; }, 8192);
    for (int i = 0; i < 10'000; ++i) log.take(entry(fmt::format("number {}", i)));
  }
  EXPECT_LE(rest_of(pipe).size(), std::size_t{65'536});
}

TEST(OperatorLog, WhatWasLeftOutIsCounted) {
  Pipe pipe = make_pipe();
  {
    OperatorLog log(
        pipe.writer.get(), {}, kPlain, [] { return kThen; }, 100);
    log.take(entry(std::string(200, 'x')));
  }
  EXPECT_NE(rest_of(pipe).find("left out, since nobody took them lines=1"), std::string::npos);
}

TEST(OperatorLog, AReaderThatHasGoneIsNoDisaster) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  Fd ours(ends[0]);
  Fd(ends[1]).reset();
  OperatorLog log(ours.get(), {}, kPlain, [] { return kThen; });
  for (int i = 0; i < 1000; ++i) log.take(entry("unheard"));
}

}  // namespace
}  // namespace reeve::observe
