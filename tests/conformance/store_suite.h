// What every store must do, whatever it is made of: tests over a bed that opens the store under
// test and can harm it. A new store adds a bed and one INSTANTIATE_TEST_SUITE_P line
// (store_sqlite_test.cc shows how). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "engine/ports/history.h"
#include "engine/ports/store.h"
#include "tests/conformance/store_records.h"

namespace reeve::tests {

/// A part of a journal record that somebody may change behind the store's back.
enum class JournalPart : std::uint8_t { now, events, effects, chain };

/// A place where a store keeps its data, empty at first. Stores come and go; the data stays.
class StoreBed {
 public:
  virtual ~StoreBed() = default;
  virtual Result<std::unique_ptr<engine::Store>> open_store() = 0;
  virtual Result<std::unique_ptr<engine::History>> open_history() = 0;
  /// The next commit of `store`, opened here, fails and leaves nothing.
  virtual void fail_next_commit(engine::Store& store) = 0;
  /// Takes back what fail_next_commit did to the place.
  virtual void heal() = 0;
  /// Turns round one bit of the byte at `offset` of a record. False: it has no such byte.
  virtual bool flip_journal_byte(std::uint64_t step, JournalPart part, std::size_t offset) = 0;
  virtual void remove_journal_record(std::uint64_t step) = 0;
};

using MakeStoreBed = std::unique_ptr<StoreBed> (*)();

class ConformanceStore : public testing::TestWithParam<MakeStoreBed> {
 protected:
  ConformanceStore() : bed_(GetParam()()) { reopen(); }
  /// Ends the present store and opens another on the same data.
  void reopen();

  std::unique_ptr<StoreBed> bed_;
  std::unique_ptr<engine::Store> store_;
};

class ConformanceHistory : public ConformanceStore {
 protected:
  ConformanceHistory() { commit({}); }  // a history needs something to open

  void commit(const Batch& batch);
  engine::History& history();
  std::vector<std::uint32_t> listed(const engine::RunFilter& filter);
  std::vector<std::uint32_t> listed_tasks(const engine::TaskFilter& filter);  ///< of run 1
  ErrorCode find_failure(std::string_view reference);

 private:
  Committer committer_;
  std::unique_ptr<engine::History> history_;
};

}  // namespace reeve::tests
