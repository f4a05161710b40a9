// Logins at the identity provider that are under way, and tokens that have done their work: both
// bounded, both forgotten in time, each of use once. A login belongs to the browser that began it,
// which shows a cookie for that. When there are too many, those of the address with too many, else
// the oldest, make room. Pure: random values and the time come from outside. One owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::security {

struct PendingLogin {
  std::string browser;   ///< secret; in the cookie
  std::string nonce;     ///< in the ID token
  std::string verifier;  ///< of PKCE
  std::string return_to;
  std::string issuer;  ///< where the browser was sent, which must be the one that answers
  std::string client;
  std::string redirect;  ///< the same text must be sent with the code
  std::string from;      ///< address
  Time until = kUnset;
};

struct PendingLimits {
  std::size_t all = 10'000;
  std::size_t of_address = 1'000;
  Duration life = std::chrono::minutes{10};
};

class PendingLogins {
 public:
  explicit PendingLogins(PendingLimits limits = {}) : limits_(limits) {}

  /// `state`: random, and in the URL; `login.until` is set here.
  void add(const std::string& state, PendingLogin login, Time now);
  /// What was begun under `state` by the browser with this cookie, and is then forgotten; also when
  /// the cookie is another one. unauthenticated, without saying which of the two was wrong.
  Result<PendingLogin> take(const std::string& state, std::string_view browser, Time now);
  std::size_t size() const { return by_state_.size(); }

 private:
  struct Entry {
    std::string state;
    PendingLogin login;
  };
  using Entries = std::list<Entry>;
  void forget(Entries::iterator entry);
  Entries::iterator oldest_of(const std::string& from);

  const PendingLimits limits_;
  Entries entries_;  ///< oldest first; all live equally long
  std::map<std::string, Entries::iterator, std::less<>> by_state_;
  std::map<std::string, std::size_t, std::less<>> of_address_;
};

/// Tokens that were exchanged, until they would not be accepted any more.
class UsedTokens {
 public:
  explicit UsedTokens(std::size_t most = 10'000) : most_(most) {}
  /// unauthenticated: it has been used. exhausted: too many are remembered.
  Status use(const Digest& token, Time until, Time now);
  std::size_t size() const { return until_.size(); }

 private:
  void forget_old(Time now);

  const std::size_t most_;
  std::map<Digest, Time> until_;
  std::multimap<Time, Digest> by_time_;
};

/// How many refusals of strangers are recorded: so many a minute, and then how many were not.
class RefusalNotes {
 public:
  explicit RefusalNotes(std::uint32_t a_minute = 60) : a_minute_(a_minute) {}
  /// False: this one is only counted.
  bool is_wanted(Time now);
  /// How many were left out since the last that was wanted.
  std::uint64_t take_left_out();

 private:
  const std::uint32_t a_minute_;
  Time minute_ = kUnset;
  std::uint32_t in_minute_ = 0;
  std::uint64_t left_out_ = 0;
};

/// A place on this very site: "/", then no second "/", no backslash, nothing but what stands in
/// paths and queries, at most 512 bytes.
bool is_local_place(std::string_view text);

}  // namespace reeve::security
