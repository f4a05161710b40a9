// The bad days of a workflow file: very large, very long, very deep, hostile. Nothing here measures
// time; what would be quadratic would not end within the time limit of the test program.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "spec/parse.h"

namespace reeve::spec {
namespace {

std::string limit_errors_of(std::string_view source) {
  std::string out;
  for (const Diagnostic& diagnostic : parse_workflow(source, "f.yaml").diagnostics)
    out += diagnostic.text() + "\n";
  return out;
}

TEST(Limits, a_hundred_thousand_tasks_in_a_chain) {
  std::string source = "tasks:\n  t0: {run: echo 0}\n";
  for (int i = 1; i < 100'000; ++i) {
    source += "  t" + std::to_string(i) + ":\n    run: echo " + std::to_string(i) +
              "\n    needs: [t" + std::to_string(i - 1) + "]\n";
  }
  const Parsed parsed = parse_workflow(source, "f.yaml");
  ASSERT_NE(parsed.workflow, nullptr) << limit_errors_of(source);
  EXPECT_EQ(parsed.workflow->groups.size(), 100'000U);
  EXPECT_EQ(parsed.workflow->policies.size(), 1U);
  EXPECT_EQ(parsed.workflow->groups[99'999].needs[0].group, GroupIndex{99'998});
}

TEST(Limits, one_task_that_needs_all_others) {
  std::string source = "tasks:\n";
  std::string all;
  for (int i = 0; i < 20'000; ++i) {
    source += "  t" + std::to_string(i) + ": {run: x}\n";
    all += (i > 0 ? ", t" : "t") + std::to_string(i);
  }
  source += "  last: {run: x, needs: [" + all + "]}\n";
  const Parsed parsed = parse_workflow(source, "f.yaml");
  ASSERT_NE(parsed.workflow, nullptr);
  EXPECT_EQ(parsed.workflow->groups.back().needs.size(), 20'000U);
}

TEST(Limits, five_thousand_wrong_tasks_end_in_a_hundred_errors) {
  std::string source = "tasks:\n";
  for (int i = 0; i < 5'000; ++i)
    source += "  t" + std::to_string(i) + ": {run: '${{ needs.nope.result }}', needs: nope}\n";
  EXPECT_EQ(parse_workflow(source, "f.yaml").diagnostics.size(), 101U);
}

TEST(Limits, a_cycle_of_twenty_thousand) {
  std::string source = "tasks:\n";
  for (int i = 0; i < 20'000; ++i) {
    source += "  t" + std::to_string(i) + ": {run: x, needs: t" + std::to_string((i + 1) % 20'000) +
              "}\n";
  }
  EXPECT_NE(limit_errors_of(source).find("(20000 tasks)"), std::string::npos);
}

TEST(Limits, a_line_of_a_megabyte) {
  const std::string megabyte(1 << 20, 'x');
  for (const std::string& text : {megabyte, "'" + megabyte + "'", "\"" + megabyte + "\""}) {
    const Parsed parsed = parse_workflow("tasks: {a: {run: " + text + "}}", "f.yaml");
    ASSERT_NE(parsed.workflow, nullptr);
    EXPECT_EQ(std::get<Script>(parsed.workflow->groups[0].action).text.text().size(), 1U << 20);
  }
  EXPECT_EQ(limit_errors_of(megabyte + ": 1"),
            "f.yaml:1:1048577: error: unexpected ':'; check the indentation, and quote a text that "
            "holds ': '\n");
  EXPECT_EQ(limit_errors_of("tasks: {a: {run: '${{ " + megabyte + " }}'}}"),
            "f.yaml:1:22: error: the expression is longer than 65536 bytes\n");
  // What is shown of a wrong text is short, and cut between characters.
  std::string umlauts;
  for (int i = 0; i < 100'000; ++i) umlauts += "x\xC3\xA4";
  EXPECT_LT(limit_errors_of("tasks: {a: {run: x, timeout: " + umlauts + "}}").size(), 200U);
}

TEST(Limits, what_is_not_text) {
  EXPECT_EQ(limit_errors_of("tasks:\n  a: {run: \"\xff\xfe\"}"),
            "f.yaml:2:13: error: the file is not UTF-8 text (a byte that no UTF-8 character has "
            "here)\n");
  EXPECT_EQ(limit_errors_of(std::string("tasks:\n\0", 8)),
            "f.yaml:2:1: error: a NUL byte; the file is not text\n");
  EXPECT_EQ(limit_errors_of(std::string(kSourceBytesMax + 1, '#')),
            "f.yaml:1:1: error: the file is larger than 64 MiB\n");
}

TEST(Limits, alias_bombs) {
  std::string bomb = "x-a0: &a0 {k: x}\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "x-a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before +
            "]\n";
  }
  bomb += "tasks: {a: {run: x, matrix: {n: [*a29]}}}\n";
  EXPECT_NE(
      limit_errors_of(bomb).find("the aliases of this file expand to more than 1000000 values"),
      std::string::npos);
}

TEST(Limits, a_dynamic_list_beside_expressions_is_bounded) {
  std::string source = "tasks: {a: {run: x, for_each: ['${{ run.id }}'";
  for (int i = 0; i < 20'000; ++i) source += ", item" + std::to_string(i);
  EXPECT_NE(limit_errors_of(source + "]}}").find("too many values beside an expression"),
            std::string::npos);
}

const std::string_view kSample = R"(name: sample
on: {manual: {inputs: {n: {type: number, default: 3}}}}
env: {A: "1", B: '${{ inputs.n }}'}
defaults: {retry: {max: 2, backoff: 1s}, timeout: {run: 1m}}
x-base: &base {run: "echo ${{ env.A }}", labels: {k: v}}
tasks:
  a: *base
  b: {<<: *base, needs: a, matrix: {os: [x, y], include: [{os: z, w: 1}], max-parallel: 2}}
  c:
    needs: {a: always, b: success}
    if: needs.a.result == 'success' && always()
    run: |
      echo ${{ toJSON(needs.b.outputs) }} ${{ format('{0}', run.id) }}
    array: {range: 0-9:2}
    resources: {cpu: 500m, memory: 1Gi, licenses: {m: 1}}
    artifacts: [out.txt, {name: l, path: "*.log", when: always}]
  d: {command: [sh, -c, "exit ${{ matrix.item }}"], for_each: ["${{ inputs.n }}", 2], needs: [c]}
finally:
  z: {run: "${{ needs.c.artifacts.l }}", locks: [db], concurrency: {group: g, limit: 2}}
outputs: {o: "${{ needs.*.outputs.x }}"}
)";

TEST(Limits, the_sample_of_the_properties_is_valid) { EXPECT_EQ(limit_errors_of(kSample), ""); }

// Cuts, doubles, swaps and replaces pieces of a valid file. Whatever comes out is read or refused
// with positions that exist.
RC_GTEST_PROP(LimitsProperty, mutated_files_are_read_or_refused, ()) {
  std::string text(kSample);
  const auto rounds = *rc::gen::inRange(1, 8);
  for (int i = 0; i < rounds && !text.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const auto size = *rc::gen::inRange<std::size_t>(0, 20);
    switch (*rc::gen::inRange(0, 4)) {
      case 0: text.erase(at, size); break;
      case 1: text.insert(at, text.substr(at, size)); break;
      case 2:
        text.insert(
            at, *rc::gen::element<std::string>(
                    "{", "}", "[", "]", ":", "- ", "&base ", "*base", "<<", "${{", "}}", "'", "\"",
                    "|", ">", "#", "!", "\n", "\t", "%", "---\n", "...\n", "? ", "\xff", ",",
                    "null", "1e9", "\\", "@", std::string(1, '\0'), "\xEF\xBB\xBF", "  "));
        break;
      default: text[at] = *rc::gen::arbitrary<char>(); break;
    }
  }
  const Parsed parsed = parse_workflow(text, "f.yaml");
  RC_ASSERT((parsed.workflow == nullptr) == !parsed.diagnostics.empty());
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    RC_ASSERT(diagnostic.line >= 1);
    RC_ASSERT(diagnostic.column >= 1);
    RC_ASSERT(!diagnostic.message.empty());
  }
}

RC_GTEST_PROP(LimitsProperty, any_bytes_are_read_or_refused, (const std::string& text)) {
  const Parsed parsed = parse_workflow(text, "f.yaml");
  RC_ASSERT((parsed.workflow == nullptr) == !parsed.diagnostics.empty());
}

}  // namespace
}  // namespace reeve::spec
