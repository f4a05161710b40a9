// The schema is valid JSON Schema, and agrees with the parser's own check of shapes.
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "spec/cluster_file.h"
#include "spec/fields.h"
#include "spec/parse.h"
#include "spec/shape_check.h"
#include "spec/yaml_events.h"

namespace reeve::spec {
namespace {

using valijson::adapters::BoostJsonAdapter;

// valijson 1.0 loses references inside of references, so they are written out for it.
Json without_references(const Json& value, const Json& root) {
  if (const auto* array = value.if_array()) {
    boost::json::array out;
    for (const Json& item : *array) out.push_back(without_references(item, root));
    return out;
  }
  const auto* object = value.if_object();
  if (object == nullptr) return value;
  if (const Json* reference = object->if_contains("$ref")) {
    const std::string_view path = reference->as_string();
    return without_references(root.at("$defs").at(path.substr(path.rfind('/') + 1)), root);
  }
  boost::json::object out;
  for (const auto& [key, inner] : *object) out[key] = without_references(inner, root);
  return out;
}

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!line.empty()) out.push_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

class SchemaAgreement : public testing::Test {
 protected:
  SchemaAgreement() : SchemaAgreement(workflow_json_schema(), workflow_shape()) {}
  SchemaAgreement(const std::string& text, const Shape& shape)
      : json_(boost::json::parse(text)),
        shape_(shape) {
    const Json flat = without_references(json_, json_);
    valijson::SchemaParser().populateSchema(BoostJsonAdapter(flat), schema_);
  }

  void expect_both(bool accepted, std::string_view source) {
    const YamlText text = read_yaml(source);
    ASSERT_TRUE(text.problems.empty()) << source;
    const YamlNode root = *text.document.root();
    Diagnostics diagnostics(source, "f.yaml");
    check_shape(root, shape_, diagnostics);
    std::string errors;
    for (const Diagnostic& diagnostic : diagnostics.take()) errors += diagnostic.text() + "\n";
    EXPECT_EQ(errors.empty(), accepted) << source << "\n" << errors;
    const Json value = root.json();
    valijson::Validator validator;
    valijson::ValidationResults results;
    const bool valid = validator.validate(schema_, BoostJsonAdapter(value), &results);
    std::string reasons;
    for (valijson::ValidationResults::Error error; results.popError(error);)
      reasons += error.description + "\n";
    EXPECT_EQ(valid, accepted) << source << "\n" << reasons;
  }
  void expect_task(bool accepted, std::string_view field) {
    expect_both(accepted, "tasks: {a: {run: x, " + std::string(field) + "}}");
  }

  Json json_;
  const Shape& shape_;
  valijson::Schema schema_;
};

TEST_F(SchemaAgreement, whole_files) {
  for (const std::string_view good : lines(R"(
tasks: {a: {run: x}}
jobs: {a: {command: [x]}}
tasks: {a: {approval: {}}}
tasks: {a: {image: x}}
tasks: {a: {container: x}}
tasks: {a: {command: '${{ inputs.argv }}'}}
{x-any: [1], tasks: {a: {run: 5}}}
{version: 1, name: n, on: manual, tasks: {a: {run: x}}}
{on: [manual], tasks: {a: {run: x}}}
{on: {manual: }, tasks: {a: {run: x}}}
{triggers: {manual: {inputs: {a: }}}, tasks: {a: {run: x}}}
{inputs: {a: {type: choice, options: [x, 1]}, b: }, tasks: {a: {run: x}}}
{outputs: {a: x, b: {value: y}}, tasks: {a: {run: x}}}
{env: {A: 1, B: , C: true}, secrets: [A_B], tasks: {a: {run: x}}}
{defaults: {shell: sh, retry: 1, timeout: 1s}, tasks: {a: {run: x}}}
{locks: {a: 2, b: {limit: 3}}, tasks: {a: {run: x}}}
{tasks: {a: {run: x}}, finally: {b: {run: x}}, on_failure: {c: {run: x}}}
{concurrency: g, priority: -3, deadline: 1h, labels: {a: b}, tasks: {a: {run: x}}}
)")) {
    expect_both(true, good);
  }
  for (const std::string_view bad : lines(R"(
[]
x
{}
tasks: {}
tasks: [a]
tasks: {a: }
tasks: {a: {}}
tasks: {1a: {run: x}}
tasks: {a: {run: x, command: [y]}}
tasks: {a: {run: }}
tasks: {a: {run: [x]}}
tasks: {a: {command: x}}
tasks: {a: {command: []}}
{tasks: {a: {run: x}}, jobs: {b: {run: x}}}
{tasks: {a: {run: x}}, nam: x}
{tasks: {a: {run: x}}, version: 2}
{tasks: {a: {run: x}}, on: push}
{tasks: {a: {run: x}}, on: {schedule: x}}
{tasks: {a: {run: x}}, env: {1: x}}
{tasks: {a: {run: x}}, env: {REEVE_A: x}}
{tasks: {a: {run: x}}, secrets: [a-b]}
{tasks: {a: {run: x}}, inputs: {a: {type: int}}}
{tasks: {a: {run: x}}, name: }
{tasks: {a: {run: x}}, name: '${{ x }}'}
{tasks: {a: {run: x}}, locks: {a: 0}}
{tasks: {a: {run: x}}, locks: {a: {}}}
{tasks: {a: {run: x}}, outputs: {a: {}}}
{tasks: {a: {uses: x}}}
{tasks: {a: {run: x}}, finally: {}}
)")) {
    expect_both(false, bad);
  }
}

const std::string_view kGoodFields = R"(
needs: b
needs: [b, c]
needs: []
needs: {b: always}
depends_on: b
if: true
if: '${{ x }}'
matrix: {a: [1, [2]]}
matrix: '${{ fromJSON(x) }}'
matrix: {a: '${{ x }}', include: [{a: 1}], exclude: '${{ x }}', max-parallel: 2}
for_each: [1]
for_each: 5
for_each: '${{ x }}'
for_each: {items: [a]}
array: 100
array: 0-99
array: 1-100:5
array: 0-99%4
array: {range: 7}
timeout: 10m
timeout: 1h30m
timeout: 1.5s
timeout: {run: 500ms, grace: 1us}
timeout-minutes: 0.5
retry: 0
retry: {max: 3, on: exit, limits: {start: 2}}
retry: {backoff: 1s}
retry: {backoff: {factor: 1.5, jitter: false}, on: [oom]}
continue-on-error: true
continue-on-error: '${{ x }}'
resources: {cpu: 500m}
resources: {cpu: 2, memory: 1Gi, disk: 100, gpu: 0.5, licenses: {a: 1}}
sandbox: none
sandbox: oci
image: app
container: app:1
sandbox: {tier: native, network: host, readable: [/a, '${{ x }}'], writable: b}
sandbox: {}
locks: a
locks: [a]
locks: {a: 2}
artifacts: x
artifacts: [{path: x}]
concurrency: {group: g, cancel-in-progress: true}
output_limit: 1Mi
priority: 5
workdir: /tmp
working-directory: /tmp
labels: {a: 1}
max-parallel: 3
fail-fast: false
shell: bash
deadline: 2d
env: {}
)";

const std::string_view kBadFields = R"(
needs: 1b
needs: {b: maybe}
needs: [[b]]
if: [x]
if: 
matrix: x
matrix: {a: 1}
matrix: {a: []}
matrix: {1a: [1]}
for_each: []
for_each: x
for_each: {}
for_each: 0
array: 0
array: x
array: 5-
array: {}
array: [1]
timeout: 10
timeout: 10x
timeout: 1m1h
timeout: 0s
timeout: {runs: 1s}
timeout-minutes: 0
timeout-minutes: 1m
timeout: 1s, timeout-minutes: 1
retry: -1
retry: 1.5
retry: '1'
retry: {on: exxit}
retry: {on: start}
retry: {limits: {x: 1}}
retry: {backoff: {factor: 0}}
continue-on-error: yes
resources: auto
resources: {cpu: -1}
resources: {memory: 1Gb}
resources: {licenses: {a: 0}}
image: [app]
image: {name: app}
sandbox: true
sandbox: [none]
sandbox: {tiers: none}
sandbox: {network: all}
sandbox: {readable: {a: b}}
sandbox: {user: root}
sandbox: {user: 0}
locks: {a: 0}
locks: 1a
artifacts: [{name: x}]
artifacts: [[x]]
concurrency: {limit: 2}
output_limit: x
priority: 1.5
max-parallel: 0
fail-fast: no
labels: [a]
deadline: 5
steps: []
matrix: {a: [1]}, array: 2
workdir: x, working-directory: y
depends: b, needs: c
env: {A: [1]}
)";

TEST_F(SchemaAgreement, fields_of_tasks) {
  for (const std::string_view good : lines(kGoodFields)) expect_task(true, good);
  for (const std::string_view bad : lines(kBadFields)) expect_task(false, bad);
}

TEST_F(SchemaAgreement, the_schema_describes_every_field) {
  const auto& properties = json_.at("properties").as_object();
  for (const Field& field : workflow_shape().fields) {
    EXPECT_EQ(properties.contains(field.name), field.shape != nullptr) << field.name;
    if (field.shape == nullptr) continue;
    EXPECT_EQ(properties.at(field.name).at("description").as_string(), field.description);
  }
  const auto& task = json_.at("$defs").at("task").at("properties").as_object();
  EXPECT_TRUE(task.contains("depends_on"));
  EXPECT_FALSE(task.contains("uses"));
}

class ClusterSchema : public SchemaAgreement {
 protected:
  ClusterSchema() : SchemaAgreement(cluster_json_schema(), cluster_shape()) {}
};

TEST_F(ClusterSchema, agrees_with_the_parser) {
  for (const std::string_view good : lines(R"(
version: 1
pools: {a: {}}
pools: {a: {price: 0, speed: 1.5, start_delay: 0s, failures: 0.5%, labels: {a/b: 1, c: true}}}
pools: {a: {nodes: [{name: x.y-1, cpu: 500m, memory: 1Gi, count: 3, licenses: {m: 1}}]}}
queues: {a: {}, a/b-c_1: {weight: 0, max_running: 0}}
scheduling: {quotas: [], windows: []}
scheduling: {windows: [{queue: a, days: mon, from: '00:00', to: '24:00', utc_offset: '-14:00'}]}
scheduling: {windows: [{pool: a, days: [mon, sun], maintenance: true}]}
scheduling: {breaker: {failures: 100%}}
scheduling: {order: {priority: 0s, deadline: 1h30m}}
x-anything: 1
)")) {
    expect_both(true, good);
  }
  for (const std::string_view bad : lines(R"(
{}
version: 2
pools: {}
pools: {' a': {}}
pools: {a: {price: -1}}
pools: {a: {price: x}}
pools: {a: {failures: 100.1%}}
pools: {a: {failures: 0%}}
pools: {a: {labels: {a: 'x y'}}}
pools: {a: {nodes: []}}
pools: {a: {nodes: [{name: x}]}}
pools: {a: {start_delay: 5}}
queues: {A: {}}
queues: {a//b: {}}
queues: {1/2/3/4/5/6/7/8/9: {}}
scheduling: {windows: [{}]}
scheduling: {windows: [{queue: a, pool: b}]}
scheduling: {windows: [{queue: a, from: '24:01'}]}
scheduling: {windows: [{queue: a, from: '7:00'}]}
scheduling: {windows: [{queue: a, utc_offset: '+14:01'}]}
scheduling: {windows: [{queue: a, days: []}]}
scheduling: {breaker: {failures: 0.55%}}
scheduling: {order: {priority: ''}}
scheduling: {rate_limits: {a: {starts: 1}}}
)")) {
    expect_both(false, bad);
  }
}

}  // namespace
}  // namespace reeve::spec
