#include "spec/cluster_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "spec/fields.h"
#include "spec/quantities.h"
#include "spec/read_resources.h"
#include "spec/read_scheduling.h"
#include "spec/reading.h"
#include "spec/shape_check.h"
#include "spec/yaml_events.h"

namespace reeve::spec {
namespace {

const Shape& pool_shape() { return *find_field(cluster_shape(), "pools")->shape->value; }
const Shape& node_shape() { return *find_field(pool_shape(), "nodes")->shape->item; }

/// The sum of all nodes, which others count with: it must fit into its type.
class Total {
 public:
  /// The first dimension that is too large, or "".
  std::string_view add(const Resources& node, std::int64_t price_micros_per_hour) {
    std::string_view wrong;
    const auto add = [&](std::int64_t& sum, std::int64_t value, std::string_view name) {
      if (__builtin_add_overflow(sum, value, &sum) && wrong.empty()) wrong = name;
    };
    add(cpu_, node.cpu_millicores, "cpu");
    add(memory_, node.memory_bytes, "memory");
    add(disk_, node.disk_bytes, "disk");
    add(gpu_, node.gpu_milli, "gpu");
    add(price_, price_micros_per_hour, "price");
    for (const Countable& countable : node.countables)
      add(countables_[countable.name], countable.amount, "licenses");
    return wrong;
  }

 private:
  std::int64_t cpu_ = 0;
  std::int64_t memory_ = 0;
  std::int64_t disk_ = 0;
  std::int64_t gpu_ = 0;
  std::int64_t price_ = 0;
  std::map<std::string, std::int64_t> countables_;
};

class PoolReader {
 public:
  PoolReader(Reading& reading, ClusterFile& file) : reading_(reading), file_(file) {}

  void read(const YamlNode& pools) {
    for (const YamlNode::Entry& entry : pools.entries()) read_pool(entry);
  }

 private:
  void read_pool(const YamlNode::Entry& entry) {
    const Section section(entry.value, pool_shape());
    NodeSetup common;
    common.pool = reading_.read_text(entry.key);
    read_settings(section, common);
    const auto nodes = section.get("nodes");
    if (!nodes) {
      file_.open_pools.push_back(std::move(common));
      return;
    }
    for (const YamlNode& node : nodes->items()) {
      if (is_full_) return;
      read_node(node, common);
    }
  }

  // What a pool says of each of its nodes, and a node of itself.
  void read_settings(const Section& section, NodeSetup& setup) {
    if (const auto labels = section.get("labels")) read_labels(*labels, setup);
    if (const auto price = section.get("price"))
      setup.price_micros_per_hour = to_micros(read_number(*price));
    if (const auto speed = section.get("speed")) {
      constexpr double kPermille = 1000;
      setup.speed_permille =
          static_cast<std::int32_t>(std::lround(read_number(*speed) * kPermille));
      if (setup.speed_permille == 0)
        reading_.diagnostics().error(*speed, "expected a speed of at least 0.001");
    }
    if (const auto delay = section.get("start_delay"))
      setup.start_delay = reading_.read_duration(*delay);
    if (const auto failures = section.get("failures"))
      setup.failure_permille = parse_permille(failures->text()).value_or(0);
    if (const auto cordoned = section.get("cordoned"))
      setup.cordoned = reading_.read_boolean(*cordoned);
  }

  // Out of range only after an error.
  static double read_number(const YamlNode& node) {
    const Json value = node.scalar_value();
    constexpr double kMax = 1e6;
    const double number = value.is_double()  ? value.get_double()
                          : value.is_int64() ? static_cast<double>(value.get_int64())
                                             : 0;
    return std::clamp(number, 0.0, kMax);
  }

  void read_labels(const YamlNode& node, NodeSetup& setup) {
    for (const YamlNode::Entry& entry : node.entries()) {
      Label label{reading_.read_text(entry.key), reading_.read_text(entry.value)};
      if (label.key == "pool" || label.key == "node")
        reading_.diagnostics().error(
            entry.key, "every node has the label '" + label.key + "' by itself; choose another");
      const auto at = std::ranges::lower_bound(setup.labels, label.key, {}, &Label::key);
      if (at != setup.labels.end() && at->key == label.key)
        at->value = std::move(label.value);
      else
        setup.labels.insert(at, std::move(label));
    }
  }

  void read_node(const YamlNode& node, const NodeSetup& common) {
    const Section section(node, node_shape());
    NodeSetup setup = common;
    read_settings(section, setup);
    setup.capacity = read_resources(section, reading_);
    const auto name = section.get("name");
    const auto count = section.get("count");
    if (name) setup.name = reading_.read_text(*name);
    // After an error in it: once.
    const std::int64_t copies =
        count ? std::clamp<std::int64_t>(reading_.read_integer(*count), 1, kNodesPerClusterMax) : 1;
    if (static_cast<std::int64_t>(file_.nodes.size()) + copies > kNodesPerClusterMax) {
      reading_.diagnostics().error(
          node, "the cluster has more than " + std::to_string(kNodesPerClusterMax) + " nodes");
      is_full_ = true;
      return;
    }
    for (std::int64_t i = 1; i <= copies; ++i) {
      NodeSetup one = setup;
      if (count) one.name += std::to_string(i);
      if (!add(node, std::move(one))) return;
    }
  }

  bool add(const YamlNode& node, NodeSetup setup) {
    if (setup.name.size() > kLabelBytesMax) {
      reading_.diagnostics().error(node, "the name '" + setup.name + "' is too long");
      return false;
    }
    const std::string_view too_large = total_.add(setup.capacity, setup.price_micros_per_hour);
    if (!too_large.empty()) {
      reading_.diagnostics().error(
          node, "the nodes up to this one have too much together: " + std::string(too_large));
      is_full_ = true;
      return false;
    }
    if (!setup.name.empty() && !names_.insert(setup.name).second) {
      reading_.diagnostics().error(
          node, "a second node '" + setup.name +
                    "'; the names of nodes are unique in the cluster, also those with a count");
      return false;
    }
    file_.nodes.push_back(std::move(setup));
    return true;
  }

  Reading& reading_;
  ClusterFile& file_;
  std::unordered_set<std::string> names_;  // lookup only
  Total total_;
  bool is_full_ = false;  ///< with an error that every further node would repeat
};

}  // namespace

ParsedCluster parse_cluster(std::string_view source, std::string_view origin) {
  Diagnostics diagnostics(without_mark(source), origin);
  YamlText text = read_yaml(without_mark(source));
  for (YamlProblem& problem : text.problems)
    diagnostics.error(problem.offset, std::move(problem.message));
  ClusterFile file;
  const auto root = text.document.root();
  if (root && root->is_map()) {
    check_shape(*root, cluster_shape(), diagnostics);
    const Section section(*root, cluster_shape());
    Reading reading(diagnostics);
    const auto pools = section.get("pools");
    if (pools) PoolReader(reading, file).read(*pools);
    SchedulingReader scheduling(reading, file.scheduling);
    if (pools) scheduling.know_pools(*pools);
    if (const auto queues = section.get("queues")) scheduling.read_queues(*queues);
    if (const auto rules = section.get("scheduling")) scheduling.read(*rules);
  } else if (root || text.problems.empty()) {
    diagnostics.error(root ? root->offset() : 0,
                      "expected a map with pools, queues or scheduling: a cluster file says where "
                      "tasks can run and how they wait");
  }
  if (diagnostics.has_errors()) return {std::nullopt, diagnostics.take()};
  return {std::move(file), diagnostics.take()};
}

}  // namespace reeve::spec
