// The part of Attempts that gives them an image as their root.

#include "supervisor/attempts.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

/// Whether the same wish could be granted later.
bool may_pass(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::io_failed ||
         code == ErrorCode::exhausted;
}

/// A wish that will not be granted tomorrow either is not worth another try; a start that failed is
/// tried again, and never the task's fault.
Outcome image_outcome_of(const Error& error) {
  Outcome outcome = could_not_start(0);
  outcome.reason.code = ReasonCode::image_not_usable;
  if (!may_pass(error.code)) outcome.kind = OutcomeClass::rejected;
  return outcome;
}

}  // namespace

void Attempts::start_with_image(std::unique_ptr<Attempt> attempt, Instant now) {
  auto image = images_.want({attempt->launch.sandbox.image, attempt->launch.run, attempt->serial});
  if (!image) {
    end_unstarted(std::move(attempt), image_outcome_of(image.error()), image.error().text(), now);
    return;
  }
  attempt->image = *image;
  if (attempt->image != nullptr) return enclose(std::move(attempt), now);
  attempt->phase = Phase::preparing;
  attempt->limits.start_by = deadline_after(now, attempt->launch.start_timeout);
  Attempt& added = *attempt;
  add(std::move(attempt), now);
  arm(added);
}

void Attempts::on_image(FetchNumber number, Instant now) {
  for (const ImageFetches::News& news : images_.receive(number)) {
    for (const Serial serial : news.waiting) {
      Attempt* const attempt = find(serial);
      if (attempt == nullptr || attempt->phase != Phase::preparing) continue;
      if (const auto* note = std::get_if<images::Note>(&news.what))
        attempt->log.note(clock_.at(now), note->text);
      if (const auto* image = std::get_if<SharedImage>(&news.what))
        on_image_ready(serial, *image, now);
      if (const auto* error = std::get_if<Error>(&news.what))
        on_image_failed(*attempt, *error, now);
    }
  }
}

void Attempts::on_image_ready(Serial serial, const SharedImage& image, Instant now) {
  std::unique_ptr<Attempt> attempt = take_out(serial);
  attempt->image = image;
  attempt->limits.clear();
  enclose(std::move(attempt), now);
}

void Attempts::on_image_failed(Attempt& attempt, const Error& error, Instant now) {
  attempt.log.note(clock_.at(now), error.text());
  end_preparing(attempt, image_outcome_of(error), error.text(), now);
}

/// What an image runs by itself starts in the image's own directory, as it expects.
Status Attempts::use_program_of_image(Attempt& attempt) {
  const images::Image& image = *attempt.image;
  std::vector<std::string>& arguments = attempt.plan.arguments;
  arguments = image.entrypoint;
  arguments.insert(arguments.end(), image.command.begin(), image.command.end());
  if (arguments.empty() || arguments.front().empty())
    return fail(ErrorCode::invalid_argument,
                "the image has no program of its own: give the task a `run` or a `command`");
  attempt.start_directory = image.work_directory;
  return {};
}

std::unique_ptr<Attempt> Attempts::take_out(Serial serial) {
  auto node = attempts_.extract(serial);
  living_.erase(serial);
  by_token_.erase(node.mapped()->launch.token);
  return std::move(node.mapped());
}

std::vector<std::string> Attempts::images_in_use() { return sandboxes_.retire_spare_images(); }

}  // namespace reeve::supervisor
