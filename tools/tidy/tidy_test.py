"""Proves that each rule of tools/tidy can fail, and that it lets pass what it should.

Run: python3 tools/tidy/tidy_test.py
"""

import importlib.util
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import sizes  # noqa: E402
from source import Source, Tree  # noqa: E402

spec = importlib.util.spec_from_file_location("tidy_main", os.path.join(HERE, "__main__.py"))
tidy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tidy)

HEADER = "// Owns nothing.\n#pragma once\n"


def rules(texts):
    """The names of the rules that find something in these files."""
    return {finding.rule for finding in tidy.findings(Tree.of(texts))}


def rules_of(text, path="src/engine/a.cc"):
    """The same for one file, listed as it should be."""
    texts = {path: text}
    if path.endswith(".cc"):
        folder, name = path.rsplit("/", 1)
        texts[f"{folder}/CMakeLists.txt"] = f"engine_module(x SOURCES {name})\n"
    return rules(texts)


class Includes(unittest.TestCase):
    def include(self, path, target, **more):
        texts = {path: f'{HEADER}#include "{target}"\n', f"src/{target}": HEADER}
        if target.startswith("sim/"):
            texts[target] = HEADER
        texts.update(more)
        found = rules(texts)
        return "rings" in found

    def test_inner_ring_may_not_include_an_outer_one(self):
        self.assertTrue(self.include("src/core/a.h", "engine/b.h"))
        self.assertTrue(self.include("src/engine/a.h", "store/sqlite/b.h"))
        self.assertTrue(self.include("src/base/a.h", "core/b.h"))
        self.assertTrue(self.include("src/api/a.h", "cli/b.h"))

    def test_order_inside_ring_one(self):
        self.assertFalse(self.include("src/core/a.h", "schedule/b.h"))
        self.assertFalse(self.include("src/core/a.h", "spec/b.h"))
        self.assertTrue(self.include("src/schedule/a.h", "core/b.h"))
        self.assertTrue(self.include("src/spec/a.h", "core/b.h"))
        self.assertTrue(self.include("src/spec/a.h", "schedule/b.h"))
        self.assertTrue(self.include("src/learn/a.h", "spec/b.h"))

    def test_adapters_do_not_include_one_another_but_for_three_pairs(self):
        self.assertTrue(self.include("src/artifacts/a.h", "store/sqlite/b.h"))
        self.assertTrue(self.include("src/store/sqlite/a.h", "store/memory/b.h"))
        self.assertFalse(self.include("src/executors/a.h", "supervisor/b.h"))
        self.assertFalse(self.include("src/supervisor/a.h", "sandbox/b.h"))
        self.assertFalse(self.include("src/api/a.h", "http/b.h"))
        self.assertFalse(self.include("src/api/a.h", "security/b.h"))

    def test_supervisor_knows_base_and_sandbox_only(self):
        self.assertFalse(self.include("src/supervisor/a.h", "base/b.h"))
        self.assertTrue(self.include("src/supervisor/a.h", "engine/b.h"))
        self.assertTrue(self.include("src/supervisor/a.h", "core/b.h"))

    def test_the_command_line_may_include_everything(self):
        self.assertFalse(self.include("src/cli/a.h", "store/sqlite/b.h"))

    def test_tests_of_outer_rings_may_use_the_fakes_and_others_may_not(self):
        self.assertFalse(self.include("src/engine/a_test.cc", "store/memory/b.h"))
        self.assertTrue(self.include("src/engine/a.cc", "store/memory/b.h"))
        self.assertTrue(self.include("src/core/a_test.cc", "store/memory/b.h"))

    def test_a_folder_outside_every_ring_is_reported(self):
        self.assertIn("rings", rules({"src/novel/a.h": HEADER}))

    def test_a_quoted_include_must_exist(self):
        self.assertIn("include", rules({"src/core/a.h": HEADER + '#include "core/gone.h"\n'}))
        self.assertIn("include", rules({"src/core/a.h": HEADER + '#include "gtest/gtest.h"\n'}))

    def test_an_include_in_a_comment_or_string_is_none(self):
        text = HEADER + '/* #include "engine/x.h" */\nconst char* kText = R"(#include "q")";\n'
        self.assertEqual(set(), rules({"src/core/a.h": text}))

    def test_third_party_headers_stay_where_they_belong(self):
        self.assertIn("third-party", rules_of("#include <sqlite3.h>\n"))
        self.assertNotIn("third-party", rules_of("#include <sqlite3.h>\n",
                                                 "src/store/sqlite/a.cc"))
        self.assertIn("third-party", rules_of("#include <yaml-cpp/yaml.h>\n", "src/spec/a.cc"))
        self.assertNotIn("third-party", rules_of("#include <yaml-cpp/eventhandler.h>\n",
                                                 "src/spec/yaml_events.cc"))
        self.assertIn("third-party", rules_of("#include <boost/asio.hpp>\n", "src/api/a.cc"))
        self.assertNotIn("third-party", rules_of("#include <boost/json.hpp>\n", "src/api/a.cc"))
        self.assertIn("third-party", rules_of("#include <gtest/gtest.h>\n"))
        self.assertNotIn("third-party", rules_of("#include <gtest/gtest.h>\n",
                                                 "src/core/a_test.cc"))

    def test_linked_libraries_obey_the_rings(self):
        def lists(folder, text):
            return rules({f"{folder}/CMakeLists.txt": text})

        self.assertIn("rings", lists("src/supervisor",
                                     "engine_module(supervisor DEPS reeve_base reeve_engine)"))
        self.assertNotIn("rings", lists("src/supervisor",
                                        "engine_module(supervisor DEPS reeve_base)"))
        self.assertIn("rings", lists("src/engine",
                                     "engine_module(engine DEPS reeve_store_memory)"))
        self.assertNotIn("rings", lists("src/engine",
                                        "engine_module(engine TEST_DEPS reeve_store_memory)"))
        self.assertIn("rings", lists("src/core", "engine_module(core DEPS reeve_nothing)"))
        self.assertNotIn("rings", lists("src/cli", "engine_program(reeve DEPS reeve_api)"))


class Sizes(unittest.TestCase):
    def test_file_length(self):
        self.assertNotIn("file-length", rules_of("\n" * 600))
        self.assertIn("file-length", rules_of("\n" * 601))

    def test_header_length(self):
        self.assertNotIn("file-length", rules_of(HEADER + "\n" * 198, "src/core/a.h"))
        self.assertIn("file-length", rules_of(HEADER + "\n" * 199, "src/core/a.h"))

    def test_line_length_counts_characters(self):
        self.assertNotIn("line-length", rules_of("//" + "é" * 98 + "\n"))
        self.assertIn("line-length", rules_of("//" + "x" * 99 + "\n"))

    def test_function_length(self):
        self.assertNotIn("function-length", rules_of("void f() {\n" + "g();\n" * 68 + "}\n"))
        self.assertIn("function-length", rules_of("void f() {\n" + "g();\n" * 69 + "}\n"))

    def test_unbalanced_braces_are_reported(self):
        self.assertIn("braces", rules_of("void f() {\n"))
        self.assertIn("braces", rules_of("}\n"))
        self.assertNotIn("braces", rules_of('char c = \'{\'; auto s = "}}{"; // {\nint n = 1\'0;'))


class Functions(unittest.TestCase):
    """The scanner behind function-length."""

    def lengths(self, text):
        source = Source("a.cc", text)
        code = source.code_without_directives
        matching, problem = sizes.match_braces(code)
        self.assertIsNone(problem)
        return {
            name: source.line_of(end) - source.line_of(start) + 1
            for start, end, name in sizes.functions(code, matching, 0, len(code))
        }

    def test_free_functions_in_namespaces(self):
        text = "namespace a::b {\nnamespace {\nint f(int x) {\n  return x;\n}\n}\n}\n"
        self.assertEqual({"f": 3}, self.lengths(text))

    def test_signature_counts_and_comments_before_it_do_not(self):
        text = "// One.\n// Two.\nint f(int a,\n      int b) {\n  return a;\n}\n"
        self.assertEqual({"f": 4}, self.lengths(text))

    def test_methods_and_nested_types(self):
        text = ("class A final : public B<int> {\n public:\n  int f() const noexcept {\n"
                "    return 1;\n  }\n  struct C { int x{3}; int g() { return 2; } };\n"
                " private:\n  int y_ = 0;\n};\n")
        self.assertEqual({"f": 3, "g": 1}, self.lengths(text))

    def test_constructor_with_braced_initialisers(self):
        text = "A::A(int x)\n    : a_{x},\n      b_(2),\n      c_{3} {\n  f();\n}\nint g() { }\n"
        self.assertEqual({"A::A": 6, "g": 1}, self.lengths(text))

    def test_a_function_that_returns_a_struct(self):
        text = "struct tm f(int x) {\n  return {};\n}\nauto g() -> std::map<int, int> {\n}\n"
        self.assertEqual({"f": 3, "g": 2}, self.lengths(text))

    def test_operators_and_default_arguments(self):
        text = ("bool operator==(const A& a, const A& b) {\n  return true;\n}\n"
                "int f(A a = {}, int b = 3) {\n  return b;\n}\n")
        self.assertEqual([3, 3], list(self.lengths(text).values()))

    def test_tables_and_enumerations_are_not_functions(self):
        text = ("constexpr Row kRows[] = {\n  {1, f(2)},\n  {3, 4},\n};\n"
                "enum class E : std::uint8_t {\n  a,\n  b,\n};\nint x{3};\n"
                "constexpr std::array<Row, 2> kMore{{\n  {1, 2},\n}};\n")
        self.assertEqual({}, self.lengths(text))

    def test_lambdas_at_namespace_scope_are_functions(self):
        self.assertEqual([3], list(self.lengths(
            "const auto kF = [](int x) {\n  return x;\n};\n").values()))

    def test_tests_are_named(self):
        self.assertEqual({"TEST(A, b)": 2}, self.lengths("TEST(A, b) {\n}\n"))

    def test_templates_and_constraints(self):
        text = ("template <class T>\n  requires std::is_same_v<T, int>\n"
                "T f(T x) {\n  return x;\n}\n"
                "template <class T>\nstruct S {\n  T f() { return {}; }\n};\n")
        self.assertEqual({"f"}, set(self.lengths(text)))

    def test_raw_strings_and_macros_hide_braces(self):
        text = 'const char* kA = R"x({{{ " )" )x";\n#define M {\nint f() {\n}\n'
        self.assertEqual({"f": 2}, self.lengths(text))


class PureRings(unittest.TestCase):
    def pure(self, line, path="src/core/a.cc"):
        return rules_of(line + "\n", path)

    def test_exceptions(self):
        self.assertIn("pure-exceptions", self.pure("void f() { throw 1; }"))
        self.assertIn("pure-exceptions", self.pure("void f() { try { g(); } catch (...) { } }"))
        self.assertNotIn("pure-exceptions", self.pure("int retry_count = 0;  // we never throw"))

    def test_one_file_may_catch(self):
        text = "void f() { try { g(); } catch (const Bad& bad) { throw; } }"
        self.assertEqual(set(), self.pure(text, "src/spec/yaml_events.cc"))
        self.assertIn("pure-exceptions", self.pure(text, "src/spec/parse.cc"))

    def test_threads(self):
        self.assertIn("pure-threads", self.pure("std::mutex m;"))
        self.assertIn("pure-threads", self.pure("std::atomic<int> a;"))
        self.assertIn("pure-threads", self.pure("thread_local int x;"))
        self.assertNotIn("pure-threads", self.pure("int thread = 0;"))

    def test_clocks(self):
        self.assertIn("pure-clock", self.pure("auto t = Clock::now();"))
        self.assertIn("pure-clock", self.pure("auto t = ::time(nullptr);"))
        self.assertIn("pure-clock", self.pure("auto t = time(nullptr);"))
        self.assertIn("pure-clock", self.pure("gettimeofday(&t, nullptr);"))
        self.assertNotIn("pure-clock", self.pure("auto t = event.time();"))
        self.assertNotIn("pure-clock", self.pure("void f(Timestamp now) { g(now); }"))

    def test_files(self):
        self.assertIn("pure-files", self.pure("std::ifstream f;"))
        self.assertIn("pure-files", self.pure('auto f = fopen("x", "r");'))
        self.assertIn("pure-files", self.pure('int f = ::open("x", 0);'))
        self.assertIn("pure-files", self.pure("namespace fs = std::filesystem;"))
        self.assertNotIn("pure-files", self.pure("auto j = Journal::open(x);"))
        self.assertNotIn("pure-files", self.pure("void A::start() { open(Kind::map); }"))

    def test_environment_and_random_sources(self):
        self.assertIn("pure-environment", self.pure('auto h = std::getenv("HOME");'))
        self.assertIn("pure-random", self.pure("std::random_device d;"))
        self.assertIn("pure-random", self.pure("int x = rand();"))
        self.assertNotIn("pure-random", self.pure("auto bits = event.random;"))

    def test_headers(self):
        self.assertIn("pure-header", self.pure("#include <thread>"))
        self.assertIn("pure-header", self.pure("#include <sys/stat.h>"))
        self.assertNotIn("pure-header", self.pure("#include <vector>"))

    def test_unordered_containers(self):
        self.assertIn("pure-unordered", self.pure("std::unordered_map<int, int> m;"))
        self.assertNotIn("pure-unordered",
                         self.pure("std::unordered_map<int, int> m;  // lookup only"))

    def test_other_rings_and_tests_are_free(self):
        self.assertEqual(set(), self.pure("std::mutex m;", "src/engine/a.cc"))
        self.assertEqual(set(), self.pure("std::ifstream f;", "src/core/a_test.cc"))


class Everywhere(unittest.TestCase):
    def test_regex_and_iostream(self):
        self.assertIn("regex", rules_of("#include <regex>\n"))
        self.assertIn("iostream", rules_of(HEADER + "#include <iostream>\n", "src/cli/a.h"))
        self.assertNotIn("iostream", rules_of("#include <iostream>\n"))

    def test_sleep(self):
        self.assertIn("sleep", rules_of("std::this_thread::sleep_for(x);\n", "src/api/a_test.cc"))
        self.assertIn("sleep", rules_of("void f() { ::sleep(1); }\n"))
        self.assertIn("sleep", rules_of("void f() { usleep(1); }\n"))
        self.assertNotIn("sleep", rules_of('auto command = "sleep 30";\n'))

    def test_skipped_tests(self):
        self.assertIn("skipped-test", rules_of("TEST(A, B) { GTEST_SKIP(); }\n"))
        self.assertIn("skipped-test", rules_of("TEST(A, DISABLED_b) { }\n"))

    def test_names(self):
        self.assertIn("name", rules_of("class RunManager {};\n"))
        self.assertIn("name", rules_of("struct StringUtil {};\n"))
        self.assertIn("name", rules_of("namespace path_util {\n}\n"))
        self.assertIn("name", rules({"src/base/string_util.h": HEADER}))
        self.assertIn("name", rules({"tools/helpers.py": ""}))
        self.assertNotIn("name", rules_of("struct Utilisation {};\n"))
        self.assertNotIn("name", rules({"src/base/utilisation.h": HEADER}))

    def test_singletons(self):
        self.assertIn("singleton", rules_of("struct A { static A& instance(); };\n"))

    def test_throw(self):
        self.assertIn("throw", rules_of("void f() { throw 1; }\n"))
        self.assertNotIn("throw", rules_of("void f() { throw 1; }\n", "src/api/a_test.cc"))

    def test_shared_ownership_is_explained(self):
        self.assertIn("shared-ptr", rules_of("std::shared_ptr<int> a;\n"))
        self.assertNotIn("shared-ptr", rules_of("// Kept shared between streams.\n\n"
                                                "std::shared_ptr<int> a;\n"))
        self.assertNotIn("shared-ptr", rules_of("// Whoever ends last frees it.\n"
                                                "std::shared_ptr<int> a;\n"))

    def test_work_left_names_its_issue(self):
        self.assertIn("todo", rules_of("// TODO: later\n"))
        self.assertIn("todo", rules_of("// FIXME\n"))
        self.assertNotIn("todo", rules_of("// TODO(#12): later\n"))

    def test_commented_out_code(self):
        for line in ("// run(state, now);", "// return x;", "// if (a == b) {", "//  auto x = f();",
                     '// #include "core/state.h"', "// state.tasks.clear();"):
            self.assertIn("commented-code", rules_of(line + "\n"), line)
        for line in ("// Returns the task; null if there is none.", "// if (and only if) it waits,",
                     "// Calls run(state, now) once.", "// from queued to started;",
                     "/// \"message: cause: cause\", for one line on stderr."):
            self.assertNotIn("commented-code", rules_of(line + "\n"), line)

    def test_headers_open_with_a_comment_and_pragma_once(self):
        self.assertIn("header-comment", rules({"src/core/a.h": "#pragma once\n// Late.\n"}))
        self.assertIn("pragma-once", rules({"src/core/a.h": "// Owns.\nint f();\n"}))
        self.assertIn("using-namespace",
                      rules({"src/core/a.h": HEADER + "using namespace std;\n"}))

    def test_glob(self):
        self.assertIn("glob", rules({"src/core/CMakeLists.txt": "file(GLOB x *.cc)\n"}))
        self.assertNotIn("glob", rules({"src/core/CMakeLists.txt": "# no GLOB here\n"}))


class Listing(unittest.TestCase):
    def test_every_source_is_listed(self):
        lists = {"src/core/CMakeLists.txt": "engine_module(core SOURCES a.cc sub/c.cc # b.cc\n)\n"}
        self.assertIn("unlisted", rules({**lists, "src/core/a.cc": "", "src/core/b.cc": "",
                                         "src/core/sub/c.cc": ""}))
        self.assertNotIn("unlisted", rules({**lists, "src/core/a.cc": "",
                                            "src/core/sub/c.cc": ""}))

    def test_a_test_counts_as_a_source(self):
        lists = {"src/core/CMakeLists.txt": "engine_module(core SOURCES a.cc)\n"}
        self.assertIn("unlisted", rules({**lists, "src/core/a.cc": "", "src/core/a_test.cc": ""}))

    def test_a_source_needs_some_list(self):
        self.assertIn("unlisted", rules({"src/core/a.cc": ""}))

    def test_a_listed_file_exists_and_is_named_once(self):
        self.assertIn("listed", rules(
            {"src/core/CMakeLists.txt": "engine_module(core SOURCES gone.cc)\n"}))
        self.assertIn("listed", rules({
            "src/core/CMakeLists.txt": "engine_module(core SOURCES a.cc a.cc)\n",
            "src/core/a.cc": ""}))


class TheWholeProgram(unittest.TestCase):
    def test_exit_status_tells(self):
        import contextlib
        import io
        import tempfile

        out = io.StringIO()
        with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(out):
            self.assertEqual(0, tidy.main([root]))
            os.makedirs(os.path.join(root, "src/core"))
            with open(os.path.join(root, "src/core/a.h"), "w", encoding="utf-8") as file:
                file.write("int f();\n")
            self.assertEqual(1, tidy.main([root]))
        self.assertIn("src/core/a.h:1: [pragma-once]", out.getvalue())


if __name__ == "__main__":
    unittest.main()
