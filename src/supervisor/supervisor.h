// The supervisor: the parent of all local attempts, a process of its own. It starts them in the
// order given, as they fit into the capacity stated, and answers for them to whichever engine is
// connected. It outlives engines, keeps the ends they have not taken, and ends when nothing is left
// to watch and no engine comes. Single-threaded; it never waits for an engine.
//
//   attempt:  waiting (Admission) ──► running (Attempts) ──► ended (Ends) ──► forgotten (TokenSet)
//
// A token is in exactly one of these, or was never given.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "supervisor/admission.h"
#include "supervisor/attempts.h"
#include "supervisor/ends.h"
#include "supervisor/engine_link.h"
#include "supervisor/machine_meter.h"
#include "supervisor/options.h"
#include "supervisor/state_lock.h"
#include "supervisor/token_set.h"
#include "supervisor/visits.h"

namespace reeve::supervisor {

/// The whole life of a supervisor process; the exit status. For the hidden subcommand of `reeve`:
/// `arguments` are those after "supervisor".
int main_loop(std::span<const std::string> arguments);

class Supervisor final : private AttemptEvents, private EngineEvents {
 public:
  /// Takes the lock, ends what a dead supervisor left, and listens. conflict: there is another.
  static Result<std::unique_ptr<Supervisor>> create(const Options& options,
                                                    const rlimit& open_files);
  /// Until there is nothing left to do.
  Status run();

 private:
  Supervisor(Options options, StateLock lock, const std::string& state_id, Fd epoll, Fd signals,
             const rlimit& open_files);
  Status open_all();
  Status take_part(Instant& now);
  void dispatch(std::uint64_t tag, bool is_readable, bool is_writable, Instant now);
  void on_signals(Instant now);
  void admit(Instant now);
  bool is_over(Instant now);
  Status close_all(Instant now);
  Liveness liveness(Token token) const;

  void on_launch(Launch launch);
  void on_secrets(SecretsFor secrets);
  void on_stop(const Stop& stop);
  void on_probe(Token token);
  void on_forget(Token token);

  void on_started(Token token, Time at) override;
  void on_progress(Progress progress) override;
  void on_samples(Samples samples) override;
  void on_ended(Ended ended, const Launch& launch) override;
  bool is_followed(Token batch) const override { return waiting_.is_followed(batch); }
  void on_hold(const AttemptHold& hold) override;
  void on_visit(const sandbox::Reply& reply, std::string why) override;
  void on_hello(Hello hello) override;
  void on_message(FromEngine message) override;
  void on_engine_gone(bool was_clean) override;

  Options options_;
  StateLock lock_;
  Fd epoll_;
  Fd signals_;
  Instant now_;  // of this round
  Admission waiting_;
  Attempts running_;
  Ends ends_;
  TokenSet forgotten_;
  std::optional<SecretsFor> confided_;  // of the launch that comes next
  EngineLink link_;
  Visits visits_;
  Instant alone_since_;
  bool was_detached_ = false;  // no engine will come soon
  bool is_swept_ = true;       // false: something of a dead supervisor does not end
  MachineMeter machine_;
  bool is_hurried_ = false;  // somebody sent SIGTERM: the machine may be going down
};

}  // namespace reeve::supervisor
