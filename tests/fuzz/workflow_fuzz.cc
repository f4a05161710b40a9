// A workflow file: whatever it is, it gives a workflow or says what is wrong, with its place.
#include "base/ensure.h"
#include "spec/parse.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace spec = reeve::spec;
  reeve::fuzz::Input input(data, size);
  const spec::Parsed parsed = spec::parse_workflow(input.rest(), "fuzz");
  bool has_error = false;
  for (const spec::Diagnostic& each : parsed.diagnostics) {
    has_error |= each.severity == spec::Severity::error;
    ENSURE(each.line >= 1 && each.column >= 1 && !each.text().empty());
  }
  ENSURE(has_error == (parsed.workflow == nullptr));
  if (parsed.workflow)
    static_cast<void>(spec::resolve_inputs(*parsed.workflow, boost::json::object{}));
  return 0;
}
