// Internal to core/: runs that follow others (SubmitAfter). A follower is not admitted, and is in
// no line for its concurrency group, before all that it waits for has ended as it is to; of the
// first that ends otherwise it is ended itself, as aborted. What is waited for is open and has a
// smaller number, so there are no circles. Every end counts once, the first: what a person retries
// later is not asked again.
#pragma once

#include <vector>

#include "core/step.h"

namespace reeve::core {

/// Whether runs that it follows have not ended.
bool waits_for_runs(const Run& run);
/// Takes over what a new run follows, and how those ended that are not in memory. An error refuses
/// the submission; nothing but `run` has changed.
Status know_predecessors(const State& state, Run& run, const std::vector<RunAfter>& after);
/// Of a run that is in the tables now: it waits in line, or ends since it never can be admitted.
void begin_following(Step& step, Run& run);
/// Tells those that wait for runs that have ended: step.ended_runs.
void tell_followers(Step& step, RunId ended);
/// It waits for nobody any more: it has ended.
void stop_following(State& state, Run& run);
/// A person tries it again: it waits for what is open at this moment. How the others ended is not
/// asked: who tries it again has decided.
void follow_again(State& state, Run& run);
/// After recovery: whom others wait for follows from their records.
void restore_followers(State& state, const Run& run);
/// Whether all that runs wait for is there and open, as every commit leaves it. corrupt: it is not.
Status check_followers(const State& state);

/// Takes its turn if it has one, or waits for it in line; not while it waits for other runs.
void ask_admission(Step& step, Run& run);
/// Older runs of the same concurrency group make way, as it says: all of them, or those that wait.
void replace_older_runs(Step& step, const Run& newer);

/// {}: it waits for none. Else how many, and for which first.
Reason following_reason(const Run& run);

}  // namespace reeve::core
