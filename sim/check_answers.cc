// What clients were told, against what is durable at that moment.
#include <fmt/format.h>

#include "sim/checker.h"

namespace reeve::sim {

void Checker::on_request_sent(const core::Event& request) {
  if (const auto* cancel = std::get_if<core::Cancel>(&request)) cancel_sent_.insert(cancel->run);
}

void Checker::on_submit_answered(const core::SubmitRun& request, const engine::Receipt& receipt,
                                 const std::vector<core::RunAfter>& after) {
  const RunImage* run = model_.find(receipt.run);
  const std::string& key = request.texts.idempotency_key;
  if (run == nullptr || run->idempotency_key != key) {
    basics_.verdict.fail("lost_work",
                         fmt::format("run {} is acknowledged, but not durable", receipt.run.value));
    return;
  }
  if (run->workflow->digest != request.workflow_digest ||
      (key.empty() && run->uuid != request.uuid))
    basics_.verdict.fail("lost_work",
                         fmt::format("run {} is not what was submitted", receipt.run.value));
  if (!following_.is_as_asked(receipt.run, after))
    basics_.verdict.fail("follows",
                         fmt::format("run {} does not follow what was asked", receipt.run.value));
  if (receipt.existed == (run->uuid == request.uuid) && !key.empty())
    basics_.verdict.fail("idempotency", fmt::format("run {} is said to be {}", receipt.run.value,
                                                    receipt.existed ? "old" : "new"));
  if (!key.empty()) {
    const auto [known, first] = keys_.emplace(key, receipt.run);
    if (!first && known->second != receipt.run)
      basics_.verdict.fail("idempotency", fmt::format("the key of run {} gives run {}",
                                                      known->second.value, receipt.run.value));
  }
  acknowledged_.emplace(receipt.run, run->uuid);
}

void Checker::on_request_answered(const core::Event& request) {
  const auto expect = [&](bool holds, RunId run, std::string_view what) {
    if (!holds)
      basics_.verdict.fail("answers", fmt::format("run {}: {} was acknowledged, but is not durable",
                                                  run.value, what));
  };
  if (const auto* cancel = std::get_if<core::Cancel>(&request)) {
    const RunImage* run = model_.find(cancel->run);
    if (cancel->task == core::kWholeRun)
      expect(
          run != nullptr && (run->cancel_requested || core::is_final(run->state) || run->round > 1),
          cancel->run, "its cancellation");
  } else if (const auto* approve = std::get_if<core::Approve>(&request)) {
    const TaskImage* task = model_.find(approve->task);
    expect(task != nullptr && core::is_final(task->row.state), approve->task.run, "an approval");
  } else if (const auto* retry = std::get_if<core::Retry>(&request)) {
    const RunImage* run = model_.find(retry->run);
    expect(run != nullptr && run->round > 1, retry->run, "its retry");
  }
}

}  // namespace reeve::sim
