// The part of Attempts that connects their sandboxes with what their tasks list. Names are pinned
// first, since the sandbox is composed with them; then its network is guarded and connected; only
// then is the program started.

#include <algorithm>
#include <cerrno>

#include "supervisor/attempts.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

/// From the first question to a resolver to the connected sandbox.
constexpr Duration kLinkLimit = std::chrono::seconds(30);

/// As with images: what tomorrow is no better is not worth another try.
Outcome outcome_of(const Error& error) {
  Outcome outcome = could_not_start(0);
  outcome.reason.code = ReasonCode::egress_not_usable;
  const bool may_pass = error.code == ErrorCode::unavailable ||
                        error.code == ErrorCode::io_failed || error.code == ErrorCode::exhausted;
  if (!may_pass) outcome.kind = OutcomeClass::rejected;
  return outcome;
}

}  // namespace

Duration Attempt::preparing_limit() const {
  const Duration asked = launch.start_timeout;
  if (link == kNoLink) return asked;
  return asked > Duration{0} ? std::min(asked, kLinkLimit) : kLinkLimit;
}

void Attempts::start_link(std::unique_ptr<Attempt> attempt, Instant now) {
  const auto link = links_.start(attempt->launch.sandbox.egress, attempt->serial);
  if (!link) {
    end_unstarted(std::move(attempt), outcome_of(link.error()), link.error().text(), now);
    return;
  }
  attempt->link = *link;
  attempt->phase = Phase::preparing;
  attempt->limits.start_by = deadline_after(now, attempt->preparing_limit());
  Attempt& added = *attempt;
  add(std::move(attempt), now);
  arm(added);
}

void Attempts::on_link(LinkNumber number, Instant now) {
  for (EgressLinks::News& news : links_.receive(number)) {
    Attempt* const attempt = find(news.who);
    if (attempt == nullptr) continue;
    if (std::holds_alternative<EgressLinks::Lost>(news.what))
      attempt->log.note(clock_.at(now), "egress: slirp4netns has ended: nothing can be reached");
    if (attempt->phase != Phase::preparing) continue;
    if (const auto* error = std::get_if<Error>(&news.what)) {
      attempt->log.note(clock_.at(now), error->text());
      end_preparing(*attempt, outcome_of(*error), error->text(), now);
    } else if (auto* pinned = std::get_if<egress::Pinned>(&news.what)) {
      on_names_pinned(news.who, std::move(pinned->hosts), now);
    } else if (std::holds_alternative<egress::Connected>(news.what)) {
      attempt->is_connected = true;
      Sandbox* const sandbox = sandboxes_.find(attempt->sandbox);
      if (sandbox != nullptr && attempt->may_launch(*sandbox))
        launch_enclosed(*attempt, *sandbox, now);
    } else {
      end_preparing(*attempt, could_not_start(EPIPE), "egress: its connection was lost", now);
    }
  }
}

void Attempts::on_names_pinned(Serial serial, std::string hosts, Instant now) {
  std::unique_ptr<Attempt> attempt = take_out(serial);
  attempt->hosts = std::move(hosts);
  enclose(std::move(attempt), now);
}

/// The sandbox has its network, empty as yet. False: the attempt has ended instead.
bool Attempts::connect(Attempt& attempt, const Sandbox& sandbox, Instant now) {
  attempt.is_handed_over = true;
  auto network = sandbox.zygote->network();
  Status handed = network ? links_.hand_over(attempt.link, *network)
                          : Status(tl::unexpected(std::move(network).error()));
  if (handed) return true;
  end_preparing(attempt, outcome_of(handed.error()), handed.error().text(), now);
  return false;
}

}  // namespace reeve::supervisor
