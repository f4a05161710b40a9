// The fields of a task that become its Policy, over those of `defaults`. Equal policies are kept
// once. One owner, for one parse.
#pragma once

#include <map>
#include <string>

#include "spec/reading.h"
#include "spec/shape_check.h"
#include "spec/workflow.h"

namespace reeve::spec {

class PolicyReader {
 public:
  /// `policies` receives the policy of tasks that say nothing as its first.
  PolicyReader(Reading& reading, std::vector<Policy>& policies);
  /// Of the workflow; before the first task.
  void read_queue(const YamlNode& queue);
  /// Of the top-level map `defaults`; before the first task.
  void read_defaults(const Section& defaults);
  /// An index into the policies.
  std::uint32_t read(const Section& task);

 private:
  void apply(const Section& section, Policy& policy);
  void apply_retry(const YamlNode& node, RetryPolicy& retry);
  void apply_backoff(const YamlNode& node, Backoff& backoff);
  void apply_hedge(const YamlNode& node, Policy& policy);
  void apply_batch(const YamlNode& node, Policy& policy);
  void check_batch(const YamlNode& node, const Policy& policy);
  void apply_timeout(const YamlNode& node, Timeouts& timeouts);
  void apply_resources(const YamlNode& node, Policy& policy);
  void apply_variants(const YamlNode& node, Policy& policy);
  void check_gang(const YamlNode& node, const Policy& policy);
  void apply_image(const YamlNode& node, SandboxRequest& sandbox);
  void apply_network(const YamlNode& node, SandboxRequest& sandbox);
  WarmRequest read_warm(const YamlNode& node);
  void apply_sandbox(const YamlNode& node, SandboxRequest& sandbox);
  std::vector<LockRequest> read_locks(const YamlNode& node);

  Reading& reading_;
  std::vector<Policy>& policies_;
  std::map<std::string, std::uint32_t> known_;  ///< by what the YAML says
};

}  // namespace reeve::spec
