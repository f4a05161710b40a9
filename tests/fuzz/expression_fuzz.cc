// Expressions and templates: parsed, and evaluated with what a task would see; patterns of paths.
#include <boost/json/parse.hpp>

#include "base/ensure.h"
#include "spec/expression.h"
#include "spec/fan_out.h"
#include "spec/glob.h"
#include "tests/fuzz/fuzz.h"

namespace reeve::spec {
namespace {

void evaluate(std::string_view text) {
  static const Json inputs = boost::json::parse(R"({"n": 3, "s": "a-b", "list": [1, [2], {"k": 0}],
    "deep": {"a": {"b": [true, null, -1.5e300]}}, "argv": ["x", "y z"]})");
  static const Json needs = boost::json::parse(
      R"({"build": {"result": "success", "outputs": {"v": "1"}, "artifacts": {"f": "/a/b"}}})");
  const Context context{.inputs = &inputs,
                        .env = &inputs,
                        .needs = &needs,
                        .matrix = &inputs,
                        .run = &needs,
                        .task = &inputs};
  if (const auto expression = Expression::parse(text)) {
    static_cast<void>(expression->references());
    if (const auto value = expression->evaluate(context)) {
      static_cast<void>(is_truthy(*value));
      static_cast<void>(to_text(*value));
    }
    static_cast<void>(expression->evaluate({}));
  }
  if (const auto whole = Template::parse(text)) {
    static_cast<void>(whole->references());
    static_cast<void>(whole->render(context));
    static_cast<void>(whole->render_value(context));
  }
}

}  // namespace
}  // namespace reeve::spec

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace spec = reeve::spec;
  reeve::fuzz::Input input(data, size);
  const std::string_view text = input.part();
  spec::evaluate(text);
  static_cast<void>(spec::parse_array_range(text));
  const auto one = spec::Glob::parse(text);
  const auto other = spec::Glob::parse(input.part());
  if (one) ENSURE(spec::Glob::intersect(*one, *one) || one->names().empty());
  if (one && other)
    ENSURE(spec::Glob::intersect(*one, *other) == spec::Glob::intersect(*other, *one));
  return 0;
}
