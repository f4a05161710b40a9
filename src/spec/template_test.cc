#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "spec/expression.h"

namespace reeve::spec {
namespace {

std::string render(std::string_view text) {
  const Json inputs = boost::json::object{
      {"name", "Ann"}, {"list", boost::json::array{1, "a"}}, {"big", std::string(1 << 20, 'x')}};
  Context context;
  context.inputs = &inputs;
  const auto parsed = Template::parse(text);
  if (!parsed) return "parse error: " + parsed.error().message;
  const auto rendered = parsed->render(context);
  return rendered ? *rendered : "error: " + rendered.error().message;
}

TEST(Template, text_without_expressions_stays) {
  EXPECT_EQ(render("echo hi"), "echo hi");
  EXPECT_EQ(render(""), "");
  EXPECT_EQ(render("$HOME ${HOME} {{ x }} }} $ {{"), "$HOME ${HOME} {{ x }} }} $ {{");
  EXPECT_TRUE(Template::parse("echo hi")->is_literal());
  EXPECT_EQ(Template::literal("${{ not read }}").text(), "${{ not read }}");
  EXPECT_TRUE(Template::literal("${{ not read }}").is_literal());
}

TEST(Template, expressions_are_replaced_by_their_text) {
  EXPECT_EQ(render("hello ${{ inputs.name }}!"), "hello Ann!");
  EXPECT_EQ(render("${{inputs.name}}${{ inputs.name }}"), "AnnAnn");
  EXPECT_EQ(render("[${{ null }}${{ inputs.missing }}]"), "[]");
  EXPECT_EQ(render("${{ inputs.list }}"), "[1,\"a\"]");
  EXPECT_EQ(render("${{ 1.50 }} ${{ true }}"), "1.5 true");
}

TEST(Template, the_opening_can_be_written_as_text) {
  EXPECT_EQ(render("${{ '${{' }} x }}"), "${{ x }}");
  EXPECT_EQ(render("${{ '}}' }}"), "}}");
  EXPECT_EQ(render("${{ 'it''s }}' }}"), "it's }}");
}

TEST(Template, errors_say_where) {
  EXPECT_EQ(render("abc ${{ 1"),
            "parse error: offset 4: '${{' has no '}}'; to write it as text use ${{ '${{' }}");
  EXPECT_EQ(render("abc ${{ 1 1 }}"),
            "parse error: offset 10: unexpected '1'; expected an operator");
  EXPECT_EQ(render("abc ${{ }}"), "parse error: offset 7: the expression is empty");
  EXPECT_EQ(render("${{ needs.x }}"),
            "error: 'needs' is not available here, in the expression ' needs.x '");
}

TEST(Template, size_is_bounded) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "${{ inputs.big }}";
  EXPECT_EQ(render(text), "error: the text becomes larger than 16 MiB");
}

TEST(Template, one_expression_gives_any_value) {
  const auto one = Template::parse("${{ fromJSON('[1, 2]') }}");
  EXPECT_TRUE(one->is_single_expression());
  EXPECT_EQ(*one->render_value({}), Json(boost::json::array({1, 2})));
  const auto mixed = Template::parse("a ${{ 1 }}");
  EXPECT_FALSE(mixed->is_single_expression());
  EXPECT_EQ(*mixed->render_value({}), Json("a 1"));
  EXPECT_FALSE(Template::parse("${{ inputs.x }}!")->render_value({}));
  EXPECT_EQ(*Template::literal("plain").render_value({}), Json("plain"));
}

TEST(Template, tells_what_it_reads) {
  const auto text = Template::parse("${{ inputs.b }} ${{ needs.a.result }} ${{ inputs.b }}");
  EXPECT_EQ(text->references(), (std::vector<std::string>{"inputs.b", "needs.a"}));
  EXPECT_FALSE(text->uses_status_function());
  EXPECT_TRUE(Template::parse("x ${{ failure() }}")->uses_status_function());
  ASSERT_EQ(text->expressions().size(), 3U);
  EXPECT_EQ(text->expressions()[1].first, 19U);
  EXPECT_EQ(text->expressions()[1].second->text(), " needs.a.result ");
}

RC_GTEST_PROP(TemplateProperty, text_without_an_opening_is_its_own_rendering,
              (const std::string& text)) {
  RC_PRE(text.find("${{") == std::string::npos);
  RC_ASSERT(*Template::parse(text)->render({}) == text);
}

RC_GTEST_PROP(TemplateProperty, quoted_text_renders_as_itself, (const std::string& text)) {
  std::string quoted;
  for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  RC_ASSERT(*Template::parse("<${{ '" + quoted + "' }}>")->render({}) == "<" + text + ">");
}

RC_GTEST_PROP(TemplateProperty, any_mix_of_tokens_is_parsed_or_refused, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "${{", "}}", "(", ")", "[", "]", ".", "*", "!", "==", "&&", "||", "<", ",", "'", "''", "1",
      "-", "0x", "needs", "inputs.a", "format", "join", "toJSON", "always", "fromJSON", "'[1]'",
      " ", "null", "NaN", "\xff", "\"", "e9"));
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  const Json object = boost::json::object{{"a", boost::json::array{1, nullptr, "x"}}};
  const Context context{&object, &object, &object, &object, &object, &object};
  for (const std::string& source : {text, "${{ " + text + " }}"}) {
    const auto parsed = Template::parse(source);
    if (parsed) static_cast<void>(parsed->render(context).has_value());
  }
}

}  // namespace
}  // namespace reeve::spec
