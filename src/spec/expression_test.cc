#include "spec/expression.h"

#include <cmath>
#include <limits>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "spec/coercion.h"
#include "spec/expression_syntax.h"
#include "spec/json_text.h"

namespace reeve::spec {
namespace {

Json json(std::string_view text) { return boost::json::parse(text); }

// The contexts of every test here.
struct World {
  Json inputs = json(R"({"count": 3, "name": "Ann", "flag": true, "none": null})");
  Json env = json(R"({"STAGE": "Prod"})");
  Json needs = json(R"({
    "build": {"result": "success", "outputs": {"version": "1.2", "files": ["a.c", "b.c"]}},
    "test": {"result": "failure", "outputs": {"version": "9"}},
    "fan": {"result": "success", "outputs": {"size": ["10", "20", "30"]}}})");
  Json matrix = json(R"({"os": "linux", "tools": [{"name": "gcc", "v": 12}, {"name": "go"}]})");
  Json run = json(R"({"id": "run_1", "number": 7})");
  Json task = json(R"({"id": "t", "index": 0, "attempt": 2})");
  Context context() const { return {&inputs, &env, &needs, &matrix, &run, &task, status}; }
  Context::Status status = Context::Status::success;
};

std::string evaluate(std::string_view text, const World& world = {}) {
  const auto expression = Expression::parse(text);
  if (!expression) return "parse error: " + expression.error().message;
  const auto value = expression->evaluate(world.context());
  if (!value) return "error: " + value.error().text();
  std::string out;
  EXPECT_TRUE(append_json(out, *value, JsonStyle::compact, kValueBytesMax));
  return out;
}

struct Case {
  std::string_view expression;
  std::string_view expected;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(evaluate(c.expression), c.expected) << c.expression;
}

TEST(Expression, literals) {
  expect_all({
      {"null", "null"},
      {"true", "true"},
      {"false", "false"},
      {"711", "711"},
      {"-9.25", "-9.25"},
      {"+4", "4"},
      {".5", "0.5"},
      {"0xff", "255"},
      {"0o17", "15"},
      {"-2.99e-2", "-0.0299"},
      {"1e3", "1000"},
      {"1e400", "null"},  // infinity, which JSON cannot say
      {"1e-400", "0"},
      {"-Infinity", "null"},
      {"NaN", "null"},
      {"9223372036854775807", "9223372036854775807"},
      {"18446744073709551615", "18446744073709551616"},
      {"0xffffffffffffffff", "18446744073709551616"},
      {"'Mona the Octocat'", "\"Mona the Octocat\""},
      {"'It''s open source!'", "\"It's open source!\""},
      {"''", "\"\""},
      {"  \n 1 \t", "1"},
  });
}

TEST(Expression, property_and_index_access) {
  expect_all({
      {"inputs.count", "3"},
      {"INPUTS.Count", "3"},
      {"inputs['count']", "3"},
      {"inputs['missing']", "null"},
      {"inputs.missing.deeper", "null"},
      {"needs.build.outputs.files[1]", "\"b.c\""},
      {"needs.build.outputs.files['1']", "\"b.c\""},
      {"needs.build.outputs.files[1.9]", "\"b.c\""},
      {"needs.build.outputs.files[2]", "null"},
      {"needs.build.outputs.files[-1]", "null"},
      {"needs.build.outputs.files['x']", "null"},
      {"needs.build.outputs[inputs]", "null"},
      {"inputs.name[0]", "null"},
      {"matrix.tools[0].name", "\"gcc\""},
      {"needs[format('bu{0}', 'ild')].result", "\"success\""},
      {"fromJSON('{\"a\": [5]}').a[0]", "5"},
      {"fromJSON('{\"true\": 1}').true", "1"},
  });
}

TEST(Expression, object_filter) {
  expect_all({
      {"needs.*.result", R"(["success","failure","success"])"},
      {"needs.*.outputs.version", R"(["1.2","9"])"},
      {"matrix.tools.*.v", "[12]"},
      {"matrix.tools[*].name", R"(["gcc","go"])"},
      {"needs.*.outputs.*", R"(["1.2",["a.c","b.c"],"9",["10","20","30"]])"},
      {"needs.*[inputs.*]", "null"},
      {"inputs.name.*", "[]"},
      {"join(needs.*.result, '-')", "\"success-failure-success\""},
      {"contains(needs.*.result, 'failure')", "true"},
      {"!needs.*", "false"},
      {"needs.* == needs.*", "false"},
      {"needs.* != 1", "true"},
      {"needs.*['result'][0]", "[]"},
      {"format('{0}', matrix.tools.*.name)", R"("[\"gcc\",\"go\"]")"},
      {"contains('x', needs.*)", "false"},
  });
}

TEST(Expression, operators_and_precedence) {
  expect_all({
      {"1 < 2", "true"},
      {"2 <= 2", "true"},
      {"2 > 2", "false"},
      {"3 >= 2", "true"},
      {"1 == 1 && 2 == 2", "true"},
      {"true || false && false", "true"},
      {"(true || false) && false", "false"},
      {"!true == false", "true"},
      {"!(true == false)", "true"},
      {"!!5", "true"},
      {"1 < 2 == true", "true"},
      {"1 == 2 || 3 < 4 && !false", "true"},
      {"'a' && 'b'", "\"b\""},
      {"'' && 'b'", "\"\""},
      {"'' || 'b'", "\"b\""},
      {"null || 0 || ''", "\"\""},
      {"inputs.flag && 'yes' || 'no'", "\"yes\""},
      {"inputs.none && 'yes' || 'no'", "\"no\""},
      {"3 > 2 > 1", "false"},  // true is 1
      {"1 != 2", "true"},
  });
}

TEST(Expression, loose_equality_and_order) {
  expect_all({
      {"'ABC' == 'abc'", "true"},
      {"'abc' != 'ABD'", "true"},
      {"'a' < 'B'", "true"},
      {"'10' < '9'", "true"},
      {"10 < '9'", "false"},
      {"1 == '1'", "true"},
      {"1 == ' 1 '", "true"},
      {"16 == '0x10'", "true"},
      {"1 == 'one'", "false"},
      {"0 == ''", "true"},
      {"0 == null", "true"},
      {"'' == null", "true"},
      {"false == 0", "true"},
      {"true == 1", "true"},
      {"true == '1'", "true"},
      {"true == 'true'", "false"},
      {"null == false", "true"},
      {"NaN == NaN", "false"},
      {"NaN != NaN", "true"},
      {"NaN < 1", "false"},
      {"NaN >= NaN", "false"},
      {"1 < 'x'", "false"},
      {"needs.build == needs.build", "true"},
      {"needs.build == needs.test", "false"},
      {"needs.build < needs.test", "false"},
      {"fromJSON('[1]') == fromJSON('[1]')", "false"},
      {"inputs == 'Object'", "false"},
      {"9007199254740993 == 9007199254740992", "false"},
      {"9007199254740993 > 9007199254740992", "true"},
      {"1.5 < 2", "true"},
      {"2.5 > 2", "true"},
      {"2.0 >= 2", "true"},
  });
}

TEST(Expression, functions) {
  expect_all({
      {"contains('Hello world', 'WORLD')", "true"},
      {"contains('abc', 'd')", "false"},
      {"contains(123, 2)", "true"},
      {"contains('x', inputs)", "false"},
      {"contains(fromJSON('[1, 2]'), '2')", "true"},
      {"contains(fromJSON('[1, 2]'), 3)", "false"},
      {"contains(inputs, 'Ann')", "false"},
      {"startsWith('Hello', 'hE')", "true"},
      {"endsWith('Hello', 'LO')", "true"},
      {"endsWith('Hello', 'Hello!')", "false"},
      {"startsWith(inputs, 'x')", "false"},
      {"format('{0} {1} {0}', 'a', 2)", "\"a 2 a\""},
      {"format('{{{0}}}', 'x')", "\"{x}\""},
      {"format('plain')", "\"plain\""},
      {"format('{0}', null)", "\"\""},
      {"format('{0}', true)", "\"true\""},
      {"join(fromJSON('[\"a\", 1, null, true]'))", "\"a,1,,true\""},
      {"join(fromJSON('[1, 2]'), ' + ')", "\"1 + 2\""},
      {"join('text', '-')", "\"text\""},
      {"join(fromJSON('[]'))", "\"\""},
      {"join(fromJSON('[[1, 2], {\"a\": 3}]'), ';')", R"("[1,2];{\"a\":3}")"},
      {"toJSON(fromJSON('{\"a\": [1, 2.5], \"b\": {}, \"c\": []}'))",
       R"("{\n  \"a\": [\n    1,\n    2.5\n  ],\n  \"b\": {},\n  \"c\": []\n}")"},
      {"toJSON('a\"b')", R"("\"a\\\"b\"")"},
      {"toJSON(needs.*.result)", R"("[\n  \"success\",\n  \"failure\",\n  \"success\"\n]")"},
      {"fromJSON('[1, \"x\"]')", "[1,\"x\"]"},
      {"fromJSON('true')", "true"},
      {"fromJSON(1)", "1"},
      {"TOJSON(1)", "\"1\""},
      {"FromJson('2')", "2"},
  });
}

TEST(Expression, status_functions) {
  World world;
  EXPECT_EQ(evaluate("success()", world), "true");
  EXPECT_EQ(evaluate("failure() || cancelled()", world), "false");
  EXPECT_EQ(evaluate("always()", world), "true");
  world.status = Context::Status::failure;
  EXPECT_EQ(evaluate("success()", world), "false");
  EXPECT_EQ(evaluate("Failure()", world), "true");
  world.status = Context::Status::cancelled;
  EXPECT_EQ(evaluate("cancelled() && !failure() && always()", world), "true");
  EXPECT_TRUE(Expression::parse("1 == 1 && always()")->uses_status_function());
  EXPECT_FALSE(Expression::parse("contains('always()', 'a')")->uses_status_function());
}

TEST(Expression, errors_say_where_and_what) {
  expect_all({
      {"", "parse error: offset 0: the expression is empty"},
      {"1 +", "parse error: offset 2: there is no arithmetic in expressions; compute it in a task"},
      {"inputs.a = 1", "parse error: offset 9: '=' is no operator here; to compare write '=='"},
      {"1 & 2", "parse error: offset 2: '&' is no operator here; write '&&'"},
      {"1 | 2", "parse error: offset 2: '|' is no operator here; write '||'"},
      {"\"x\"", "parse error: offset 0: strings are written in single quotes: 'text'"},
      {"'x", "parse error: offset 0: the string that begins here has no closing quote"},
      {"1 2", "parse error: offset 2: unexpected '2'; expected an operator"},
      {"1 ==", "parse error: offset 4: the expression ends where a value is expected"},
      {"(1", "parse error: offset 2: expected ')', got end of the expression"},
      {"inputs[1", "parse error: offset 8: expected ']', got end of the expression"},
      {"inputs.",
       "parse error: offset 7: expected a name or '*' after '.', got end of the "
       "expression"},
      {"inputs.1", "parse error: offset 7: expected a name or '*' after '.', got '1'"},
      {"1 == ]", "parse error: offset 5: expected a value, got ']'"},
      {"12abc", "parse error: offset 0: '12abc' is no number"},
      {"0xg", "parse error: offset 0: '0xg' is no number"},
      {"-.", "parse error: offset 0: '-.' is no number"},
      {"?", "parse error: offset 0: unexpected character '?'"},
      {"\x01", "parse error: offset 0: unexpected character outside of a quoted string"},
      {"contains(1)",
       "parse error: offset 0: wrong number of arguments: 1; expected contains(search, item)"},
      {"always(1)", "parse error: offset 0: wrong number of arguments: 1; expected always()"},
      {"join(1, 2", "parse error: offset 9: expected ',' or ')', got end of the expression"},
      {"containz('a', 'b')",
       "parse error: offset 0: unknown function 'containz'; expected one of contains, startsWith, "
       "endsWith, format, join, toJSON, fromJSON, success, failure, cancelled and always; did you "
       "mean 'contains'?"},
      {"hashFiles('x')",
       "parse error: offset 0: hashFiles is not available: expressions read no files; compute it "
       "in a task, for example with sha256sum, and pass it on as an output"},
      {"1 == input.x",
       "parse error: offset 5: unknown name 'input'; expected a function or one of inputs, env, "
       "needs, matrix, run and task (strings are written in single quotes); did you mean "
       "'inputs'?"},
      {"secrets.TOKEN",
       "parse error: offset 0: secrets are never put into text: list the name under 'secrets' and "
       "read the file whose path is in REEVE_SECRET_<NAME>"},
      {"fromJSON('{')",
       "error: in the expression 'fromJSON('{')': fromJSON(...): this is not JSON (incomplete "
       "JSON): {"},
      {"fromJSON(inputs)",
       "error: in the expression 'fromJSON(inputs)': fromJSON(...): expected text, got an array or "
       "object"},
      {"format('{1}', 1)",
       "error: in the expression 'format('{1}', 1)': format('{1}', ...): there is no argument {1}"},
      {"format('{')",
       "error: in the expression 'format('{')': format('{', ...): '{' has no '}'; write '{{'"},
      {"format('}')",
       "error: in the expression 'format('}')': format('}', ...): a single '}'; write '}}'"},
      {"format('{x}', 1)",
       "error: in the expression 'format('{x}', 1)': format('{x}', ...): expected a number between "
       "'{' and '}'"},
  });
}

TEST(Expression, a_context_that_is_missing_is_an_error_that_names_it) {
  const auto expression = Expression::parse("matrix.os");
  const auto value = expression->evaluate(Context{});
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message, "'matrix' is not available here, in the expression 'matrix.os'");
}

TEST(Expression, references_are_the_first_names) {
  const auto expression = Expression::parse(
      "needs.build.outputs.x || needs['test'].result == inputs.count || contains(matrix, "
      "needs[inputs.name].result) || needs.build.result || fromJSON('1').needs || env.A");
  const std::vector<std::string> expected{"env",   "inputs.count", "inputs.name", "matrix",
                                          "needs", "needs.build",  "needs.test"};
  EXPECT_EQ(expression->references(), expected);
  EXPECT_EQ(Expression::parse(" run.id ")->text(), " run.id ");
}

TEST(Expression, depth_and_length_are_bounded) {
  const auto repeat = [](std::string_view text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
  };
  const auto is_too_deep = [](const std::string& text) {
    const auto expression = Expression::parse(text);
    return !expression && expression.error().message.find("nested deeper") != std::string::npos;
  };
  EXPECT_TRUE(is_too_deep(repeat("(", 10'000) + "1" + repeat(")", 10'000)));
  EXPECT_TRUE(is_too_deep(repeat("!", 10'000) + "1"));
  EXPECT_TRUE(is_too_deep("inputs" + repeat(".a", 100)));
  EXPECT_TRUE(is_too_deep(repeat("1 < ", 100) + "1"));
  EXPECT_TRUE(is_too_deep(repeat("inputs[", 100) + "1" + repeat("]", 100)));
  EXPECT_EQ(evaluate(repeat("false || ", 5'000) + "7"), "7");
  EXPECT_EQ(evaluate("(((((((((1)))))))))"), "1");
  const auto long_text = Expression::parse("'" + std::string(kExpressionBytesMax, 'x') + "'");
  ASSERT_FALSE(long_text);
  EXPECT_EQ(long_text.error().message, "offset 0: the expression is longer than 65536 bytes");
}

TEST(Expression, values_are_bounded) {
  World world;
  world.inputs = boost::json::object{{"big", std::string(900'000, 'x')}};
  EXPECT_NE(evaluate("format('{0}{0}', inputs.big)", world).find("larger than 1 MiB"),
            std::string::npos);
  EXPECT_NE(evaluate("join(fromJSON('[1,2,3]'), inputs.big)", world).find("larger than 1 MiB"),
            std::string::npos);
  std::string many = "format('{0}'";
  for (int i = 0; i < 20; ++i) many += ", format('{0}', inputs.big)";
  EXPECT_NE(evaluate(many + ")", world).find("larger than 8 MiB"), std::string::npos);
  boost::json::array list;
  for (int i = 0; i < 3; ++i) list.push_back(world.inputs);
  world.matrix = boost::json::object{{"list", list}};
  EXPECT_NE(evaluate("toJSON(matrix)", world).find("larger than 1 MiB"), std::string::npos);
  EXPECT_NE(evaluate("toJSON(matrix.list.*)", world).find("larger than 1 MiB"), std::string::npos);
  EXPECT_NE(evaluate("format('{0}', matrix)", world).find("larger than 1 MiB"), std::string::npos);
  EXPECT_NE(evaluate("format('{0}', matrix.list.*)", world).find("larger than 1 MiB"),
            std::string::npos);
  EXPECT_NE(evaluate("join(matrix.list.*, ';')", world).find("larger than 1 MiB"),
            std::string::npos);
  EXPECT_NE(evaluate("join('x', matrix)", world).find("x"), std::string::npos);
  EXPECT_NE(evaluate("join(matrix.list, matrix)", world).find("larger than 1 MiB"),
            std::string::npos);
  EXPECT_NE(evaluate("format(matrix)", world).find("larger than 1 MiB"), std::string::npos);
}

TEST(Coercion, truth) {
  for (const char* falsy : {"null", "false", "0", "-0.0", "\"\""})
    EXPECT_FALSE(is_truthy(json(falsy))) << falsy;
  for (const char* truthy : {"true", "1", "-1", "0.5", "\"0\"", "\"false\"", "[]", "{}"})
    EXPECT_TRUE(is_truthy(json(truthy))) << truthy;
  EXPECT_FALSE(is_truthy(Json(std::nan(""))));
}

TEST(Coercion, text) {
  EXPECT_EQ(to_text(json("null")), "");
  EXPECT_EQ(to_text(json("true")), "true");
  EXPECT_EQ(to_text(json("false")), "false");
  EXPECT_EQ(to_text(json("1.5")), "1.5");
  EXPECT_EQ(to_text(Json(1e20)), "1E+20");
  EXPECT_EQ(to_text(Json(0.1 + 0.2)), "0.3");
  EXPECT_EQ(to_text(Json(-0.0)), "0");
  EXPECT_EQ(to_text(Json(std::nan(""))), "NaN");
  EXPECT_EQ(to_text(Json(-std::numeric_limits<double>::infinity())), "-Infinity");
  EXPECT_EQ(to_text(Json(std::numeric_limits<double>::infinity())), "Infinity");
  EXPECT_EQ(to_text(Json(std::numeric_limits<std::uint64_t>::max())), "18446744073709551615");
  EXPECT_EQ(to_text(json(R"({"a": [1, "\u0001\n\t\r\\"]})")), R"({"a":[1,"\u0001\n\t\r\\"]})");
  EXPECT_TRUE(std::isnan(to_number(json("[]"))));
  EXPECT_EQ(to_number(Json(std::uint64_t{5})), 5);
}

TEST(JsonText, nesting_is_bounded) {
  Json deep;
  for (int i = 0; i < 400; ++i) deep = boost::json::array{deep};
  std::string out;
  EXPECT_FALSE(append_json(out, deep, JsonStyle::compact, 1 << 20));
  EXPECT_EQ(kind_name(deep), "array");
  EXPECT_EQ(kind_name(json("null")), "null");
  EXPECT_EQ(kind_name(json("true")), "boolean");
  EXPECT_EQ(kind_name(json("1")), "number");
  EXPECT_EQ(kind_name(json("\"\"")), "string");
  EXPECT_EQ(kind_name(json("{}")), "object");
}

}  // namespace
}  // namespace reeve::spec
