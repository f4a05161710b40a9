// The parts `queues` and `scheduling` of the cluster file. What names something else (a quota its
// queue, a window its pool) is checked against what the file declares. One owner, for one parse.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/scheduling_policy.h"
#include "spec/reading.h"
#include "spec/shape_check.h"

namespace reeve::spec {

class SchedulingReader {
 public:
  SchedulingReader(Reading& reading, SchedulingPolicy& policy);
  /// Of the map `pools`, before `read`.
  void know_pools(const YamlNode& pools);
  /// Before `read`.
  void read_queues(const YamlNode& queues);
  void read(const YamlNode& scheduling);

 private:
  void read_queue(const YamlNode::Entry& entry);
  Resources read_cap(const YamlNode& node);
  void read_order(const YamlNode& node);
  void read_node_weights(const YamlNode& node);
  void read_backfill(const YamlNode& node);
  void read_preemption(const YamlNode& node);
  void read_quotas(const YamlNode& node);
  QuotaSetup read_quota(const YamlNode& node);
  void read_rate_limits(const YamlNode& node);
  void read_windows(const YamlNode& node);
  WindowSetup read_window(const YamlNode& node);
  void read_breaker(const YamlNode& node);
  void read_load(const YamlNode& node);
  RetryBudgetSetup read_retry_budget(const YamlNode& node, const Shape& shape) const;
  void check_known(const YamlNode& name, const std::set<std::string, std::less<>>& known,
                   std::string_view what);

  Reading& reading_;
  SchedulingPolicy& policy_;
  std::set<std::string, std::less<>> pools_;
  std::set<std::string, std::less<>> queues_;  ///< declared, and what stands above those
};

}  // namespace reeve::spec
