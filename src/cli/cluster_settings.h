// The cluster file of a state directory: what its engine is told of queues, shares and limits, and
// of the machine it runs on. Reads files; no state.
#pragma once

#include <optional>
#include <string>

#include "cli/failure.h"
#include "cli/state_directory.h"
#include "core/event.h"
#include "spec/cluster_file.h"

namespace reeve::cli {

/// A cluster file without errors; else a failure (6) with every error on a line of its own.
Checked<spec::ClusterFile> load_cluster(const std::string& path);

/// `chosen` (--cluster), or cluster.yaml in the state directory if there is one; nothing: neither.
/// A failure also where the file lists nodes that this engine has no executor for.
Checked<std::optional<core::PolicySet>> file_policy(const std::string* chosen,
                                                    const StateLayout& layout);
/// The same with the quotas that were set through the API of the directory's service.
Result<std::optional<core::PolicySet>> with_set_quotas(std::optional<core::PolicySet> policy,
                                                       const StateLayout& layout);
/// Both: what an engine of the directory goes by.
Checked<std::optional<core::PolicySet>> engine_policy(const std::string* chosen,
                                                      const StateLayout& layout);

/// This machine as the policy describes it, with what its engine may use.
NodeSetup local_node(const std::optional<core::PolicySet>& policy, Resources capacity);

}  // namespace reeve::cli
