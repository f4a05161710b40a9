#include "sandbox/zygote/visitors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sandbox/zygote/link.h"
#include "sandbox/zygote/program.h"

namespace reeve::sandbox::zygote {
namespace {

struct Visitor {
  std::uint32_t number = 0;
  pid_t pid = 0;  ///< 0: the place is free
};

int door = -1;
Visitor visitors[kVisitorsMax];

void refuse(std::uint32_t visitor, ProgramStep step, int error) {
  send_reply({.kind = ReplyKind::refused,
              .phase = Phase::program,
              .step = static_cast<std::uint32_t>(step),
              .error = error,
              .visitor = visitor});
}

Visitor* free_place() {
  for (Visitor& visitor : visitors)
    if (visitor.pid == 0) return &visitor;
  return nullptr;
}

/// The blob is needed until the program executes.
void start_visitor(const DoorMessage& message, const int* received) {
  Visitor* const place = free_place();
  if (place == nullptr) return refuse(message.visitor, ProgramStep::fork, EAGAIN);
  void* const blob = ::mmap(nullptr, message.blob_bytes, PROT_READ, MAP_PRIVATE, received[0], 0);
  if (blob == MAP_FAILED) return refuse(message.visitor, ProgramStep::request, errno);
  BlobReader reader(static_cast<const char*>(blob), message.blob_bytes);
  Program program;
  pid_t pid = -1;
  if (read_program(reader, program)) {
    program.takes_terminal = message.has_terminal != 0;
    for (int i = 0; i < 3; ++i) program.streams[i] = received[i + 1];
    pid = start(program);
    if (pid < 0) {
      program.failed_step = ProgramStep::fork;
      program.failed_error = errno;
    }
  } else {
    program.failed_step = ProgramStep::request;
    program.failed_error = EBADMSG;
  }
  ::munmap(blob, message.blob_bytes);
  if (program.failed_error != 0)
    return refuse(message.visitor, program.failed_step, program.failed_error);
  *place = {message.visitor, pid};
  send_reply({.kind = ReplyKind::entered, .visitor = message.visitor});
}

void signal_visitor(const DoorMessage& message) {
  for (const Visitor& visitor : visitors) {
    if (visitor.pid == 0 || visitor.number != message.visitor) continue;
    ::kill(-visitor.pid, message.signal);
    ::kill(-visitor.pid, SIGCONT);
  }
}

}  // namespace

void open_door(int descriptor) {
  door = descriptor;
  ::fcntl(door, F_SETOWN, ::getpid());
  ::fcntl(door, F_SETFL, O_ASYNC | O_NONBLOCK);
}

void serve_door(NextProgram& next) {
  int received[kDescriptorsMax];
  DoorMessage message;
  for (;;) {
    const int count = receive_at(door, message, received);
    if (count < 0) return;
    if (message.follows != 0 && count == 4 && !next.is_there) {
      next.is_there = true;
      next.blob_bytes = message.blob_bytes;
      for (int i = 0; i < 4; ++i) next.descriptors[i] = received[i];
      continue;
    }
    if (message.signal == 0 && message.follows == 0 && count == 4) start_visitor(message, received);
    if (message.signal != 0 && count == 0) signal_visitor(message);
    for (int i = 0; i < count; ++i) ::close(received[i]);
  }
}

void on_visitor_ended(pid_t pid, int status) {
  for (Visitor& visitor : visitors) {
    if (visitor.pid != pid) continue;
    visitor.pid = 0;
    send_reply({.kind = ReplyKind::left, .status = status, .visitor = visitor.number});
  }
}

}  // namespace reeve::sandbox::zygote
