#include "supervisor/admission.h"

#include "base/ensure.h"

namespace reeve::supervisor {

void Admission::add(Launch launch) {
  ENSURE(!is_waiting(launch.token));
  const Token token = launch.token;
  Queue* queue = &queue_;
  if (launch.batch != Token{}) {
    const auto [line, is_first] = lines_.try_emplace(launch.batch);
    if (!is_first) queue = &line->second.behind;
  }
  queue->push_back(std::move(launch));
  places_.emplace(token, Place{queue, std::prev(queue->end())});
}

bool Admission::fits(const Resources& request) const {
  // More may be in use than there is: the capacity can be lowered at any time.
  Resources wanted = in_use_;
  wanted.add(request);
  return capacity_.covers(wanted);
}

bool Admission::is_followed(Token batch) const {
  const auto line = lines_.find(batch);
  return line != lines_.end() && line->second.is_admitted && !line->second.behind.empty();
}

Launch Admission::take(Queue& queue, Queue::iterator at) {
  Launch launch = std::move(*at);
  queue.erase(at);
  places_.erase(launch.token);
  return launch;
}

std::optional<Launch> Admission::admit() {
  if (!free_lines_.empty()) {
    Line& line = lines_.at(free_lines_.front());
    free_lines_.pop_front();
    line.is_free = false;
    return take(line.behind, line.behind.begin());
  }
  if (queue_.empty() || !fits(queue_.front().resources)) return std::nullopt;
  const auto line = lines_.find(queue_.front().batch);
  if (line != lines_.end()) {
    line->second.is_admitted = true;
    line->second.room = queue_.front().resources;
  }
  in_use_.add(queue_.front().resources);
  return take(queue_, queue_.begin());
}

void Admission::release(const Resources& resources, Token batch) {
  const auto line = lines_.find(batch);
  if (line != lines_.end() && !line->second.behind.empty()) {
    line->second.is_free = true;
    free_lines_.push_back(batch);
    return;
  }
  if (line != lines_.end()) lines_.erase(line);
  in_use_.subtract(resources);
}

/// Of a batch it was the last, or the one that kept the place of the others in the queue.
void Admission::leave(const Launch& launch) {
  const auto found = lines_.find(launch.batch);
  if (found == lines_.end()) return;
  Line& line = found->second;
  if (line.is_admitted) {
    if (!line.is_free || !line.behind.empty()) return;
    free_lines_.remove(launch.batch);
    in_use_.subtract(line.room);
  } else if (!line.behind.empty()) {
    return;
  }
  lines_.erase(found);
}

std::optional<Launch> Admission::remove(Token token) {
  const auto found = places_.find(token);
  if (found == places_.end()) return std::nullopt;
  const Place place = found->second;
  const auto line = lines_.find(place.at->batch);
  const bool is_head = place.queue == &queue_;
  if (is_head && line != lines_.end() && !line->second.behind.empty()) {
    Queue& behind = line->second.behind;
    queue_.splice(place.at, behind, behind.begin());
    const auto next = std::prev(place.at);
    places_.at(next->token) = {&queue_, next};
    return take(queue_, place.at);
  }
  Launch launch = take(*place.queue, place.at);
  if (is_head && line != lines_.end())
    lines_.erase(line);
  else
    leave(launch);
  return launch;
}

std::optional<Launch> Admission::remove_first() {
  if (places_.empty()) return std::nullopt;
  return remove(queue_.empty() ? places_.begin()->first : queue_.front().token);
}

}  // namespace reeve::supervisor
