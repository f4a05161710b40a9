// Workflows by their source text, parsed once: most submissions are like the one before. Bounded by
// number and bytes; the ones that were not asked for go first. Thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "spec/parse.h"

namespace reeve::api {

class WorkflowCache {
 public:
  WorkflowCache(std::size_t entries_max, std::size_t bytes_max)
      : entries_max_(entries_max),
        bytes_max_(bytes_max) {}

  /// Null: it is not here.
  std::shared_ptr<const spec::Workflow> find(std::string_view source);
  /// One without errors.
  void add(std::shared_ptr<const spec::Workflow> workflow);

 private:
  struct Entry {
    std::shared_ptr<const spec::Workflow> workflow;  // shared: with its runs
  };
  using Entries = std::list<Entry>;

  const std::size_t entries_max_;
  const std::size_t bytes_max_;
  std::mutex mutex_;  // guards all below
  Entries entries_;   ///< asked for latest first
  std::map<std::string_view, Entries::iterator> by_source_;
  std::size_t bytes_ = 0;
};

}  // namespace reeve::api
