// What a job will probably take, from what like ones took: exponentially weighted means of the
// logarithms of run times (a ratio counts the same up and down, and one run of a week does not
// spoil what is known of a hundred of a minute), kept at several levels of likeness and mixed by
// how much each has seen. Only what has ended is known. Pure; one thread.
//
//   level 0: user, executable, size, request   1: user, executable, request
//   level 2: user, executable, size            3: user
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/time.h"

namespace reeve::schedule {

/// What jobs are told apart by; what is not known is the same in all.
struct JobLikeness {
  std::int64_t user = -1;
  std::int64_t executable = -1;
  std::int64_t amount = 0;
  Duration requested{0};
};

class RunTimeHistory {
 public:
  void add(const JobLikeness& job, Duration run);
  /// At least a second; nothing where nobody like it has ended.
  std::optional<Duration> expect(const JobLikeness& job) const;

 private:
  static constexpr std::size_t kLevels = 4;
  using Key = std::array<std::int64_t, 5>;
  struct HashKey {
    std::size_t operator()(const Key& key) const;
  };
  struct Mean {
    double sum = 0;     // of logarithms of seconds, weighted
    double weight = 0;  // of all
    double count = 0;   // at most kCountMax
  };
  static Key key_of(const JobLikeness& job, std::size_t level);

  std::unordered_map<Key, Mean, HashKey> means_;  // lookup only
};

}  // namespace reeve::schedule
