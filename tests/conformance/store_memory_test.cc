#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/memory/memory_history.h"
#include "store/memory/memory_store.h"
#include "tests/conformance/store_records.h"
#include "tests/conformance/store_suite.h"

namespace reeve::tests {
namespace {

using store::memory::CommitFault;
using store::memory::MemoryDisk;
using store::memory::MemoryHistory;
using store::memory::MemoryStore;

class MemoryBed final : public StoreBed {
 public:
  Result<std::unique_ptr<engine::Store>> open_store() override {
    return std::make_unique<MemoryStore>(disk_);
  }
  Result<std::unique_ptr<engine::History>> open_history() override {
    return std::make_unique<MemoryHistory>(disk_);
  }
  void fail_next_commit(engine::Store& store) override {
    dynamic_cast<MemoryStore&>(store).fail_commit(0, CommitFault::before);
  }
  void heal() override {}
  bool flip_journal_byte(std::uint64_t step, JournalPart part, std::size_t offset) override {
    engine::JournalRecord& record = disk_.journal().at(step - 1);
    const auto flip = [offset](auto& bytes) {
      if (offset >= bytes.size()) return false;
      bytes[offset] ^= 1;
      return true;
    };
    switch (part) {
      case JournalPart::now:
        record.now = Time{Duration{record.now.time_since_epoch().count() ^ 1}};
        return true;
      case JournalPart::events: return flip(record.events);
      case JournalPart::effects: return flip(record.effects.bytes);
      case JournalPart::chain: return flip(record.chain.bytes);
    }
    return false;
  }
  void remove_journal_record(std::uint64_t step) override {
    disk_.journal().erase(disk_.journal().begin() + static_cast<std::ptrdiff_t>(step - 1));
  }

 private:
  MemoryDisk disk_;
};

std::unique_ptr<StoreBed> make_memory_bed() { return std::make_unique<MemoryBed>(); }

Batch one_run(std::uint32_t id) {
  Batch batch;
  batch.runs.push_back(run_record(id));
  return batch;
}

TEST(MemoryStore, fails_the_commit_that_it_is_told_to_fail) {
  MemoryDisk disk;
  MemoryStore store(disk);
  Committer committer;
  store.fail_commit(2, CommitFault::before);
  EXPECT_TRUE(committer.commit(store, one_run(1)));
  EXPECT_TRUE(committer.commit(store, one_run(2)));
  EXPECT_FALSE(committer.commit(store, one_run(3)));
  EXPECT_EQ(store.commits(), 2u);
  EXPECT_EQ(disk.commits(), 2u);
  EXPECT_EQ(MemoryStore(disk).load()->last_run.value, 2u);
}

TEST(MemoryStore, a_torn_commit_is_durable_though_its_caller_saw_a_failure) {
  MemoryDisk disk;
  MemoryStore store(disk);
  Committer committer;
  store.fail_commit(0, CommitFault::after);
  EXPECT_FALSE(committer.commit(store, one_run(1)));
  EXPECT_FALSE(committer.commit(store, one_run(1)));
  MemoryStore next(disk);
  const auto snapshot = next.load();
  EXPECT_EQ(snapshot->last_run.value, 1u);
  EXPECT_EQ(snapshot->last_step, 1u);
  EXPECT_TRUE(Committer(*snapshot).commit(next, one_run(2)));
}

TEST(MemoryStore, keeps_no_bodies_or_attempts_when_told_so) {
  MemoryDisk disk({.keep_events = false, .keep_attempts = false});
  MemoryStore store(disk);
  Committer committer;
  ASSERT_TRUE(committer.commit(store, one_run(1)));
  Batch batch;
  batch.attempts.push_back(attempt_record({RunId{1}, 0}, 1, kUnset));
  ASSERT_TRUE(committer.commit(store, batch));
  EXPECT_EQ(store.read_journal(1, [](const auto&) { return true; }).error().code,
            ErrorCode::unsupported);
  EXPECT_TRUE(MemoryHistory(disk).list_attempts({RunId{1}, 0})->empty());
  EXPECT_TRUE(Committer(*store.load()).commit(store, {}));
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(memory, ConformanceStore, testing::Values(&make_memory_bed));
INSTANTIATE_TEST_SUITE_P(memory, ConformanceHistory, testing::Values(&make_memory_bed));

}  // namespace reeve::tests
