// Quotas that were set through the API: STATE/quotas.json, which goes before the cluster file. A
// change is durable before it is answered: written whole beside the file, which then takes its
// place. Only the service of the state directory changes it. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduling_policy.h"
#include "base/time.h"
#include "config/text_version.h"

namespace reeve::config {

inline constexpr std::size_t kQuotasMax = 1000;

struct SetQuota {
  QuotaSetup quota;           ///< its user and queue name it
  std::uint64_t version = 0;  ///< grows with every change of any of them
  Time at = kUnset;
  std::string by;
  friend bool operator==(const SetQuota&, const SetQuota&) = default;
};

/// Those of the file, with these in the place of what names the same user and queue; the others of
/// these go before all of the file, because the first that fits counts.
std::vector<QuotaSetup> merge_quotas(std::vector<QuotaSetup> file,
                                     const std::vector<SetQuota>& quotas);

class QuotaStore {
 public:
  /// No file is no quotas. corrupt: it is not what set() writes.
  static Result<std::vector<SetQuota>> read(const std::string& path);

  explicit QuotaStore(std::string path) : path_(std::move(path)) {}
  /// A named user before everyone, and a named queue before all of them.
  Result<std::vector<SetQuota>> list() const;
  /// `expected`: the version that the caller saw, 0 for none, or kAnyVersion; conflict if another
  /// is there now. exhausted: there are kQuotasMax.
  static constexpr std::uint64_t kAnyVersion = config::kAnyVersion;
  Result<SetQuota> set(const QuotaSetup& quota, std::uint64_t expected, std::string_view by,
                       Time now);
  /// not_found: none was set for them.
  Status remove(std::string_view user, std::string_view queue, std::uint64_t expected);

 private:
  struct Kept;
  static Result<Kept> load(const std::string& path);
  Status save(const Kept& kept) const;

  const std::string path_;
  mutable std::mutex mutex_;  // guards the file
};

}  // namespace reeve::config
