#include <filesystem>
#include <map>
#include <thread>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "security/audit_log.h"
#include "security/audit_reader.h"
#include "security/test_directory.h"

namespace reeve::security {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

AuditRecord record_of(int number) {
  return {.at = Time{std::chrono::seconds{1'000'000 + number}},
          .who = "user:alice",
          .action = "runs.submit",
          .object = "run/" + std::to_string(number),
          .name_space = "team",
          .from = "127.0.0.1",
          .request_id = "r",
          .detail = ""};
}

/// A log of its own for each test, with the fewest bytes to a segment.
class AuditTest : public testing::Test {
 protected:
  std::string log() const { return directory.path("audit"); }
  std::string file(const std::string& name) const { return log() + "/" + name; }

  std::unique_ptr<AuditLog> open() const {
    auto opened = AuditLog::open(log(), {.segment_bytes_max = 512});
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }
  void write(int from, int to) const {
    const auto opened = open();
    ASSERT_TRUE(opened);
    for (int i = from; i < to; ++i) ASSERT_TRUE(opened->append(record_of(i)));
  }
  AuditProof proof(std::optional<Checkpoint> witness = {}) const {
    if (!key) key = audit_public_key(log()).value();
    return verify_audit(log(), {*key, witness}).value();
  }
  std::vector<std::string> objects() const {
    std::vector<std::string> found;
    const Status read = read_audit(log(), [&](std::uint64_t sequence, const AuditRecord& record) {
      EXPECT_EQ(sequence, found.size() + 1);
      found.push_back(record.object);
      return true;
    });
    EXPECT_TRUE(read) << read.error().text();
    return found;
  }
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& each : fs::directory_iterator(log())) {
      if (each.path().extension() == ".log" || each.path().filename() == "head")
        all[each.path().filename()] = read_file(each.path());
    }
    return all;
  }
  /// Puts the log back as it was.
  void restore(const std::map<std::string, std::string>& all) const {
    for (const auto& [name, content] : files()) {
      if (!all.contains(name)) fs::remove(file(name));
    }
    for (const auto& [name, content] : all) {
      write_file(file(name), content);
      fs::permissions(file(name), fs::perms::owner_read | fs::perms::owner_write);
    }
  }

  TestDirectory directory;
  mutable std::optional<PublicKey> key;
};

TEST_F(AuditTest, what_was_appended_is_read_back_over_segments_and_openings) {
  write(0, 4);
  write(4, 7);
  EXPECT_GE(files().size(), 4U);
  const AuditProof found = proof();
  EXPECT_FALSE(found.fault) << found.fault->what;
  EXPECT_EQ(found.records, 7U);
  EXPECT_THAT(objects(),
              ElementsAre("run/0", "run/1", "run/2", "run/3", "run/4", "run/5", "run/6"));
  EXPECT_EQ(open()->head().sequence, 7U);
  EXPECT_EQ(open()->healed_bytes(), 0U);
}

TEST_F(AuditTest, an_empty_log_is_sound) {
  write(0, 0);
  EXPECT_FALSE(proof().fault);
  EXPECT_EQ(proof().records, 0U);
}

TEST_F(AuditTest, every_flipped_byte_is_found) {
  write(0, 5);
  const auto all = files();
  std::size_t flips = 0;
  for (const auto& [name, content] : all) {
    for (std::size_t at = 0; at < content.size(); ++at) {
      std::string wrong = content;
      wrong[at] = static_cast<char>(wrong[at] ^ (1 << (at % 8)));
      write_file(file(name), wrong);
      const AuditProof found = proof();
      ASSERT_TRUE(found.fault) << name << " " << at;
      EXPECT_EQ(found.fault->file, name) << at;
      EXPECT_EQ(found.fault->sequence, found.records + 1);
      ++flips;
    }
    write_file(file(name), content);
  }
  EXPECT_GT(flips, 2000U);
  EXPECT_FALSE(proof().fault);
}

TEST_F(AuditTest, a_log_with_a_flipped_byte_in_its_last_segment_is_not_written_on) {
  write(0, 5);
  const auto all = files();
  const std::string name =
      all.rbegin()->first == "head" ? std::next(all.rbegin())->first : all.rbegin()->first;
  for (const std::string& each : {name, std::string("head")}) {
    for (std::size_t at = 0; at < all.at(each).size(); ++at) {
      std::string wrong = all.at(each);
      wrong[at] = static_cast<char>(wrong[at] ^ 0x10);
      write_file(file(each), wrong);
      const auto opened = AuditLog::open(log());
      ASSERT_FALSE(opened) << each << " " << at;
      EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
      EXPECT_EQ(read_file(file(each)), wrong);
    }
    write_file(file(each), all.at(each));
  }
  EXPECT_TRUE(open());
}

TEST_F(AuditTest, every_truncation_is_found_and_not_written_on) {
  write(0, 5);
  const auto all = files();
  const std::string last = std::prev(all.find("head"))->first;
  for (const auto& [name, content] : all) {
    for (std::size_t size = 0; size < content.size(); ++size) {
      write_file(file(name), content.substr(0, size));
      const AuditProof found = proof();
      ASSERT_TRUE(found.fault) << name << " " << size;
      EXPECT_EQ(found.fault->sequence, found.records + 1);
      if (name == last || name == "head") {
        EXPECT_FALSE(AuditLog::open(log())) << name << size;
      }
    }
    write_file(file(name), content);
  }
  EXPECT_FALSE(proof().fault);
}

/// Where the entries of a segment begin.
std::vector<std::size_t> entries_of(const std::string& bytes) {
  std::vector<std::size_t> begins;
  std::size_t at = kSegmentHeaderBytes;
  while (at < bytes.size()) {
    begins.push_back(at);
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof(length));
    at += kEntryHeadBytes + length + 32;
  }
  begins.push_back(at);
  return begins;
}

TEST_F(AuditTest, removed_repeated_and_reordered_entries_are_found) {
  write(0, 6);
  int tried = 0;
  for (const auto& [name, content] : files()) {
    if (name == "head") continue;
    const std::vector<std::size_t> begins = entries_of(content);
    const auto entry = [&](std::size_t i) {
      return content.substr(begins[i], begins[i + 1] - begins[i]);
    };
    const auto expect_found = [&](std::vector<std::size_t> order) {
      std::string wrong = content.substr(0, kSegmentHeaderBytes);
      for (const std::size_t i : order) wrong += entry(i);
      write_file(file(name), wrong);
      const AuditProof found = proof();
      // What is put behind the last acknowledged record is not of the log, and is said to be there.
      EXPECT_TRUE(found.fault || found.tail_bytes > 0) << name;
      EXPECT_TRUE(found.fault || found.records == 6);
      ++tried;
    };
    std::vector<std::size_t> order(begins.size() - 1);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = 0; i < order.size(); ++i) {
      std::vector<std::size_t> removed = order;
      removed.erase(removed.begin() + static_cast<std::ptrdiff_t>(i));
      expect_found(removed);
      std::vector<std::size_t> repeated = order;
      repeated.insert(repeated.begin() + static_cast<std::ptrdiff_t>(i), i);
      expect_found(repeated);
      for (std::size_t j = i + 1; j < order.size(); ++j) {
        std::vector<std::size_t> swapped = order;
        std::swap(swapped[i], swapped[j]);
        expect_found(swapped);
      }
    }
    write_file(file(name), content);
  }
  EXPECT_GT(tried, 30);
}

TEST_F(AuditTest, removed_and_swapped_files_are_found) {
  write(0, 7);
  const auto all = files();
  for (auto one = all.begin(); one != all.end(); ++one) {
    fs::remove(file(one->first));
    EXPECT_TRUE(proof().fault) << one->first;
    restore(all);
    for (auto two = std::next(one); two != all.end(); ++two) {
      write_file(file(one->first), two->second);
      write_file(file(two->first), one->second);
      EXPECT_TRUE(proof().fault) << one->first << two->first;
      restore(all);
      write_file(file(one->first), two->second);  // one in the place of another
      EXPECT_TRUE(proof().fault) << one->first << two->first;
      restore(all);
    }
  }
  for (const auto& [name, content] : all) {
    if (name != "head") fs::remove(file(name));
  }
  EXPECT_TRUE(proof().fault);
  EXPECT_FALSE(AuditLog::open(log()));
  restore(all);
  fs::remove(file("head"));
  EXPECT_FALSE(AuditLog::open(log()));
  restore(all);
  EXPECT_FALSE(proof().fault);
}

TEST_F(AuditTest, a_log_that_lost_what_testifies_of_its_length_is_not_taken_for_a_new_one) {
  write(0, 5);
  const auto all = files();
  const std::string last = std::prev(all.find("head"))->first;
  const std::string public_key = read_file(file("signing.pub"));
  const std::string key_text = read_file(file("signing.key"));
  for (const std::string& name :
       {std::string("head"), std::string("signing.pub"), std::string("signing.key")}) {
    write_file(file(last), all.at(last).substr(0, kSegmentHeaderBytes));
    fs::remove(file(name));
    EXPECT_EQ(AuditLog::open(log()).error().code, ErrorCode::corrupt) << name;
    if (name == "signing.pub") {
      EXPECT_FALSE(read_audit(log(), [](std::uint64_t, const AuditRecord&) { return true; }));
    }
    if (name == "head") restore(all);
    write_file(file("signing.pub"), public_key);
    write_file(file("signing.key"), key_text);
    fs::permissions(file("signing.key"), fs::perms::owner_read | fs::perms::owner_write);
    restore(all);
    EXPECT_TRUE(open()) << name;
  }
  for (const auto& each : fs::directory_iterator(log())) {
    if (each.path().filename() != "signing.key" && each.path().extension() != ".log")
      fs::remove(each.path());
  }
  EXPECT_FALSE(AuditLog::open(log()));
}

TEST_F(AuditTest, an_empty_directory_becomes_a_log) {
  fs::create_directory(log());
  write(0, 1);
  EXPECT_FALSE(proof().fault);
  for (const auto& each : fs::directory_iterator(directory.root()))
    EXPECT_EQ(each.path().filename(), "audit");
}

TEST_F(AuditTest, a_log_with_another_key_is_found) {
  write(0, 2);
  const auto first = files();
  ASSERT_FALSE(proof().fault);
  fs::remove_all(log());
  write(0, 2);  // the same records
  EXPECT_TRUE(proof().fault);
  const PublicKey other = audit_public_key(log()).value();
  EXPECT_NE(other, *key);
  restore(first);
  key = other;
  EXPECT_TRUE(proof().fault);
}

TEST_F(AuditTest, putting_all_files_back_is_found_with_a_checkpoint_kept_elsewhere) {
  write(0, 3);
  const auto early = files();
  const Checkpoint early_head = audit_head(log()).value();
  write(3, 5);
  const Checkpoint late_head = audit_head(log()).value();
  EXPECT_FALSE(proof(early_head).fault);
  EXPECT_FALSE(proof(late_head).fault);
  restore(early);
  EXPECT_FALSE(proof().fault);  // nothing in the directory can tell
  EXPECT_FALSE(proof(early_head).fault);
  ASSERT_TRUE(proof(late_head).fault);
  EXPECT_THAT(proof(late_head).fault->what, HasSubstr("put back"));
  write(103, 105);  // another history
  ASSERT_TRUE(proof(late_head).fault);
  Checkpoint forged = late_head;
  forged.sequence = 3;
  EXPECT_TRUE(proof(forged).fault);
  EXPECT_EQ(parse_checkpoint(format_checkpoint(late_head) + "\n").value(), late_head);
  for (const std::string bad : {"", "zz", "00"}) EXPECT_FALSE(parse_checkpoint(bad));
}

TEST_F(AuditTest, a_torn_tail_that_nobody_was_answered_for_is_cut_off) {
  write(0, 3);
  const auto before = files();
  write(3, 5);
  const auto after = files();
  const Checkpoint head = audit_head(log()).value();
  ASSERT_EQ(head.sequence, 5U);
  // The group of record 4 was on its way when the power went: any part of what changed was written.
  restore(before);
  write(3, 4);
  const auto one_more = files();
  for (const auto& [name, content] : one_more) {
    if (name == "head") continue;
    const std::size_t old = before.contains(name) ? before.at(name).size() : 0;
    for (std::size_t size = old; size < content.size(); ++size) {
      restore(before);
      write_file(file(name), content.substr(0, size));
      EXPECT_FALSE(proof().fault) << name << " " << size;
      EXPECT_EQ(proof().tail_bytes, size - old);
      {
        const auto opened = open();
        ASSERT_TRUE(opened) << name << " " << size;
        EXPECT_EQ(opened->healed_bytes(), size - old);
        ASSERT_TRUE(opened->append(record_of(77)));
      }
      ASSERT_FALSE(proof().fault) << proof().fault->what;
      EXPECT_THAT(objects(), ElementsAre("run/0", "run/1", "run/2", "run/77"));
    }
    // All of it was written, and only the head was not: the record stays.
    restore(before);
    write_file(file(name), content);
    if (content.size() == old) continue;
    EXPECT_FALSE(proof().fault);
    ASSERT_TRUE(open()->append(record_of(78)));
    EXPECT_THAT(objects(), ElementsAre("run/0", "run/1", "run/2", "run/3", "run/78"));
  }
}

TEST_F(AuditTest, a_break_in_front_of_groups_that_are_safe_is_no_torn_tail) {
  {
    const auto opened = AuditLog::open(log()).value();  // one segment
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(opened->append(record_of(i)));
  }
  const std::string old_head = read_file(file("head"));
  {
    const auto opened = AuditLog::open(log()).value();
    for (int i = 3; i < 6; ++i) ASSERT_TRUE(opened->append(record_of(i)));
  }
  const std::string name = files().begin()->first;
  const std::string content = read_file(file(name));
  const std::size_t at = content.find("run/3");
  std::string wrong = content;
  wrong[at] = 'x';
  write_file(file(name), wrong);
  write_file(file("head"), old_head);  // as after a power cut
  EXPECT_FALSE(AuditLog::open(log()));
  ASSERT_TRUE(proof().fault);
  EXPECT_EQ(proof().fault->sequence, 4U);
}

TEST_F(AuditTest, many_threads_append_and_none_is_lost) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  {
    const auto opened = AuditLog::open(log(), {.segment_bytes_max = 8192}).value();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&opened, t] {
        for (int i = 0; i < kEach; ++i)
          EXPECT_TRUE(opened->append(record_of(1000 * t + i)).has_value());
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_FALSE(proof().fault);
  std::vector<std::string> found = objects();
  EXPECT_EQ(found.size(), std::size_t{kThreads} * kEach);
  std::ranges::sort(found);
  EXPECT_EQ(std::ranges::unique(found).size(), 0U);
}

TEST_F(AuditTest, after_a_failure_of_the_disk_everything_is_refused) {
  const auto opened = open();
  ASSERT_TRUE(opened->append(record_of(0)));
  ASSERT_TRUE(opened->append(record_of(1)));
  ASSERT_TRUE(opened->append(record_of(2)));
  fs::rename(log(), directory.path("gone"));  // the next segment cannot be made
  Status status;
  for (int i = 0; i < 4 && status; ++i) status = opened->append(record_of(i));
  EXPECT_FALSE(status);
  fs::rename(directory.path("gone"), log());
  EXPECT_FALSE(opened->append(record_of(9)));
}

TEST_F(AuditTest, one_process_writes_at_a_time) {
  const auto first = open();
  EXPECT_EQ(AuditLog::open(log()).error().code, ErrorCode::conflict);
}

TEST_F(AuditTest, too_many_that_wait_are_refused_at_once) {
  const auto opened = AuditLog::open(log(), {.waiting_max = 0}).value();
  EXPECT_EQ(opened->append(record_of(0)).error().code, ErrorCode::exhausted);
}

TEST_F(AuditTest, long_texts_are_cut_and_strange_ones_are_exported_safely) {
  AuditRecord record = record_of(0);
  record.who = std::string(100'000, 'x');
  record.object = "=HYPERLINK(\"x\"),\n\xff";
  ASSERT_TRUE(open()->append(record));
  std::string json;
  std::string csv;
  ASSERT_TRUE(read_audit(log(), [&](std::uint64_t sequence, const AuditRecord& found) {
    EXPECT_EQ(found.who.size(), kAuditTextMax);
    json = boost::json::serialize(audit_json(sequence, found));
    csv = audit_csv(sequence, found);
    return true;
  }));
  EXPECT_THAT(json, HasSubstr(R"("object":"=HYPERLINK(\"x\"),\n\\xff")"));
  EXPECT_THAT(csv, HasSubstr("\"'=HYPERLINK(\"\"x\"\"),\n\\xff\",team,"));
  EXPECT_THAT(csv, testing::StartsWith("1,1970-01-12T13:46:40.000000Z,xxx"));
}

TEST_F(AuditTest, files_from_elsewhere_are_proved_and_what_cannot_be_fetched_is_no_proof) {
  write(0, 5);
  const PublicKey signs = audit_public_key(log()).value();
  for (const ErrorCode code : {ErrorCode::unavailable, ErrorCode::permission_denied,
                               ErrorCode::not_found, ErrorCode::invalid_argument}) {
    for (const std::string_view lost : {"head", "audit-000002.log", "none"}) {
      AuditSource source = audit_source_of(log());
      const auto read = source.read;
      source.read = [&, read](const std::string& name) -> Result<std::string> {
        if (name == lost) return fail(code, "lost " + name);
        return read(name);
      };
      const auto found = verify_audit(source, {signs, {}});
      const bool is_error = lost != "none" && (code == ErrorCode::unavailable ||
                                               code == ErrorCode::permission_denied);
      ASSERT_EQ(found.has_value(), !is_error) << lost;
      if (is_error) {
        EXPECT_EQ(found.error().code, code);
      } else {
        EXPECT_EQ(found->fault.has_value(), lost != "none") << lost;
      }
    }
  }
}

RC_GTEST_PROP(AuditEntry, hostile_bytes_are_refused, (const std::string& bytes)) {
  Digest chain;
  Entry entry;
  RC_ASSERT(read_entry(bytes, chain, entry) != EntryFault::none);
  SegmentHeader header;
  decode_header(bytes, header);
}

}  // namespace
}  // namespace reeve::security
