#include "base/outcome.h"

#include <array>

namespace reeve {
namespace {

constexpr std::array<std::string_view, kOutcomeClassCount> kNames{
    "none", "exited", "signalled", "timed_out", "out_of_memory", "lost", "rejected", "start_failed",
};

}  // namespace

std::string_view name(OutcomeClass outcome) {
  const auto index = static_cast<std::size_t>(outcome);
  return index < kNames.size() ? kNames[index] : "unknown";
}

int shell_status(const Outcome& outcome) {
  // What a shell passes on is eight bits wide; a status outside must not turn into success.
  constexpr int kEngineFailed = 125;
  switch (outcome.kind) {
    case OutcomeClass::exited:
      return outcome.code >= 0 && outcome.code <= 255 ? outcome.code : kEngineFailed;
    case OutcomeClass::signalled:
      return outcome.code >= 1 && outcome.code <= 127 ? 128 + outcome.code : kEngineFailed;
    case OutcomeClass::timed_out: return 124;
    case OutcomeClass::out_of_memory: return 137;
    case OutcomeClass::none:
    case OutcomeClass::lost:
    case OutcomeClass::rejected:
    case OutcomeClass::start_failed: break;
  }
  return kEngineFailed;
}

}  // namespace reeve
