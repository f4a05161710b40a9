#include "supervisor/admission.h"

#include "base/ensure.h"

namespace reeve::supervisor {

void Admission::add(Launch launch) {
  ENSURE(!is_waiting(launch.token));
  const Token token = launch.token;
  queue_.push_back(std::move(launch));
  places_.emplace(token, std::prev(queue_.end()));
}

bool Admission::fits(const Resources& request) const {
  // More may be in use than there is: the capacity can be lowered at any time.
  Resources wanted = in_use_;
  wanted.add(request);
  return capacity_.covers(wanted);
}

std::optional<Launch> Admission::admit() {
  if (queue_.empty() || !fits(queue_.front().resources)) return std::nullopt;
  in_use_.add(queue_.front().resources);
  return remove_first();
}

void Admission::release(const Resources& resources) { in_use_.subtract(resources); }

std::optional<Launch> Admission::remove(Token token) {
  const auto place = places_.find(token);
  if (place == places_.end()) return std::nullopt;
  Launch launch = std::move(*place->second);
  queue_.erase(place->second);
  places_.erase(place);
  return launch;
}

std::optional<Launch> Admission::remove_first() {
  if (queue_.empty()) return std::nullopt;
  return remove(queue_.front().token);
}

}  // namespace reeve::supervisor
