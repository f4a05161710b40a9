#include "supervisor/batch_places.h"

#include <csignal>
#include <utility>

namespace reeve::supervisor {

void BatchPlaces::keep(Attempt& attempt, Sandbox& sandbox) {
  BatchPlace place{attempt.sandbox, attempt.pid, std::move(attempt.files), std::move(attempt.door)};
  sandbox.count_anew();
  if (attempt.verdict.kind == OutcomeClass::none && !sandbox.is_broken)
    places_.insert_or_assign(attempt.launch.batch, std::move(place));
  else
    give_up(place);
}

void BatchPlaces::give_up(const BatchPlace& place) {
  if (place.init != 0) ::kill(place.init, SIGKILL);
  Sandbox* const sandbox = sandboxes_.find(place.sandbox);
  if (sandbox == nullptr) return;
  sandbox->is_broken = true;  // what dies in it may still be counted
  sandboxes_.give_back(place.sandbox);
}

void BatchPlaces::close(Token batch) {
  if (places_.empty()) return;
  const auto node = places_.extract(batch);
  if (!node.empty()) give_up(node.mapped());
}

std::optional<BatchPlace> BatchPlaces::take(const Attempt& attempt) {
  if (places_.empty()) return std::nullopt;
  auto node = places_.extract(attempt.launch.batch);
  if (node.empty()) return std::nullopt;
  BatchPlace place = std::move(node.mapped());
  const Sandbox* const sandbox = sandboxes_.find(place.sandbox);
  const bool fits = sandbox != nullptr && !sandbox->is_broken && place.init != 0 &&
                    attempt.may_share() &&
                    Sandboxes::suits(*sandbox, attempt.launch, attempt.kind());
  if (fits) return place;
  give_up(place);
  return std::nullopt;
}

void BatchPlaces::on_child_ended(pid_t pid) {
  for (auto& [batch, place] : places_)
    if (place.init == pid) place.init = 0;
}

}  // namespace reeve::supervisor
