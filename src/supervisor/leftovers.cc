#include "supervisor/leftovers.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>

#include "supervisor/clock.h"
#include "supervisor/frozen.h"

namespace reeve::supervisor {

void Leftovers::add_main(pid_t pid, Serial serial, Token token) {
  mains_[pid] = serial;
  sessions_[pid] = serial;
  tokens_[token] = serial;
  newest_ = serial;
}

void Leftovers::attempt_ended(Serial serial, pid_t session, Token token) {
  if (const auto at = sessions_.find(session); at != sessions_.end() && at->second == serial)
    sessions_.erase(at);
  tokens_.erase(token);
}

Leftovers::Owner Leftovers::owner_of(pid_t pid) const {
  if (const auto session = sessions_.find(::getsid(pid)); session != sessions_.end())
    return {session->second, true, false};
  const auto [marker, is_undecided] = marker_of(pid);
  if (!marker.starts_with(marker_prefix_)) return {kNoSerial, false, is_undecided};
  Token token;
  std::from_chars(marker.data() + marker_prefix_.size(), marker.data() + marker.size(),
                  token.value);
  const auto owner = tokens_.find(token);
  return {owner == tokens_.end() ? kNoSerial : owner->second, true, false};
}

void Leftovers::look() {
  const std::vector<pid_t>& children = children_.list();
  if (children.size() == mains_.size() + enclosed_.size() && adopted_.empty()) return;
  for (const pid_t pid : children) {
    if (mains_.contains(pid) || enclosed_.contains(pid)) continue;
    if (is_enclosed(pid)) {
      enclosed_.insert(pid);
      continue;
    }
    auto [at, is_new] = adopted_.try_emplace(pid);
    Adopted& adopted = at->second;
    if (is_new) adopted.newest_candidate = newest_;
    if (adopted.owner != kNoSerial || adopted.is_disowned) continue;
    // Asked again each time: one that was executing a program may show its environment by now.
    const Owner owner = owner_of(pid);
    adopted.owner = owner.serial;
    adopted.is_undecided = owner.is_undecided;
    if (owner.is_marked) adopted.newest_candidate = 0;
  }
}

/// Zygotes are in our own pid namespace, and made new ones for their children.
bool Leftovers::is_enclosed(pid_t pid) const {
  const std::string theirs = pid_namespace_of(pid);
  return !theirs.empty() && theirs != own_pid_namespace_;
}

Serial Leftovers::take(pid_t pid) {
  if (enclosed_.erase(pid) > 0) return kNoSerial;
  const auto at = adopted_.find(pid);
  if (at == adopted_.end()) return owner_of(pid).serial;
  const Serial owner = at->second.owner;
  adopted_.erase(at);
  return owner;
}

std::vector<pid_t> Leftovers::of(Serial serial) const {
  std::vector<pid_t> pids;
  for (const auto& [pid, adopted] : adopted_)
    if (adopted.owner == serial) pids.push_back(pid);
  return pids;
}

bool Leftovers::has_any(Serial serial) const {
  return std::ranges::any_of(adopted_,
                             [serial](const auto& entry) { return entry.second.owner == serial; });
}

bool Leftovers::has_undecided() const {
  return std::ranges::any_of(adopted_, [](const auto& entry) { return entry.second.is_undecided; });
}

void Leftovers::disown(pid_t pid) {
  Adopted& adopted = adopted_[pid];
  adopted.owner = kNoSerial;
  adopted.is_disowned = true;
  adopted.is_undecided = false;
}

void Leftovers::kill_strays(Serial oldest) {
  for (const auto& [pid, adopted] : adopted_)
    if (adopted.owner == kNoSerial && adopted.newest_candidate < oldest) ::kill(pid, SIGKILL);
}

std::vector<pid_t> Leftovers::kill_all(Duration patience) {
  constexpr int kWaitFirstMilliseconds = 1;
  constexpr int kWaitMaxMilliseconds = 50;
  const Instant until = monotonic_now() + patience;
  int wait = kWaitFirstMilliseconds;
  while (true) {
    const std::vector<pid_t>& left = children_.list();
    if (left.empty()) return {};
    bool can_kill = false;
    for (const pid_t pid : left) can_kill = ::kill(pid, SIGKILL) == 0 || can_kill;
    for (const pid_t pid : left) thaw(pid, marker_prefix_);
    // Those that remain belong to another user, or do not end.
    if (!can_kill || monotonic_now() >= until) return left;
    bool has_reaped = false;
    while (::waitpid(-1, nullptr, WNOHANG | __WALL) > 0) has_reaped = true;
    if (has_reaped) continue;
    ::poll(nullptr, 0, wait);
    wait = std::min(wait * 2, kWaitMaxMilliseconds);
  }
}

}  // namespace reeve::supervisor
