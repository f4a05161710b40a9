// Quotas that were set through the API, with their history, in STATE/flags.db. They go before those
// of the cluster file. A change is durable before it is answered. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduling_policy.h"
#include "base/time.h"
#include "config/versioned_texts.h"

namespace reeve::config {

inline constexpr std::size_t kQuotasMax = 1000;

struct SetQuota {
  QuotaSetup quota;           ///< its user and queue name it; without limits if it was removed
  std::uint64_t version = 0;  ///< grows with every change of it
  Time at = kUnset;
  std::string by;
  bool removed = false;
  friend bool operator==(const SetQuota&, const SetQuota&) = default;
};

/// Those of the file, with these in the place of what names the same user and queue; the others of
/// these go before all of the file, because the first that fits counts.
std::vector<QuotaSetup> merge_quotas(std::vector<QuotaSetup> file,
                                     const std::vector<SetQuota>& quotas);

class QuotaStore {
 public:
  /// `path`: flags.db.
  static Result<std::unique_ptr<QuotaStore>> open(const std::string& path);

  /// A named user before everyone, and a named queue before all of them.
  Result<std::vector<SetQuota>> list();
  /// `expected`: the version that the caller saw, 0 for none, or kAnyVersion; conflict if another
  /// is there now. exhausted: there are kQuotasMax.
  Result<SetQuota> set(const QuotaSetup& quota, std::uint64_t expected, std::string_view by,
                       Time now);
  /// not_found: none was set for them.
  Status remove(std::string_view user, std::string_view queue, std::uint64_t expected,
                std::string_view by, Time now);
  /// Newest first; [] if there never was one.
  Result<std::vector<SetQuota>> history(std::string_view user, std::string_view queue);

 private:
  explicit QuotaStore(VersionedTexts texts) : texts_(std::move(texts)) {}

  std::mutex mutex_;
  VersionedTexts texts_;  // under the mutex
};

}  // namespace reeve::config
