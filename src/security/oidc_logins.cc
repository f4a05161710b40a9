#include "security/oidc_logins.h"

#include <algorithm>
#include <utility>

#include "security/credentials.h"

namespace reeve::security {
namespace {

constexpr std::size_t kPlaceBytesMax = 512;

}  // namespace

void PendingLogins::forget(Entries::iterator entry) {
  const auto count = of_address_.find(entry->login.from);
  if (--count->second == 0) of_address_.erase(count);
  by_state_.erase(entry->state);
  entries_.erase(entry);
}

PendingLogins::Entries::iterator PendingLogins::oldest_of(const std::string& from) {
  return std::ranges::find_if(entries_, [&](const Entry& each) { return each.login.from == from; });
}

void PendingLogins::add(const std::string& state, PendingLogin login, Time now) {
  while (!entries_.empty() && now >= entries_.front().login.until) forget(entries_.begin());
  if (by_state_.contains(state)) return;  // it was random: only a caller's mistake comes here
  const auto count = of_address_.find(login.from);
  if (count != of_address_.end() && count->second >= limits_.of_address)
    forget(oldest_of(login.from));
  else if (entries_.size() >= limits_.all)
    forget(entries_.begin());
  login.until = now + limits_.life;
  ++of_address_[login.from];
  entries_.push_back({state, std::move(login)});
  by_state_.emplace(state, std::prev(entries_.end()));
}

Result<PendingLogin> PendingLogins::take(const std::string& state, std::string_view browser,
                                         Time now) {
  const auto found = by_state_.find(state);
  if (found != by_state_.end()) {
    const PendingLogin login = found->second->login;
    forget(found->second);
    if (now < login.until && same_secret(login.browser, browser)) return login;
  }
  return fail(ErrorCode::unauthenticated,
              "this login was not begun in this browser, took longer than ten minutes, or has been "
              "finished: begin anew");
}

void UsedTokens::forget_old(Time now) {
  while (!by_time_.empty() && now >= by_time_.begin()->first) {
    until_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
}

Status UsedTokens::use(const Digest& token, Time until, Time now) {
  forget_old(now);
  if (until_.contains(token))
    return fail(ErrorCode::unauthenticated,
                "this token of the identity provider has been exchanged before: log in anew");
  if (until_.size() >= most_)
    return fail(ErrorCode::exhausted, "too many people log in at a time: try again in a minute");
  until_.emplace(token, until);
  by_time_.emplace(until, token);
  return {};
}

bool RefusalNotes::is_wanted(Time now) {
  if (minute_ == kUnset || now < minute_ || now - minute_ >= std::chrono::minutes{1}) {
    minute_ = now;
    in_minute_ = 0;
  }
  if (in_minute_ < a_minute_) {
    ++in_minute_;
    return true;
  }
  ++left_out_;
  return false;
}

std::uint64_t RefusalNotes::take_left_out() { return std::exchange(left_out_, 0); }

bool is_local_place(std::string_view text) {
  constexpr std::string_view kBeside = "-._~/?=&%+:@,;!$()*#";
  if (text.empty() || text.size() > kPlaceBytesMax || text.front() != '/') return false;
  if (text.size() > 1 && text[1] == '/') return false;
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kBeside.find(c) != std::string_view::npos;
  });
}

}  // namespace reeve::security
