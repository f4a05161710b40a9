// A cluster file: it gives a cluster or says what is wrong, with its place.
#include "base/ensure.h"
#include "spec/cluster_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace spec = reeve::spec;
  reeve::fuzz::Input input(data, size);
  const spec::ParsedCluster parsed = spec::parse_cluster(input.rest(), "fuzz");
  bool has_error = false;
  for (const spec::Diagnostic& each : parsed.diagnostics) {
    has_error |= each.severity == spec::Severity::error;
    ENSURE(each.line >= 1 && each.column >= 1 && !each.text().empty());
  }
  ENSURE(has_error != parsed.cluster.has_value());
  return 0;
}
