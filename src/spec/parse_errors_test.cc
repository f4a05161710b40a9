// The messages of all errors, as users see them: file:line:column, what was expected, a suggestion.
#include <gtest/gtest.h>

#include "spec/parse.h"

namespace reeve::spec {
namespace {

std::string errors_of(std::string_view source) {
  const Parsed parsed = parse_workflow(source, "f.yaml");
  EXPECT_EQ(parsed.workflow == nullptr, !parsed.diagnostics.empty());
  std::string out;
  for (const Diagnostic& diagnostic : parsed.diagnostics) out += diagnostic.text() + "\n";
  return out;
}

/// `field` as the only one beside `run` of the task `a`.
std::string task_errors(std::string_view field) {
  return errors_of("tasks:\n  a:\n    run: x\n    " + std::string(field) + "\n");
}

struct ErrorCase {
  std::string_view yaml;
  std::string_view errors;
};

void expect_file_errors(std::initializer_list<ErrorCase> cases) {
  for (const ErrorCase& c : cases) EXPECT_EQ(errors_of(c.yaml), c.errors) << c.yaml;
}
void expect_task_errors(std::initializer_list<ErrorCase> cases) {
  for (const ErrorCase& c : cases) EXPECT_EQ(task_errors(c.yaml), c.errors) << c.yaml;
}

TEST(ParseErrors, the_file) {
  expect_file_errors({
      {"", "f.yaml:1:1: error: expected a map with 'tasks': a workflow holds at least one task\n"},
      {"[]",
       "f.yaml:1:1: error: expected a map with 'tasks': a workflow holds at least one task\n"},
      {"name: x", "f.yaml:1:1: error: 'tasks' is missing\n"},
      {"tasks: {}", "f.yaml:1:8: error: expected a map of id: task, got an empty map\n"},
      {"tasks:\n", "f.yaml:2:1: error: expected a map of id: task, got nothing\n"},
      {"tasks: [a]", "f.yaml:1:8: error: expected a map of id: task, got a list\n"},
      {"tasks: {a: b}",
       "f.yaml:1:12: error: expected a map with run, command, image or approval, got 'b'\n"},
      {"tasks: {a: {run: x}}\njobs: {b: {run: x}}",
       "f.yaml:2:1: error: 'jobs' is another name of 'tasks', which is given too\n"},
      {"tasks: {a: {run: x}}\nversion: 2",
       "f.yaml:2:10: error: expected a whole number from 1 to 1, got '2'\n"},
      {"\xEF\xBB\xBFtasks: {a: {run: x, \xC3\xA9: 1}}\nnam: x",
       "f.yaml:1:21: error: unknown key '\xC3\xA9'; expected one of name, description, run, "
       "command, approval, shell, warm, needs, if, matrix, for_each, array, max-parallel, "
       "fail-fast, timeout, timeout-minutes, retry, idempotent, hedge, batch, single_flight, "
       "continue-on-error, resources, sandbox, image, priority, deadline, concurrency, locks, env, "
       "secrets, workdir, artifacts, labels, output_limit, queue, placement, preemptible, "
       "rate_limit, delay, ...\n"
       "f.yaml:2:1: error: unknown key 'nam'; expected one of version, name, description, labels, "
       "on, inputs, outputs, env, secrets, defaults, tasks, on_failure, finally, concurrency, "
       "priority, deadline, locks, queue, not_before and parallel; did you mean 'name'?\n"},
      {"tasks: {a: {run: x}}\non: push",
       "f.yaml:2:5: error: expected manual, a list of triggers or a map of trigger: settings, got "
       "'push'\n"},
      {"tasks: {a: {run: x}}\non: [schedule]",
       "f.yaml:2:6: error: not supported yet: 'schedule'; expected manual\n"},
      {"tasks: {a: {run: x}}\non: {schedule: [{cron: '0 0 * * *'}]}",
       "f.yaml:2:6: error: 'schedule': not supported yet: runs are started by hand; use cron with "
       "`reeve run` until then\n"},
      {"tasks: {a: {run: x}}\ninputs: {a: }\non: {manual: {inputs: {b: }}}",
       "f.yaml:3:23: error: inputs are declared at the top level already\n"},
      {"tasks: {a: {run: x}}\nenv: {A: 1}\ndefaults: {env: {A: 2}}",
       "f.yaml:3:17: error: 'A' is in the top-level env already\n"},
      {"tasks: {a: {run: x}}\nname: ${{ inputs.x }}",
       "f.yaml:2:7: error: an expression is not possible here; expected text\n"},
      {"tasks: {a: {run: x}}\nlabels: {a: [b]}", "f.yaml:2:13: error: expected text, got a list\n"},
      {"tasks: {a: {run: x}}\npermissions: read-all",
       "f.yaml:2:1: error: 'permissions': there are no permissions here; leave it out\n"},
      {"tasks: {a: {run: x}}\nlocks: {db: {limt: 3}}",
       "f.yaml:2:13: error: 'limit' is missing\n"
       "f.yaml:2:14: error: unknown key 'limt'; expected one of limit; did you mean 'limit'?\n"},
  });
}

TEST(ParseErrors, inputs) {
  expect_file_errors({
      {"tasks: {a: {run: x}}\ninputs:\n  n: {type: int}",
       "f.yaml:3:13: error: expected one of string, number, boolean, choice and object, got "
       "'int'\n"},
      {"tasks: {a: {run: x}}\ninputs:\n  n: {type: number, default: x}",
       "f.yaml:3:30: error: input 'n': expected a number, got \"x\"\n"},
      {"tasks: {a: {run: x}}\ninputs:\n  n: {type: choice}",
       "f.yaml:3:13: error: a choice needs options: [a, b]\n"},
      {"tasks: {a: {run: x}}\ninputs:\n  n: {type: number, options: [a]}",
       "f.yaml:3:30: error: options have a meaning only for type: choice\n"},
      {"tasks: {a: {run: x}}\ninputs:\n  n: {options: [dev, prod], default: prd}",
       "f.yaml:3:38: error: input 'n': expected one of dev and prod, got \"prd\"; did you mean "
       "'prod'?\n"},
      {"tasks: {a: {run: x}}\ninputs:\n  n: {options: []}",
       "f.yaml:3:16: error: expected a list of texts, got an empty list\n"},
      {"tasks: {a: {run: x}}\ninputs:\n  n: {required: yes}",
       "f.yaml:3:17: error: expected true or false, got 'yes'\n"},
  });
}

TEST(ParseErrors, what_a_task_does) {
  expect_file_errors({
      {"tasks: {a: {}}", "f.yaml:1:12: error: expected one of run, command and approval\n"},
      {"tasks: {a: {run: x, command: [x]}}",
       "f.yaml:1:21: error: only one of run and command is possible\n"},
      {"tasks: {a: {run: ''}}", "f.yaml:1:18: error: there is nothing to run\n"},
      {"tasks: {a: {run: }}", "f.yaml:1:18: error: expected text, got nothing\n"},
      {"tasks: {a: {command: ls -la}}",
       "f.yaml:1:22: error: expected a list: the program and its arguments, got 'ls -la'\n"},
      {"tasks: {a: {command: []}}",
       "f.yaml:1:22: error: expected a list: the program and its arguments, got an empty list\n"},
      {"tasks: {a: {command: [x], shell: sh}}",
       "f.yaml:1:34: error: shell has a meaning only beside run\n"},
      {"tasks: {a: {steps: [x]}}",
       "f.yaml:1:13: error: 'steps': a task has no steps: write one `run`, or several tasks with "
       "`needs`\n"},
      {"tasks: {1a: {run: x}}",
       "f.yaml:1:9: error: '1a' cannot be a name here: letters, digits, _ and - are possible, and "
       "no digit or - in front\n"},
      {"tasks: {a: {approval: {by: [x], timeot: 1h}}}",
       "f.yaml:1:33: error: unknown key 'timeot'; expected one of by and timeout; did you mean "
       "'timeout'?\n"},
  });
  expect_task_errors({
      {"shell: bash -e",
       "f.yaml:4:12: error: expected the name of a program without arguments, such as bash\n"},
      {"uses: x@v1",
       "f.yaml:4:5: error: 'uses': not supported yet: reusable steps; write a `run`\n"},
      {"container: X",
       "f.yaml:4:16: error: 'X' is no name of an image: a part of it is not of lower-case letters, "
       "digits and . _ - inside; write name:tag or name@sha256:<64 digits>\n"},
      {"image: [x]",
       "f.yaml:4:12: error: expected the name of an image: name:tag or name@sha256:<64 digits>, "
       "got a list\n"},
      {"image: x\n    sandbox: none",
       "f.yaml:4:12: error: an image needs a sandbox: tier native or oci\n"},
      {"env: {1A: x}",
       "f.yaml:4:11: error: '1A' cannot be a variable's name: letters, digits and _ are "
       "possible\n"},
      {"env: {REEVE_X: x}",
       "f.yaml:4:11: error: names that begin with REEVE_ are the engine's own\n"},
      {"env: {A: {b: c}}", "f.yaml:4:14: error: expected text, got a map\n"},
      {"env: {A: x}\n    secrets: [A]",
       "f.yaml:5:15: error: 'A' is in env too; a secret is never put into env\n"},
      {"secrets: [a-b]",
       "f.yaml:4:15: error: expected the name of a variable, got 'a-b'; letters, digits and _ are "
       "possible\n"},
      {"artifacts: [x.txt, x.csv]",
       "f.yaml:4:24: error: a second artifact called 'x'; give it another name: {name: ..., path: "
       "...}\n"},
      {"artifacts: '*.txt'",
       "f.yaml:4:16: error: this file needs a name: {name: ..., path: '*.txt'}\n"},
      {"artifacts: [{name: a}]", "f.yaml:4:17: error: 'path' is missing\n"},
      {"workdir: x\n    working-directory: y",
       "f.yaml:5:5: error: 'working-directory' is another name of 'workdir', which is given too\n"},
  });
}

TEST(ParseErrors, numbers_times_and_sizes) {
  expect_task_errors({
      {"timeout: 10",
       "f.yaml:4:14: error: expected a duration such as 10m, or a map, got '10'; a unit is needed: "
       "10s, 10m or 10h\n"},
      {"timeout: soon",
       "f.yaml:4:14: error: expected a duration such as 10m, or a map, got 'soon'\n"},
      {"timeout: 0s",
       "f.yaml:4:14: error: expected a duration above 0; leave it out for no limit\n"},
      {"timeout: {run: 5}",
       "f.yaml:4:20: error: expected a duration with its unit, such as 90s, 10m or 1h30m, got '5'; "
       "a unit is needed: 5s, 5m or 5h\n"},
      {"timeout: 1m\n    timeout-minutes: 2",
       "f.yaml:5:5: error: only one of timeout and timeout-minutes is possible\n"},
      {"timeout-minutes: 0",
       "f.yaml:4:22: error: expected a number above 0 up to 52560000, got '0'\n"},
      {"timeout-minutes: soon",
       "f.yaml:4:22: error: expected a number above 0 up to 52560000, got 'soon'\n"},
      {"timeout: ${{ inputs.x }}",
       "f.yaml:4:14: error: an expression is not possible here; expected a duration such as 10m, "
       "or a map\n"},
      {"retry: -1", "f.yaml:4:12: error: expected a number of further tries, or a map, got '-1'\n"},
      {"retry: '3'",
       "f.yaml:4:12: error: expected a number of further tries, or a map, got the quoted text "
       "'3'\n"},
      {"retry: 1.5",
       "f.yaml:4:12: error: expected a number of further tries, or a map, got '1.5'\n"},
      {"retry: {max: 1001}",
       "f.yaml:4:18: error: expected a whole number from 0 to 1000, got '1001'\n"},
      {"retry: {on: [exxit]}",
       "f.yaml:4:18: error: expected one of exit, signal, oom, timeout, lost and rejected, got "
       "'exxit'; did you mean 'exit'?\n"},
      {"retry: {backoff: {factor: 0.5}}",
       "f.yaml:4:31: error: expected a number from 1 up to 1000, got '0.5'\n"},
      {"retry: {backoff: {initial: 10m, max: 1m}}",
       "f.yaml:4:22: error: the longest wait is shorter than the first\n"},
      {"resources: {cpu: many, memory: 1Gb}",
       "f.yaml:4:22: error: expected a quantity such as 2, 1.5 or 500m, got 'many'\n"
       "f.yaml:4:36: error: expected a size such as 512Mi, 4G or 1000000, got '1Gb'\n"},
      {"sandbox: nativ",
       "f.yaml:4:14: error: expected native, oci, none or a map of tier, network, readable, "
       "writable, user, "
       "got 'nativ'; did you mean 'native'?\n"},
      {"sandbox: {tier: non, network: all, redable: [/a]}",
       "f.yaml:4:21: error: expected one of native, oci and none, got 'non'; did you mean 'none'?\n"
       "f.yaml:4:35: error: expected none, host or a list of what may be reached, got 'all'\n"
       "f.yaml:4:40: error: unknown key 'redable'; expected one of tier, network, readable, "
       "writable and user; did you mean 'readable'?\n"},
      {"sandbox: {writable: ['', {a: b}], user: root}",
       "f.yaml:4:26: error: expected a path, got an empty text\n"
       "f.yaml:4:30: error: expected text, got a map\n"
       "f.yaml:4:45: error: expected a whole number from 1 to 65534, got 'root'\n"},
      {"sandbox: {readable: '${{ needs.b.result }}'}", "f.yaml:4:30: error: unknown task 'b'\n"},
      {"priority: high",
       "f.yaml:4:15: error: expected a whole number from -1000000 to 1000000, got 'high'\n"},
      {"locks: {db: 2}",
       "f.yaml:2:3: error: the task 'a' asks for 2 units of the lock 'db', of which there is 1; "
       "raise its limit under the top-level 'locks'\n"},
      {"locks: [db, db]", "f.yaml:4:12: error: the lock 'db' is named twice\n"},
      {"concurrency: {limit: 2}", "f.yaml:4:18: error: 'group' is missing\n"},
      {"continue-on-error: maybe",
       "f.yaml:4:24: error: expected true, false or one ${{ ... }}, got 'maybe'\n"},
      {"output_limit: much",
       "f.yaml:4:19: error: expected a size such as 512Mi, 4G or 1000000, got 'much'\n"},
  });
  EXPECT_EQ(errors_of("locks: {db: 3}\ntasks: {a: {run: x, locks: {db: 4}}}"),
            "f.yaml:2:9: error: the task 'a' asks for 4 units of the lock 'db', of which there are "
            "3; raise its limit under the top-level 'locks'\n");
}

TEST(ParseErrors, what_a_task_may_reach) {
  expect_task_errors({
      {"sandbox: {network: []}",
       "f.yaml:4:24: error: expected none, host or a list of what may be reached, got an empty "
       "list\n"},
      {"sandbox: {network: ['*.a.b:443', 'a:1', [x], 127.0.0.1:1]}",
       "f.yaml:4:25: error: '*.a.b:443' is nothing to reach: a name stands for the addresses that "
       "it has when the attempt starts, and a pattern has none; list each name\n"
       "f.yaml:4:45: error: expected what may be reached, such as pypi.org:443, got a list\n"
       "f.yaml:4:50: error: '127.0.0.1:1' is nothing to reach: loopback, link-local (with the "
       "metadata service of clouds), multicast and reserved addresses are never reachable from a "
       "sandbox; leave it out\n"},
      {"sandbox: {tier: none, network: ['a:1']}",
       "f.yaml:4:14: error: a list of what may be reached needs a sandbox: tier native or oci, or "
       "write {tier: none, network: host}\n"},
  });
  std::string many = "sandbox: {network: [";
  for (int port = 1; port <= 65; ++port) many += "a:" + std::to_string(port) + ", ";
  many += "a:66]}";
  const std::string all = errors_of("tasks:\n  a:\n    run: x\n    " + many + "\n");
  EXPECT_EQ(all.substr(0, all.find(';')),
            "f.yaml:4:400: error: a task may list 64 things to reach at most");
}

TEST(ParseErrors, second_attempts) {
  expect_task_errors({
      {"hedge: true",
       "f.yaml:4:12: error: hedge may run the task twice at the same time, in one work directory: "
       "write `idempotent: true` beside it if that does no harm, or leave hedge out\n"},
      {"idempotent: true\n    hedge: {after: p10}",
       "f.yaml:5:20: error: expected a share from p50 to p99.9, such as p95, or a duration such as "
       "30s, got 'p10'\n"},
  });
}

TEST(ParseErrors, fan_out) {
  expect_task_errors({
      {"array: 0",
       "f.yaml:4:12: error: expected a number of tasks, a range such as 0-99, or a map with range, "
       "got '0'; there must be at least one task\n"},
      {"array: 5-1",
       "f.yaml:4:12: error: expected a number of tasks, a range such as 0-99, or a map with range, "
       "got '5-1'; the last index is below the first\n"},
      {"array: 1,3,5",
       "f.yaml:4:12: error: expected a number of tasks, a range such as 0-99, or a map with range, "
       "got '1,3,5'; lists such as 1,3,5 are written with for_each\n"},
      {"array: {range: 0-x}",
       "f.yaml:4:20: error: expected a number of tasks such as 100, or a range such as 0-99, "
       "1-100:5 or 0-99%4, got '0-x'; this is no range\n"},
      {"array: 20000000",
       "f.yaml:4:12: error: expected a number of tasks, a range such as 0-99, or a map with range, "
       "got '20000000'; at most 10000000 tasks are possible\n"},
      {"array: 5-9999999999",
       "f.yaml:4:12: error: expected a number of tasks, a range such as 0-99, or a map with range, "
       "got '5-9999999999'; indexes go up to 4294967295\n"},
      {"array: 3\n    matrix: {a: [1]}",
       "f.yaml:5:5: error: only one of array and matrix is possible\n"},
      {"array: 9%2\n    max-parallel: 3", "f.yaml:4:12: error: max-parallel is given twice\n"},
      {"array: {range: 9, max-parallel: 1}\n    max-parallel: 3",
       "f.yaml:4:37: error: max-parallel is given twice\n"},
      {"matrix: {a: [1], fail-fast: true}\n    fail-fast: false",
       "f.yaml:4:33: error: fail-fast is given twice\n"},
      {"fail-fast: false",
       "f.yaml:4:16: error: fail-fast has a meaning only beside matrix, for_each or array\n"},
      {"max-parallel: 0",
       "f.yaml:4:19: error: expected a whole number from 1 to 10000000, got '0'\n"
       "f.yaml:4:19: error: max-parallel has a meaning only beside matrix, for_each or array\n"},
      {"matrix: {a: 1}",
       "f.yaml:4:17: error: expected a list of values, or one ${{ }} that gives a list, got '1'\n"},
      {"matrix: {a: []}",
       "f.yaml:4:17: error: expected a list of values, or one ${{ }} that gives a list, got an "
       "empty list\n"},
      {"matrix: {a: [1], exclude: [{b: 1}]}",
       "f.yaml:4:13: error: matrix: exclude names 'b', which is no axis of the matrix\n"},
      {"matrix: {a: [1], exclude: [{a: 1}]}",
       "f.yaml:4:13: error: this matrix has no combination\n"},
      {"matrix: {}", "f.yaml:4:13: error: this matrix has no combination\n"},
      {"for_each: a b",
       "f.yaml:4:15: error: expected a list, one ${{ }} that gives a list, or a map with items, "
       "got 'a b'\n"},
      {"for_each: []",
       "f.yaml:4:15: error: expected a list, one ${{ }} that gives a list, or a map with items, "
       "got an empty list\n"},
      {"for_each: {max-parallel: 2}", "f.yaml:4:15: error: 'items' is missing\n"},
  });
  EXPECT_EQ(errors_of("tasks:\n  a: {run: x, array: 6000000}\n  b: {run: x, array: 6000000}\n"),
            "f.yaml:2:3: error: the workflow has 12000000 tasks; at most 10000000 are possible\n");
}

TEST(ParseErrors, needs) {
  expect_file_errors({
      {"tasks:\n  build: {run: x}\n  test: {run: x, needs: biuld}",
       "f.yaml:3:25: error: unknown task 'biuld' in needs; did you mean 'build'?\n"},
      {"tasks:\n  a: {run: x, needs: [a]}", "f.yaml:2:23: error: the task 'a' needs itself\n"},
      {"tasks:\n  a: {run: x, needs: {b: sucess}}\n  b: {run: x}",
       "f.yaml:2:26: error: expected one of success, failure and always, got 'sucess'; did you "
       "mean 'success'?\n"},
      {"tasks:\n  a: {run: x, needs: [b, b]}\n  b: {run: x}",
       "f.yaml:2:3: error: the task 'a' needs 'b' twice\n"},
      {"tasks:\n  a: {run: x, needs: [1b]}",
       "f.yaml:2:23: error: expected the id of a task, got '1b'; letters, digits, _ and - are "
       "possible\n"},
      {"tasks:\n  a: {run: x, needs: c}\nfinally:\n  c: {run: x}",
       "f.yaml:2:22: error: 'c' stands under 'finally', which runs later; a task under 'tasks' "
       "cannot need it\n"},
      {"tasks: {m: {run: x}}\non_failure:\n  a: {run: x, needs: c}\nfinally:\n  c: {run: x}",
       "f.yaml:3:22: error: 'c' stands under 'finally', which runs later; a task under "
       "'on_failure' cannot need it\n"},
      {"tasks: {m: {run: x, needs: c}}\non_failure:\n  c: {run: x}",
       "f.yaml:1:28: error: 'c' stands under 'on_failure', which runs later; a task under 'tasks' "
       "cannot need it\n"},
      {"tasks:\n  a: {run: x}\nfinally:\n  a: {run: x}",
       "f.yaml:4:3: error: the task 'a' is already defined under 'tasks'\n"},
      {"tasks:\n  a: {run: x}\n  a: {run: y}", "f.yaml:3:3: error: the key 'a' is given twice\n"},
      {"tasks:\n  a: {run: x, needs: b}\n  b: {run: x, needs: c}\n  c: {run: x, needs: [d, a]}\n  "
       "d: {run: x}\n  e: {run: x, needs: a}",
       "f.yaml:2:3: error: the needs form a cycle: 'a' needs 'b', 'b' needs 'c', 'c' needs 'a'\n"},
      {"tasks:\n  a: {run: x, needs: b}\n  b: {run: x, needs: a}\n  c: {run: x, needs: d}\n  d: "
       "{run: x, needs: [c, b]}",
       "f.yaml:2:3: error: the needs form a cycle: 'a' needs 'b', 'b' needs 'a'\n"
       "f.yaml:4:3: error: the needs form a cycle: 'c' needs 'd', 'd' needs 'c'\n"},
  });
}

TEST(ParseErrors, a_long_cycle_is_cut_short) {
  std::string source = "tasks:\n";
  for (int i = 0; i < 50; ++i) {
    source +=
        "  t" + std::to_string(i) + ": {run: x, needs: t" + std::to_string((i + 1) % 50) + "}\n";
  }
  const std::string errors = errors_of(source);
  EXPECT_NE(errors.find("'t11' needs 't12', ... (50 tasks), 't49' needs 't0'\n"), std::string::npos)
      << errors;
}

TEST(ParseErrors, expressions) {
  expect_file_errors({
      {"tasks:\n  a:\n    run: |\n      one\n      two ${{ 1 + 2 }}\n",
       "f.yaml:5:17: error: there is no arithmetic in expressions; compute it in a task\n"},
      {"tasks: {a: {run: \"echo ${{ foo }}\"}}",
       "f.yaml:1:28: error: unknown name 'foo'; expected a function or one of inputs, env, needs, "
       "matrix, run and task (strings are written in single quotes)\n"},
      {"tasks: {a: {run: 'echo ${{ ''x''', needs: b}, b: {run: x}}",
       "f.yaml:1:24: error: '${{' has no '}}'; to write it as text use ${{ '${{' }}\n"},
      {"tasks: {a: {run: x, if: 'inputs.x &&'}}\ninputs: {x: }",
       "f.yaml:1:37: error: the expression ends where a value is expected\n"},
      {"tasks: {a: {run: x, if: '${{ true }} && true'}}",
       "f.yaml:1:25: error: a condition is one expression: write ${{ a && b }} or a && b, not ${{ "
       "a }} && b\n"},
      {"tasks: {a: {run: x, matrix: {n: [1, '${{ 2 + 2 }}']}}}",
       "f.yaml:1:44: error: there is no arithmetic in expressions; compute it in a task\n"},
  });
}

TEST(ParseErrors, references) {
  const auto with_run = [](std::string_view text) {
    return errors_of(
        "inputs: {count: }\nenv: {A: 1}\ntasks:\n  b: {run: x, artifacts: [r.txt]}\n" +
        std::string("  m: {run: x}\n  a:\n    needs: b\n    env: {B: 2}\n    run: ${{ ") +
        std::string(text) + " }}\n");
  };
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"inputs.cuont",
       "f.yaml:9:14: error: unknown input 'cuont'; expected one of count; did you "
       "mean 'count'?\n"},
      {"env.C", "f.yaml:9:14: error: unknown variable 'C'; expected one of A and B\n"},
      {"needs.m.result",
       "f.yaml:9:14: error: the task 'm' is not among the needs of 'a'; add it "
       "there\n"},
      {"needs.bb.result", "f.yaml:9:14: error: unknown task 'bb'; did you mean 'b'?\n"},
      {"needs.b.output.x",
       "f.yaml:9:14: error: unknown field 'output' of a need; expected one of "
       "result, outputs and artifacts; did you mean 'outputs'?\n"},
      {"needs.b.artifacts.q",
       "f.yaml:9:14: error: the task 'b' has no artifact 'q'; expected one "
       "of r\n"},
      {"matrix.os", "f.yaml:9:14: error: this task has no matrix, for_each or array\n"},
      {"run.idd",
       "f.yaml:9:14: error: unknown field of run 'idd'; expected one of id, number, "
       "name, attempt and directory; did you mean 'id'?\n"},
      {"task.x",
       "f.yaml:9:14: error: unknown field of task 'x'; expected one of id, index and "
       "attempt\n"},
      {"1 == 1 && always()",
       "f.yaml:9:24: error: success(), failure(), cancelled() and always() "
       "are possible only in 'if'\n"},
      {"inputs.count && env.A && env.B && needs.b.outputs.x && needs.b.artifacts.r && run.id && "
       "task.index && toJSON(needs) && inputs[env.A]",
       ""},
  };
  for (const auto& [text, errors] : cases) EXPECT_EQ(with_run(text), errors) << text;
}

TEST(ParseErrors, references_where_they_are_not_possible) {
  expect_file_errors({
      {"env: {A: '${{ needs.x }}'}\ntasks: {a: {run: x}}",
       "f.yaml:1:15: error: 'needs' is not available here; expected one of inputs and run\n"},
      {"concurrency: g-${{ env.A }}\ntasks: {a: {run: x}}",
       "f.yaml:1:20: error: 'env' is not available here; expected one of inputs and run\n"},
      {"tasks: {a: {run: x, env: {A: 1, B: '${{ env.A }}'}}}",
       "f.yaml:1:41: error: 'env' is not available here; expected one of inputs, needs, matrix, "
       "run and task\n"},
      {"tasks: {a: {run: x, concurrency: 'g-${{ task.id }}'}}",
       "f.yaml:1:41: error: 'task' is not available here; expected one of inputs, env, needs and "
       "run\n"},
      {"tasks: {a: {run: '${{ env.A }}'}}",
       "f.yaml:1:23: error: unknown variable 'A'; declare it under the top-level 'env'\n"},
      {"tasks: {a: {run: x, array: 2, if: 'matrix.index == 1'}}",
       "f.yaml:1:36: error: 'matrix' is not available here; expected one of inputs, env, needs and "
       "run\n"},
      {"tasks: {a: {run: '${{ inputs.x }}'}}",
       "f.yaml:1:23: error: unknown input 'x'; declare it under the top-level 'inputs'\n"},
      {"tasks: {a: {run: '${{ matrix.o }}', matrix: {os: [1, 2]}}}",
       "f.yaml:1:23: error: unknown axis 'o'; expected one of os; did you mean 'os'?\n"},
      {"tasks: {a: {run: '${{ matrix.item }}', array: 3}}",
       "f.yaml:1:23: error: unknown field of an array's matrix 'item'; expected one of index\n"},
      {"tasks: {a: {run: '${{ matrix.itm }}', for_each: '${{ fromJSON(inputs.l) }}'}}\ninputs: {l: "
       "}",
       "f.yaml:1:23: error: unknown field of a for_each's matrix 'itm'; expected one of item and "
       "index; did you mean 'item'?\n"},
      {"tasks: {a: {run: x}}\noutputs: {o: '${{ needs.b.outputs.x }}'}",
       "f.yaml:2:19: error: unknown task 'b'\n"},
      {"tasks: {a: {run: x}}\nfinally: {f: {run: '${{ needs.a.result }}${{ needs.g.result }}'}, g: "
       "{run: x}}",
       "f.yaml:2:46: error: the task 'g' is not among the needs of 'f'; add it there\n"},
      {"tasks: {a: {run: '${{ needs.b.artifacts.r }}', needs: b}, b: {run: x}}",
       "f.yaml:1:23: error: the task 'b' has no artifact 'r'\n"},
  });
}

TEST(ParseErrors, all_are_reported_up_to_a_hundred) {
  std::string source = "tasks:\n";
  for (int i = 0; i < 150; ++i) source += "  t" + std::to_string(i) + ": {run: x, needs: nope}\n";
  const Parsed parsed = parse_workflow(source, "f.yaml");
  ASSERT_EQ(parsed.diagnostics.size(), 101U);
  EXPECT_EQ(parsed.diagnostics.back().message, "there are more errors than the 100 shown");
  std::string unknown = "tasks: {a: {run: x}}\n";
  for (int i = 0; i < 150; ++i) unknown += "key" + std::to_string(i) + ": x\n";
  EXPECT_EQ(parse_workflow(unknown, "f.yaml").diagnostics.size(), 101U);
}

TEST(ParseErrors, warnings_read_as_warnings) {
  const Diagnostic warning{Severity::warning, "f.yaml", 1, 2, "odd", "did you mean 'even'?"};
  EXPECT_EQ(warning.text(), "f.yaml:1:2: warning: odd; did you mean 'even'?");
}

}  // namespace
}  // namespace reeve::spec
