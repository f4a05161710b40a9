// What of a state directory belongs into a backup, and in which order it is read so that an engine
// may go on working: docs/operations.md. Stateless; one thread.
#pragma once

#include "base/result.h"
#include "cli/backup_writer.h"
#include "cli/state_directory.h"

namespace reeve::cli {

struct BackupChoice {
  bool with_keys = false;  ///< the key that secrets are sealed under, the administrator's token
  bool with_logs = false;  ///< output of attempts
};

/// Everything but the end, which writer.finish() adds.
Status write_state(BackupWriter& writer, const StateLayout& layout, const BackupChoice& choice);

}  // namespace reeve::cli
