// What of a pool's capacity is in use, and which attempts were handed over beyond it ("staged"):
// the executor starts those in order as places become free, and the ledger mirrors that. Pure; one
// thread. Invariant: used = sum of the requests of holders; staged ones hold nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/resources.h"
#include "base/time.h"

namespace reeve::schedule {

inline constexpr std::uint32_t kStagedMax = 64;

class Ledger {
 public:
  explicit Ledger(Resources capacity);

  const Resources& capacity() const { return capacity_; }
  const Resources& used() const { return used_; }
  void set_capacity(Resources capacity);
  /// Whether the request fits now. Nothing fits while attempts are staged: they are first.
  bool fits(const Resources& request) const;
  /// Whether it would fit into the empty pool.
  bool could_ever_fit(const Resources& request) const;
  /// The dimension that is short now.
  std::string shortage(const Resources& request) const;

  void take(const Resources& request);
  /// Whether one more of `request` may be handed over beyond capacity: only short-lived attempts of
  /// one shape are, so that a wrong guess costs little.
  bool may_stage(const Resources& request) const;
  void stage(Token token, const Resources& request);
  /// Frees a holder's request; returns the staged tokens that hold capacity from now on.
  std::vector<Token> release(const Resources& request);
  /// Removes a staged token that will not run; returns those that move up.
  std::vector<Token> unstage(Token token);
  std::size_t staged() const { return staged_.size(); }

  /// Learns how long attempts take here, for the depth of staging.
  void observe_run_time(Duration run_time);
  std::uint32_t staging_depth() const;

 private:
  std::vector<Token> promote();

  struct Staged {
    Token token;
    Resources request;
  };
  Resources capacity_;
  Resources used_;
  std::deque<Staged> staged_;
  std::optional<Resources> last_shape_;
  std::int64_t mean_run_us_ = -1;  // exponentially weighted, 1/8; -1: nothing seen
};

}  // namespace reeve::schedule
