// The maps `tasks`, `on_failure` and `finally` to task groups. Needs are kept by name until all ids
// are known (link.h). One owner, for one parse.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "spec/fan_out.h"
#include "spec/read_policy.h"
#include "spec/reading.h"
#include "spec/shape_check.h"
#include "spec/touches.h"
#include "spec/workflow.h"

namespace reeve::spec {

struct NamedNeed {
  std::uint32_t group = 0;  ///< the one that needs
  YamlNode name;
  NeedCondition condition = NeedCondition::success;
};

class TaskReader {
 public:
  TaskReader(Reading& reading, Workflow& workflow);
  /// Of the workflow, before the first task; so are the defaults.
  void read_queue(const YamlNode& queue) { policies_.read_queue(queue); }
  void read_defaults(const YamlNode& defaults);
  void read(const YamlNode& tasks, Phase phase);

  const std::vector<NamedNeed>& needs() const { return needs_; }
  /// The key of each group.
  const std::vector<YamlNode>& keys() const { return keys_; }
  /// Of each group what it says to read and write.
  const std::vector<Touches>& touches() const { return touches_; }
  bool has_touches() const { return has_touches_; }

 private:
  void read_task(const YamlNode& key, const YamlNode& node, Phase phase);
  void check_network(const Section& task, const SandboxRequest& sandbox);
  void check_batch(const Section& task, const Policy& policy);
  void check_image(const Section& task, const SandboxRequest& sandbox);
  void check_warm(const Section& task, const WarmRequest& warm);
  std::string shell_for(const Section& task, const WarmRequest& warm) const;
  void check_artifacts(const Section& task, const TaskGroup& group);
  void read_touches(const Section& task);
  std::vector<Touch> read_patterns(const YamlNode& node, const std::optional<Glob>& directory,
                                   bool& is_known);
  void read_action(const Section& task, TaskGroup& group);
  void read_needs(const YamlNode& node);
  void read_detail(const Section& task, const FanOutSettings& fan_out, TaskGroup& group);
  std::optional<SandboxPaths> read_sandbox_paths(const Section& task);
  std::vector<Artifact> read_artifacts(const YamlNode& node);
  Artifact read_artifact(const YamlNode& node);

  Reading& reading_;
  Workflow& workflow_;
  PolicyReader policies_;
  std::string shell_ = "sh";
  bool names_shell_ = false;  ///< the defaults do
  std::optional<YamlNode> work_directory_;
  std::optional<YamlNode> sandbox_;
  std::vector<NamedNeed> needs_;
  std::vector<YamlNode> keys_;
  std::vector<Touches> touches_;
  bool has_touches_ = false;
  std::map<std::string, std::shared_ptr<const GroupDetail>> details_;  // shared: see GroupDetail
};

/// For the workflow and for tasks.
std::vector<EnvEntry> read_env(const YamlNode& node, Place place, Reading& reading);
std::vector<std::string> read_secrets(const YamlNode& node, const std::vector<EnvEntry>& env,
                                      Reading& reading);
std::map<std::string, std::string> read_labels(const YamlNode& node);
Concurrency read_concurrency(const YamlNode& node, Place place, Reading& reading);

}  // namespace reeve::spec
