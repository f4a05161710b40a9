// The part of Attempts that lets an OCI runtime make their sandboxes. The zygote of such a sandbox
// keeps the rights of the supervisor and starts the runtime in fresh namespaces of its own, so that
// nothing of the runtime is left when its process 1 ends. In the container, process 1 is our own
// program, which starts the task as the native tier does and leaves in a file how it ended.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sandbox/bundle.h"
#include "sandbox/zygote_image.h"
#include "supervisor/attempts.h"
#include "supervisor/command.h"
#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

constexpr std::string_view kPathOfEngines =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::uint32_t kExecutable = 0500;

/// Below the directory of the attempt's own files.
std::string own_path(const char* inside) {
  return std::string(inside).substr(sandbox::kFilesDirectory.size() + 1);
}

const char* path_of_engine() {
  const char* const path = ::getenv("PATH");
  return path == nullptr ? kPathOfEngines.data() : path;
}

}  // namespace

Status Attempts::check_tier(const SandboxRequest& request) const {
  if (request.tier == SandboxTier::none && !request.image.empty())
    return fail(ErrorCode::unsupported,
                "an image needs a sandbox: run without --sandbox none, or leave the image out");
  if (request.tier == SandboxTier::none && request.network == SandboxNetwork::egress)
    return fail(ErrorCode::unsupported,
                "a list of what may be reached needs a sandbox: run without --sandbox none, or "
                "leave the list out");
  if (request.tier != SandboxTier::oci) return {};
  const std::string& runtime = settings_.oci_runtime;
  const bool is_there = std::ranges::any_of(
      program_candidates(runtime, path_of_engine()),
      [](const std::string& file) { return ::access(file.c_str(), X_OK) == 0; });
  if (is_there) return {};
  return fail(ErrorCode::unsupported,
              "tier oci: there is no runtime " + runtime +
                  ": apt install runc, or name another one in REEVE_OCI_RUNTIME");
}

/// Turns the request for a program into one for a runtime that contains it.
sandbox::ProgramRequest Attempts::contain(sandbox::ProgramRequest program, const Sandbox& sandbox,
                                          std::string_view filter) const {
  sandbox::ProgramRequest request;
  request.files = std::move(program.files);
  request.files.push_back(
      {own_path(sandbox::kContainedProgram), std::string(sandbox::zygote_program()), kExecutable});
  request.files.push_back(
      {own_path(sandbox::kContainedRequest), sandbox::encode_contained(program, filter)});
  request.files.push_back({"config.json", sandbox.bundle_config});
  request.files_owner = sandbox::kOutsideId;
  request.keeps_capabilities = true;
  request.arguments = sandbox::runtime_command(settings_.oci_runtime);
  request.candidates = program_candidates(settings_.oci_runtime, path_of_engine());
  request.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  request.work_directory = "/";
  return request;
}

/// The runtime has ended: what process 1 of its container left says how the task did.
void Attempts::read_contained_end(Attempt& attempt, const Sandbox& sandbox, Instant now) {
  const Fd file = open_hostile(attempt.files.get(), own_path(sandbox::kContainedStatus).c_str());
  sandbox::Reply reply;
  const bool is_told = file && ::read(file.get(), &reply, sizeof reply) == sizeof reply;
  if (is_told && reply.kind == sandbox::ReplyKind::ended) {
    attempt.wait_status = reply.status;
  } else if (is_told && reply.kind == sandbox::ReplyKind::failed &&
             reply.phase == sandbox::Phase::program) {
    on_failed_reply(attempt, sandbox, reply, now);
  } else if (attempt.verdict.kind == OutcomeClass::none && !attempt.was_killed) {
    on_runtime_failed(attempt);
  }
}

void Attempts::on_runtime_failed(Attempt& attempt) const {
  attempt.failure =
      settings_.oci_runtime + " could not make the sandbox; what it said is in the log";
  attempt.plan.failed_error.store(EIO, std::memory_order_relaxed);
  attempt.plan.failed_step.store(SpawnStep::streams, std::memory_order_release);
}

}  // namespace reeve::supervisor
