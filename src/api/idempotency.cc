#include "api/idempotency.h"

namespace reeve::api {

IdempotencyTable::Begun IdempotencyTable::begin(const std::string& key, const Digest& request) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = entries_.try_emplace(key, Entry{request, std::nullopt});
  if (is_new) return {};
  const Entry& entry = at->second;
  if (entry.request != request) return {Found::other, {}};
  if (!entry.answer) return {Found::under_way, {}};
  return {Found::answered, *entry.answer};
}

void IdempotencyTable::finish(const std::string& key, const http::Response& answer) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.answer) return;
  if (answer.body.size() > bytes_max_ / 16) {
    entries_.erase(found);
    return;
  }
  found->second.answer = answer;
  answered_.push_back(key);
  bytes_ += answer.body.size();
  while (answered_.size() > entries_max_ || bytes_ > bytes_max_) {
    const auto oldest = entries_.find(answered_.front());
    bytes_ -= oldest->second.answer->body.size();
    entries_.erase(oldest);
    answered_.pop_front();
  }
}

void IdempotencyTable::abandon(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found != entries_.end() && !found->second.answer) entries_.erase(found);
}

}  // namespace reeve::api
