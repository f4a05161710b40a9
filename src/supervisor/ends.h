// Ends that the engine has not said are durable: kept to be told again. Before the supervisor ends
// they go to a spool file, and the next supervisor reads it. One owner; not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"
#include "supervisor/protocol.h"

namespace reeve::supervisor {

class Ends {
 public:
  explicit Ends(std::string spool_path) : spool_path_(std::move(spool_path)) {}

  /// What an earlier supervisor left. A torn tail, or anything damaged, ends the reading.
  Status load();
  /// Writes all ends durably, in place of what the spool file held.
  Status save();

  const Ended& add(Ended ended);
  const Ended* find(Token token) const;
  /// Gives the end back so that its files can be removed; nullopt when it is not known.
  std::optional<Ended> forget(Token token);
  bool empty() const { return ends_.empty(); }
  std::size_t size() const { return ends_.size(); }
  void for_each(const std::function<void(const Ended&)>& visit) const;

 private:
  std::string spool_path_;
  std::unordered_map<Token, Ended> ends_;
  std::unordered_set<Token> spooled_;  ///< unforgotten ends that the spool file holds
  bool has_spool_ = false;
};

}  // namespace reeve::supervisor
