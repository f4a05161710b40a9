// The local executor under the suite of all executors.

#include <memory>

#include "tests/conformance/executor_suite.h"
#include "tests/conformance/local_bed.h"

namespace reeve::tests {

INSTANTIATE_TEST_SUITE_P(local, ConformanceExecutor,
                         testing::Values(+[]() -> std::unique_ptr<ExecutorBed> {
                           return std::make_unique<LocalBed>();
                         }));

INSTANTIATE_TEST_SUITE_P(sandboxed, ConformanceExecutor,
                         testing::Values(+[]() -> std::unique_ptr<ExecutorBed> {
                           return std::make_unique<LocalBed>(SandboxTier::native);
                         }));

}  // namespace reeve::tests
