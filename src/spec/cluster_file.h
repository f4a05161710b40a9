// YAML text → where tasks can run and how waiting work is ordered, shared and limited: the file
// that docs/cluster-file.md describes. Strict as parse.h: everything that is wrong is reported,
// with its position; what is not an error can be obeyed. Pure: the caller reads the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cluster.h"
#include "base/scheduling_policy.h"
#include "spec/parse.h"

namespace reeve::spec {

inline constexpr std::int64_t kNodesPerClusterMax = 100'000;

struct ClusterFile {
  std::vector<NodeSetup> nodes;  ///< names unique; in the order of the file
  /// Pools that list no nodes: what each of their nodes is like, with the pool's name and without a
  /// name and a capacity of its own. Who knows the machine (of `local` the engine) makes the nodes.
  std::vector<NodeSetup> open_pools;
  SchedulingPolicy scheduling;
  friend bool operator==(const ClusterFile&, const ClusterFile&) = default;
};

struct ParsedCluster {
  std::optional<ClusterFile> cluster;   ///< nothing when there is an error
  std::vector<Diagnostic> diagnostics;  ///< sorted by position
};

/// `origin` names the file in messages.
ParsedCluster parse_cluster(std::string_view source, std::string_view origin);

/// JSON Schema (draft 2020-12) of the file, from the table that the parser uses.
std::string cluster_json_schema();

}  // namespace reeve::spec
