// What was answered to requests with an Idempotency-Key, for those that are sent again: by key,
// bounded by number and bytes. It forgets the oldest, and everything when the service ends: then
// submissions are found by the key that is stored with their run, and what else changed something
// among the kept answers (security/kept_answers.h). Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.h"
#include "http/message.h"

namespace reeve::api {

class IdempotencyTable {
 public:
  IdempotencyTable(std::size_t entries_max, std::size_t bytes_max)
      : entries_max_(entries_max),
        bytes_max_(bytes_max) {}

  enum class Found : std::uint8_t {
    nothing,    ///< it is under way from now on: finish() or abandon() it
    under_way,  ///< 409
    other,      ///< 422: with another request
    answered,   ///< `answer` is what was said
  };
  struct Begun {
    Found found = Found::nothing;
    http::Response answer;
  };
  Begun begin(const std::string& key, const Digest& request);
  void finish(const std::string& key, const http::Response& answer);
  /// It may be tried again with the same key.
  void abandon(const std::string& key);

 private:
  struct Entry {
    Digest request;
    std::optional<http::Response> answer;
  };
  const std::size_t entries_max_;
  const std::size_t bytes_max_;
  std::mutex mutex_;  // guards all below
  std::map<std::string, Entry> entries_;
  std::deque<std::string> answered_;  ///< oldest first
  std::size_t bytes_ = 0;             ///< of their bodies
};

}  // namespace reeve::api
