#include "security/audit_pages.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "security/audit_log.h"
#include "security/test_directory.h"

namespace reeve::security {
namespace {

namespace fs = std::filesystem;

AuditRecord page_record(int number, std::size_t detail_bytes = 0) {
  return {.at = Time{std::chrono::seconds{1'000'000 + number}},
          .who = "user:alice",
          .action = "runs.submit",
          .object = "run/" + std::to_string(number),
          .name_space = "team",
          .from = "127.0.0.1",
          .request_id = "r",
          .detail = std::string(detail_bytes, 'd')};
}

class AuditPagesTest : public testing::Test {
 protected:
  std::string log() const { return directory.path("audit"); }
  std::unique_ptr<AuditLog> open(std::size_t segment_bytes = 512) const {
    auto opened = AuditLog::open(log(), {.segment_bytes_max = segment_bytes});
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }
  void write(int from, int to) const {
    const auto opened = open();
    ASSERT_TRUE(opened);
    for (int i = from; i < to; ++i) ASSERT_TRUE(opened->append(page_record(i)));
  }
  /// Numbers of the records, `most` of them.
  using Found = std::vector<std::uint64_t>;
  static AuditVisit collect(Found& found, std::size_t most) {
    return [&found, most](std::uint64_t sequence, const AuditRecord& record) {
      EXPECT_EQ(record.object, "run/" + std::to_string(sequence - 1));
      found.push_back(sequence);
      return found.size() < most;
    };
  }
  static Found behind(AuditPages& pages, std::uint64_t after, std::size_t most = ~std::size_t{0}) {
    Found found;
    const Status read = pages.read(after, collect(found, most));
    EXPECT_TRUE(read) << read.error().text();
    return found;
  }
  static Found before(AuditPages& pages, std::uint64_t end, std::size_t most = ~std::size_t{0}) {
    Found found;
    const Status read = pages.read_back(end, collect(found, most));
    EXPECT_TRUE(read) << read.error().text();
    return found;
  }
  static Found from_to(std::uint64_t from, std::uint64_t to) {
    Found found;
    for (std::uint64_t each = from; each <= to; ++each) found.push_back(each);
    return found;
  }
  static Found back(Found found) {
    std::ranges::reverse(found);
    return found;
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& each : fs::directory_iterator(log()))
      if (each.path().extension() == ".log" || each.path().filename() == "head")
        all.push_back(each.path());
    return all;
  }

  TestDirectory directory;
};

TEST_F(AuditPagesTest, a_page_from_any_place_has_what_is_behind_and_before_it) {
  write(0, 9);
  ASSERT_GE(files().size(), 4U);
  for (std::uint64_t cursor = 0; cursor <= 11; ++cursor) {
    AuditPages fresh(log());
    EXPECT_EQ(behind(fresh, cursor), from_to(cursor + 1, 9)) << cursor;
    AuditPages other(log());
    EXPECT_EQ(before(other, cursor),
              back(from_to(1, cursor == 0 ? 9 : std::min<std::uint64_t>(cursor - 1, 9))))
        << cursor;
    EXPECT_EQ(behind(other, cursor, 2),
              from_to(cursor + 1, std::min<std::uint64_t>(cursor + 2, 9)));
  }
}

TEST_F(AuditPagesTest, an_empty_log_has_no_pages_and_none_at_all_is_not_found) {
  AuditPages pages(log());
  Found found;
  EXPECT_EQ(pages.read(0, collect(found, 1)).error().code, ErrorCode::not_found);
  write(0, 0);
  EXPECT_EQ(behind(pages, 0), Found());
  EXPECT_EQ(before(pages, 0), Found());
}

TEST_F(AuditPagesTest, many_records_lie_between_marks) {
  constexpr int kRecords = 6000;
  constexpr int kAtATime = 1000;  // what is written together is in one file
  for (int first = 0; first < kRecords; first += kAtATime) {
    const auto opened = open(std::size_t{1} << 19);
    for (int i = first; i < first + kAtATime; ++i)
      opened->append(page_record(i, 700), [](const Status& done) { EXPECT_TRUE(done); });
  }
  ASSERT_GE(files().size(), 4U);
  AuditPages pages(log());
  for (const std::uint64_t cursor : {0U, 1U, 350U, 2999U, 3000U, 4711U, 5999U, 6000U}) {
    EXPECT_EQ(behind(pages, cursor, 10),
              from_to(cursor + 1, std::min(cursor + 10, std::uint64_t{6000})));
    if (cursor > 0) {
      EXPECT_EQ(before(pages, cursor, 10),
                back(from_to(cursor <= 11 ? 1 : cursor - 10, cursor - 1)));
    }
  }
  EXPECT_EQ(behind(pages, 0), from_to(1, kRecords));
  EXPECT_EQ(before(pages, 0), back(from_to(1, kRecords)));
}

TEST_F(AuditPagesTest, what_is_written_meanwhile_is_seen) {
  write(0, 3);
  AuditPages pages(log());
  EXPECT_EQ(before(pages, 0, 1), Found{3});
  for (int i = 3; i < 12; ++i) {
    write(i, i + 1);
    EXPECT_EQ(before(pages, 0, 1), from_to(i + 1, i + 1));
    EXPECT_EQ(behind(pages, 0), from_to(1, i + 1));
  }
}

TEST_F(AuditPagesTest, every_flipped_byte_is_found_by_who_reads_it_first_and_who_reads_it_again) {
  write(0, 4);
  AuditPages seen(log());
  EXPECT_EQ(behind(seen, 0).size(), 4U);
  std::size_t flips = 0;
  for (const fs::path& path : files()) {
    const std::string content = read_file(path);
    for (std::size_t at = 0; at < content.size(); ++at) {
      std::string wrong = content;
      wrong[at] = static_cast<char>(wrong[at] ^ (1 << (at % 8)));
      write_file(path, wrong);
      AuditPages fresh(log());
      Found found;
      const Status read = fresh.read(0, collect(found, 100));
      ASSERT_FALSE(read.has_value()) << path << " " << at;
      EXPECT_EQ(read.error().code, ErrorCode::corrupt);
      ++flips;
      // Headers were read once; what is behind them is read again each time.
      if (path.filename() != "head" && at < kSegmentHeaderBytes) continue;
      found.clear();
      ASSERT_FALSE(seen.read(0, collect(found, 100)).has_value()) << path << " " << at;
    }
    write_file(path, content);
  }
  EXPECT_GT(flips, 1000U);
  EXPECT_EQ(behind(seen, 0).size(), 4U);
}

TEST_F(AuditPagesTest, a_missing_file_and_a_missing_end_are_found) {
  write(0, 6);
  const std::string last =
      log() + "/" + segment_name(static_cast<std::uint32_t>(files().size() - 1));
  const std::string content = read_file(last);
  Found found;
  for (const std::size_t size : {std::size_t{0}, kSegmentHeaderBytes, content.size() - 1}) {
    write_file(last, content.substr(0, size));
    AuditPages fresh(log());
    EXPECT_EQ(fresh.read_back(0, collect(found, 100)).error().code, ErrorCode::corrupt) << size;
  }
  fs::remove(last);
  AuditPages fresh(log());
  EXPECT_EQ(fresh.read_back(0, collect(found, 100)).error().code, ErrorCode::corrupt);
  write_file(last, content);
  fs::remove(log() + "/" + segment_name(2));
  EXPECT_EQ(AuditPages(log()).read(0, collect(found, 100)).error().code, ErrorCode::corrupt);
}

TEST_F(AuditPagesTest, many_read_while_one_writes) {
  constexpr int kRecords = 300;
  const auto opened = open(4096);
  ASSERT_TRUE(opened->append(page_record(0)));
  AuditPages pages(log());
  std::atomic<bool> ends{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&, i] {
      while (!ends) {
        const Found all = i == 0 ? back(before(pages, 0)) : behind(pages, 0);
        EXPECT_EQ(all, from_to(1, all.size()));
      }
    });
  for (int i = 1; i < kRecords; ++i) ASSERT_TRUE(opened->append(page_record(i)));
  ends = true;
  for (std::thread& each : readers) each.join();
  EXPECT_EQ(behind(pages, 0), from_to(1, kRecords));
}

}  // namespace
}  // namespace reeve::security
