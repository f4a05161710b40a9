// Which workflows have been run in which namespace, and their versions: the n-th version of a name
// is the n-th text that was run under it in that namespace. Nothing of it is stored: it is read
// from the runs, once, and later only what has come since. Owns a few dozen bytes a version.
//
// Thread rule: any thread; a call waits for another one that reads, for one stretch of runs at
// most.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports/history.h"

namespace reeve::api {

struct WorkflowVersion {
  std::uint32_t number = 0;  ///< from 1
  Digest digest;
  RunId first_run;
  RunId last_run;
  std::uint64_t runs = 0;
  Time first_seen = kUnset;
  Time last_seen = kUnset;
};

/// One name in one namespace.
struct WorkflowSummary {
  std::string name_space;
  std::string name;
  std::uint32_t versions = 0;
  WorkflowVersion newest;    ///< the last that came
  std::uint64_t runs = 0;    ///< of all versions
  RunId last_run;            ///< as above
  Time first_seen = kUnset;  ///< as above
  Time last_seen = kUnset;   ///< as above
};

class WorkflowIndex {
 public:
  /// Reads on. False: there is more than is read at a time: ask again soon.
  Result<bool> catch_up(engine::History& history);

  /// By namespace and name, from the `first`-th, at most `limit` and one more, which says that
  /// there are more. `name_spaces`: empty for all.
  std::vector<WorkflowSummary> list(const std::vector<std::string>& name_spaces, std::size_t first,
                                    std::size_t limit) const;
  std::optional<WorkflowSummary> find(const std::string& name_space, const std::string& name) const;
  /// Newest first, as list(); empty: there is no such workflow.
  std::vector<WorkflowVersion> versions(const std::string& name_space, const std::string& name,
                                        std::size_t first, std::size_t limit) const;
  std::optional<WorkflowVersion> version(const std::string& name_space, const std::string& name,
                                         std::uint32_t number) const;

 private:
  struct Entry {
    std::vector<WorkflowVersion> versions;      ///< by number
    std::map<Digest, std::uint32_t> by_digest;  ///< number
    std::uint64_t runs = 0;
    RunId last_run;
    Time last_seen = kUnset;
  };
  using Key = std::pair<std::string, std::string>;  ///< namespace, name

  static WorkflowSummary summary_of(const Key& key, const Entry& entry);
  void add(const engine::WorkflowUse& use);

  mutable std::mutex mutex_;  // guards all below
  std::map<Key, Entry> entries_;
  RunId up_to_;
};

}  // namespace reeve::api
