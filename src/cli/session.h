// What every command is given, and what commands there are. A session is one command line: made by
// main, used by one thread.
#pragma once

#include <optional>
#include <string>

#include "cli/arguments.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "cli/state_directory.h"
#include "cli/terminal.h"

namespace reeve::cli {

struct Session {
  const Arguments& arguments;
  const Surroundings& surroundings;
  Stream& out;               ///< data
  Stream& err;               ///< talk
  std::string command_line;  ///< as people would type it

  bool is_quiet() const { return arguments.has("quiet"); }
  /// A line for people, in front of it "reeve: "; nothing with -q.
  void say(const std::string& text) const;
  /// Columns to lay tables out for: 0 when stdout is no terminal.
  int table_columns() const;
  Result<StateLayout> find_state() const;
  Result<StateLayout> make_state() const;
  /// Prints data, and checks that it arrived.
  Ended print(std::string_view text, int status = kExitDone) const;
  Ended print(const Listing& listing, const OutputChoice& choice, int status = kExitDone) const;
};

/// For what works on the directory of an engine and cannot be asked of a service.
tl::unexpected<Failure> only_here(const Session& session);

using Handler = Ended (*)(const Session&);

Ended command_run(const Session& session);
Ended command_resume(const Session& session);
Ended command_retry(const Session& session);

Ended command_submit(const Session& session);

Ended command_serve(const Session& session);
Ended command_dev(const Session& session);

Ended command_ls(const Session& session);
Ended command_show(const Session& session);
Ended command_watch(const Session& session);
Ended command_top(const Session& session);
Ended command_queue(const Session& session);
Ended command_logs(const Session& session);
Ended command_explain(const Session& session);
Ended command_wait(const Session& session);
Ended command_diff(const Session& session);
Ended command_artifact(const Session& session);

Ended command_cancel(const Session& session);
Ended command_pause(const Session& session);
Ended command_approve(const Session& session);
Ended command_exec(const Session& session);
Ended command_node(const Session& session);

Ended command_init(const Session& session);
Ended command_lint(const Session& session);
Ended command_plan(const Session& session);
Ended command_simulate(const Session& session);
Ended command_schema(const Session& session);

Ended command_context(const Session& session);
Ended command_token(const Session& session);
Ended command_secret(const Session& session);
Ended command_flag(const Session& session);
Ended command_audit(const Session& session);
Ended command_backup(const Session& session);
Ended command_restore(const Session& session);
Ended command_config(const Session& session);

Ended command_doctor(const Session& session);
Ended command_replay(const Session& session);
Ended command_completion(const Session& session);
Ended command_man(const Session& session);
Ended command_help(const Session& session);
Ended command_version(const Session& session);

/// Null for a name that is in no row of the command table.
Handler find_handler(std::string_view command);

/// The whole program: the exit status. `words`: without the name of the program.
int run_program(std::span<const std::string> words);

}  // namespace reeve::cli
