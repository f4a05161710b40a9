#include "cli/cluster_settings.h"

#include <unistd.h>

#include <fmt/format.h>

#include "cli/workflow_file.h"
#include "config/quota_store.h"

namespace reeve::cli {
namespace {

constexpr std::string_view kLocalPool = "local";

/// What the file says of this machine.
Checked<core::PolicySet> policy_of(spec::ClusterFile cluster, const std::string& path) {
  for (const NodeSetup& node : cluster.nodes) {
    return tl::unexpected(Failure(
        kExitConflict,
        fmt::format("{}: node {} of pool {} has no executor yet: an engine starts attempts in pool "
                    "{} only, which lists no nodes; `reeve simulate --cluster` plays with others",
                    path, node.name, node.pool, kLocalPool)));
  }
  core::PolicySet out{.policy = std::move(cluster.scheduling), .nodes = {}};
  for (NodeSetup& pool : cluster.open_pools) {
    if (pool.pool != kLocalPool) continue;
    pool.name = pool.pool;
    out.nodes.push_back(std::move(pool));
  }
  return out;
}

}  // namespace

Checked<spec::ClusterFile> load_cluster(const std::string& path) {
  TRY_ASSIGN(const std::string source, read_source(path));
  spec::ParsedCluster parsed = spec::parse_cluster(source, path);
  if (parsed.cluster) return *std::move(parsed.cluster);
  std::string errors;
  for (const spec::Diagnostic& diagnostic : parsed.diagnostics) errors += "\n" + diagnostic.text();
  return tl::unexpected(
      Failure(kExitConflict, fmt::format("{} is not a valid cluster file:{}", path, errors)));
}

Checked<std::optional<core::PolicySet>> file_policy(const std::string* chosen,
                                                    const StateLayout& layout) {
  const std::string path = chosen != nullptr ? *chosen : layout.cluster();
  if (chosen == nullptr && ::access(path.c_str(), F_OK) != 0)
    return std::optional<core::PolicySet>();
  TRY_ASSIGN(spec::ClusterFile cluster, load_cluster(path));
  TRY_ASSIGN(core::PolicySet policy, policy_of(std::move(cluster), path));
  return std::optional(std::move(policy));
}

Result<std::optional<core::PolicySet>> with_set_quotas(std::optional<core::PolicySet> policy,
                                                       const StateLayout& layout) {
  const auto is_there = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
  if (!is_there(layout.flags())) return policy;
  TRY_ASSIGN(const auto store, config::QuotaStore::open(layout.flags()));
  TRY_ASSIGN(const auto quotas, store->list());
  if (quotas.empty()) return policy;
  if (!policy) policy.emplace();
  policy->policy.quotas = config::merge_quotas(std::move(policy->policy.quotas), quotas);
  return policy;
}

Checked<std::optional<core::PolicySet>> engine_policy(const std::string* chosen,
                                                      const StateLayout& layout) {
  TRY_ASSIGN(auto policy, file_policy(chosen, layout));
  TRY_ASSIGN(auto merged, with_set_quotas(std::move(policy), layout));
  return merged;
}

NodeSetup local_node(const std::optional<core::PolicySet>& policy, Resources capacity) {
  NodeSetup node{.capacity = {}, .labels = {}};
  if (policy && !policy->nodes.empty()) node = policy->nodes.front();
  node.name = kLocalPool;
  node.pool = kLocalPool;
  node.capacity = std::move(capacity);
  return node;
}

}  // namespace reeve::cli
