#include "schedule/ledger.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

// Attempts that take longer than this are not worth handing over early: the engine's own latency,
// about two milliseconds a round, is small beside them.
constexpr std::int64_t kStagedRunUsMax = 100'000;
// Work handed over early should cover this much of the engine's latency.
constexpr std::int64_t kLatencyToHideUs = 6'000;

}  // namespace

Ledger::Ledger(Resources capacity) : capacity_(std::move(capacity)) {}

void Ledger::set_capacity(Resources capacity) { capacity_ = std::move(capacity); }

bool Ledger::fits(const Resources& request) const {
  if (!staged_.empty()) return false;
  Resources wanted = used_;
  wanted.add(request);
  return capacity_.covers(wanted);
}

bool Ledger::could_ever_fit(const Resources& request) const { return capacity_.covers(request); }

std::string Ledger::shortage(const Resources& request) const {
  Resources wanted = used_;
  wanted.add(request);
  return capacity_.first_shortage(wanted);
}

void Ledger::take(const Resources& request) {
  used_.add(request);
  last_shape_ = request;
}

bool Ledger::may_stage(const Resources& request) const {
  return last_shape_ && *last_shape_ == request && staged_.size() < staging_depth();
}

void Ledger::stage(Token token, const Resources& request) { staged_.push_back({token, request}); }

std::vector<Token> Ledger::promote() {
  std::vector<Token> promoted;
  while (!staged_.empty()) {
    Resources wanted = used_;
    wanted.add(staged_.front().request);
    if (!capacity_.covers(wanted)) break;
    used_ = std::move(wanted);
    promoted.push_back(staged_.front().token);
    staged_.pop_front();
  }
  return promoted;
}

std::vector<Token> Ledger::release(const Resources& request) {
  ENSURE(used_.covers(request));
  used_.subtract(request);
  return promote();
}

std::vector<Token> Ledger::unstage(Token token) {
  const auto found =
      std::ranges::find_if(staged_, [&](const Staged& staged) { return staged.token == token; });
  ENSURE(found != staged_.end());
  staged_.erase(found);
  return promote();
}

void Ledger::observe_run_time(Duration run_time) {
  const std::int64_t us = std::max<std::int64_t>(run_time.count(), 0);
  mean_run_us_ = mean_run_us_ < 0 ? us : mean_run_us_ + (us - mean_run_us_) / 8;
}

std::uint32_t Ledger::staging_depth() const {
  if (mean_run_us_ < 0 || mean_run_us_ > kStagedRunUsMax || !last_shape_) return 0;
  // As many as the places could finish while the engine is busy with one round, and one for each
  // place. How many places there are follows from the shape of what runs.
  std::int64_t places = 1;
  if (last_shape_->cpu_millicores > 0)
    places = std::max<std::int64_t>(1, capacity_.cpu_millicores / last_shape_->cpu_millicores);
  const std::int64_t rounds = kLatencyToHideUs / std::max<std::int64_t>(mean_run_us_, 100);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(places * (1 + rounds), 1, kStagedMax));
}

}  // namespace reeve::schedule
