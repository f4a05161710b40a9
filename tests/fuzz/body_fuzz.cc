// The body of a submission: a run, or a problem that names its fields.
#include <boost/json/serialize.hpp>

#include "api/body_reader.h"
#include "api/submission.h"
#include "base/ensure.h"
#include "tests/fuzz/fuzz.h"

namespace reeve::api {
namespace {

void read_fields(const JsonObject& body) {
  BodyReader reader(body, "/x");
  static_cast<void>(reader.text("name", 8));
  static_cast<void>(reader.flag("keep", true));
  static_cast<void>(reader.integer("priority", -5, 5));
  static_cast<void>(reader.seconds("after", std::chrono::hours{24}));
  static_cast<void>(reader.texts("command"));
  static_cast<void>(reader.text_object("labels"));
  static_cast<void>(reader.finish());
}

void submit(const JsonObject& body) {
  WorkflowCache workflows(4, std::size_t{1} << 20);
  SubmissionContext context;
  context.workflows = &workflows;
  context.submitter = "fuzz";
  context.name_space = "default";
  context.work_directory = "/work";
  context.may_choose_directory = true;
  const auto run = read_submission(context, body);
  ENSURE(run ? run->event.workflow != nullptr : run.error().status >= 400);
  if (!run) static_cast<void>(problem_response(run.error(), "fuzz"));
}

}  // namespace
}  // namespace reeve::api

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reeve::fuzz::Input input(data, size);
  const auto body = reeve::api::parse_body(input.rest());
  if (!body) return 0;
  reeve::api::read_fields(*body);
  reeve::api::submit(*body);
  return 0;
}
