// Runs as they were last shown, so that being asked again and again costs no disk. Bounded; the
// ones that were not asked for go first. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/ids.h"

namespace reeve::api {

struct ShownRun {
  RunId id;
  Uuid uuid;
  std::string name_space;
  std::uint64_t version = 0;
  std::string body;
};

class RunCache {
 public:
  explicit RunCache(std::size_t entries_max) : entries_max_(entries_max) {}

  /// By the whole identifier, "run_…". Null: it is not here.
  std::shared_ptr<const ShownRun> find(const std::string& name);
  void put(const std::string& name, std::shared_ptr<const ShownRun> run);

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const ShownRun> run;  // shared: with the answer that is under way
  };
  using Entries = std::list<Entry>;
  const std::size_t entries_max_;
  std::mutex mutex_;  // guards all below
  Entries entries_;   ///< asked for latest first
  std::map<std::string, Entries::iterator, std::less<>> by_name_;
};

}  // namespace reeve::api
