#include "supervisor/log_file.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

Time at(int second) { return Time{std::chrono::seconds(1'700'000'000 + second)}; }

class LogFile : public testing::Test {
 protected:
  LogFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reeve_log_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/below/a.log";
  }
  ~LogFile() override { std::filesystem::remove_all(directory_); }

  std::string content() const { return read_file_prefix(path_, 100 << 20); }
  void put(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  /// All frames as "stream:bytes", "corrupt" at the end if the file is damaged.
  std::vector<std::string> frames() const {
    std::vector<std::string> all;
    auto reader = LogReader::open(path_);
    if (!reader) return {std::string(info(reader.error().code).name)};
    while (true) {
      const auto frame = reader->next();
      if (!frame) all.emplace_back("corrupt");
      if (!frame || !*frame) return all;
      all.push_back(std::to_string(static_cast<int>((*frame)->stream)) + ":" +
                    std::string((*frame)->bytes));
    }
  }

  std::string directory_;
  std::string path_;
};

TEST_F(LogFile, frames_come_back_as_they_were_put) {
  LogWriter writer(path_, Token{42});
  EXPECT_FALSE(std::filesystem::exists(path_)) << "not before the first byte";
  writer.append(at(1), LogStream::standard_output, "hello\n");
  writer.append(at(2), LogStream::standard_error, std::string_view("\0\xff", 2));
  writer.append(at(3), LogStream::notice, "cut");
  EXPECT_EQ(writer.stored_bytes(), 8);
  auto reader = LogReader::open(path_);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->token(), Token{42});
  const auto first = reader->next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->at, at(1));
  EXPECT_EQ(frames(), (std::vector<std::string>{"1:hello\n", std::string("2:\0\xff", 4), "3:cut"}));
}

TEST_F(LogFile, the_format_is_as_documented) {
  LogWriter writer(path_, Token{0x0102});
  writer.append(Time{Duration{0x01020304}}, LogStream::standard_error, "x");
  EXPECT_EQ(content(), std::string("REEVELOG\x01\0\0\0\x18\0\0\0\x02\x01\0\0\0\0\0\0"
                                   "\xA7\x02\0\0\x01\0\0\0\x04\x03\x02\x01\0\0\0\0x",
                                   24 + 16 + 1));
}

TEST_F(LogFile, a_reader_can_follow_and_go_on_elsewhere) {
  LogWriter writer(path_, Token{1});
  writer.append(at(1), LogStream::standard_output, "a");
  auto reader = LogReader::open(path_);
  ASSERT_TRUE(reader);
  EXPECT_TRUE(*reader->next());
  EXPECT_FALSE(*reader->next());
  writer.append(at(2), LogStream::standard_output, "b");
  const auto second = reader->next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->bytes, "b");
  const std::int64_t position = reader->position();
  writer.append(at(3), LogStream::standard_output, "c");
  auto other = LogReader::open(path_);
  ASSERT_TRUE(other);
  other->seek(position);
  const auto third = other->next();
  ASSERT_TRUE(third && *third);
  EXPECT_EQ((*third)->bytes, "c");
}

TEST_F(LogFile, a_torn_tail_is_not_there_yet) {
  LogWriter writer(path_, Token{1});
  writer.append(at(1), LogStream::standard_output, "first");
  writer.append(at(2), LogStream::standard_output, std::string(1000, 'x'));
  const std::string whole = content();
  const std::size_t first_end = kLogHeaderBytes + kFrameHeaderBytes + 5;
  for (std::size_t size = 0; size < whole.size(); size += size < 80 ? 1 : 97) {
    put(whole.substr(0, size));
    if (size < kLogHeaderBytes) {
      EXPECT_EQ(frames(), std::vector<std::string>{"not_found"}) << size;
    } else if (size < first_end) {
      EXPECT_TRUE(frames().empty()) << size;
    } else {
      EXPECT_EQ(frames(), std::vector<std::string>{"1:first"}) << size;
    }
  }
}

TEST_F(LogFile, damage_is_told_and_what_stands_before_it_is_read) {
  LogWriter writer(path_, Token{1});
  writer.append(at(1), LogStream::standard_output, "first");
  std::string whole = content() + std::string(64, '\0');
  put(whole);
  EXPECT_EQ(frames(), (std::vector<std::string>{"1:first", "corrupt"}));
  whole[kLogHeaderBytes + 1] = 9;  // no such stream
  put(whole);
  EXPECT_EQ(frames(), std::vector<std::string>{"corrupt"});
  whole[0] = 'X';
  put(whole);
  EXPECT_EQ(frames(), std::vector<std::string>{"corrupt"});
  whole = content();
  whole[0] = 'R';
  whole[8] = 2;
  put(whole);
  EXPECT_EQ(frames(), std::vector<std::string>{"unsupported"});
}

TEST_F(LogFile, a_missing_log_is_not_found) {
  EXPECT_EQ(frames(), std::vector<std::string>{"not_found"});
}

TEST_F(LogFile, large_frames_and_many_frames) {
  LogWriter writer(path_, Token{1});
  std::vector<std::string> expected;
  for (int i = 0; i < 2000; ++i) {
    writer.append(at(i), LogStream::standard_output, std::to_string(i));
    expected.push_back("1:" + std::to_string(i));
  }
  writer.append(at(9), LogStream::standard_error, std::string(kFrameBytesMax, 'y'));
  expected.push_back("2:" + std::string(kFrameBytesMax, 'y'));
  EXPECT_EQ(frames(), expected);
}

/// A disk that is full, as far as write(2) can tell: the file may not grow past `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_IGN);
    set(bytes);
  }
  ~FileSizeLimit() {
    set(before_.rlim_cur);
    ::signal(SIGXFSZ, SIG_DFL);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void set(rlim_t bytes) const {
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  rlimit before_{};
};

TEST_F(LogFile, what_a_full_disk_took_is_told_when_there_is_room) {
  LogWriter writer(path_, Token{1});
  writer.append(at(1), LogStream::standard_output, "before");
  {
    const FileSizeLimit full(kLogHeaderBytes + 40);
    writer.append(at(2), LogStream::standard_output, std::string(100, 'x'));
    writer.append(at(3), LogStream::standard_error, "yy");
    EXPECT_EQ(writer.lost_bytes(), 102);
    EXPECT_EQ(frames(), std::vector<std::string>{"1:before"}) << "no torn frame stays";
  }
  writer.append(at(4), LogStream::standard_output, "after");
  const auto all = frames();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].substr(0, 33), "3:102 bytes of output were lost: ");
  EXPECT_EQ(all[2], "1:after");
  EXPECT_EQ(writer.stored_bytes(), 11);
}

TEST_F(LogFile, a_log_that_cannot_be_made_is_tried_again) {
  std::ofstream(directory_ + "/below") << "a file where a directory should be";
  LogWriter writer(path_, Token{1});
  writer.append(at(1), LogStream::standard_output, "lost");
  EXPECT_EQ(writer.lost_bytes(), 4);
  std::filesystem::remove(directory_ + "/below");
  writer.append(at(2), LogStream::standard_output, "kept");
  const auto all = frames();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].starts_with("3:4 bytes of output were lost")) << all[0];
  EXPECT_EQ(all[1], "1:kept");
}

}  // namespace
}  // namespace reeve::supervisor
