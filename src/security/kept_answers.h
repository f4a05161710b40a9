// Answers to requests with an Idempotency-Key, in a file of their own (STATE/answers.db, 0600), so
// that a request that is sent again is not done again, also after a restart. Keeps a bounded number
// for a bounded time. A request whose answer was never kept may be done again. Thread-safe; keep()
// waits for the disk, find() reads from it only what is known to be there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::security {

struct KeptAnswer {
  Digest request;  ///< of all that was asked for
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  friend bool operator==(const KeptAnswer&, const KeptAnswer&) = default;
};

struct KeptAnswersOptions {
  std::size_t answers_max = 100'000;
  Duration life = std::chrono::hours{24};
};

class KeptAnswers {
 public:
  static Result<std::unique_ptr<KeptAnswers>> open(const std::string& path, Time now,
                                                   KeptAnswersOptions options = {});
  ~KeptAnswers();
  KeptAnswers(const KeptAnswers&) = delete;
  KeptAnswers& operator=(const KeptAnswers&) = delete;

  /// `key`: of whom and of what. Durable when it returns.
  Status keep(const Digest& key, const KeptAnswer& answer, Time now);
  Result<std::optional<KeptAnswer>> find(const Digest& key, Time now);

 private:
  struct State;
  explicit KeptAnswers(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::security
