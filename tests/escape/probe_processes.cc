// Probes that reach for other processes: their memory, descriptors and lives.
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <mqueue.h>

#include "tests/escape/probe.h"

namespace reeve::escape {
namespace {

/// A child that waits; what is done to it is done to another process of the same user.
class Victim {
 public:
  Victim() : pid_(::fork()) {
    if (pid_ == 0)
      for (;;) ::pause();
  }
  ~Victim() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

int word = 7;  // at the same place in a child

Outcome trace() {
  const Victim victim;
  return answer(::ptrace(PTRACE_SEIZE, victim.pid(), nullptr, nullptr));
}
Outcome read_memory() {
  const Victim victim;
  int copy = 0;
  const iovec here{&copy, sizeof copy};
  const iovec there{&word, sizeof word};
  return answer(::process_vm_readv(victim.pid(), &here, 1, &there, 1, 0));
}
Outcome write_memory() {
  const Victim victim;
  int copy = 8;
  const iovec here{&copy, sizeof copy};
  const iovec there{&word, sizeof word};
  return answer(::process_vm_writev(victim.pid(), &here, 1, &there, 1, 0));
}
Outcome take_descriptor() {
  const Victim victim;
  const long handle = ::syscall(SYS_pidfd_open, victim.pid(), 0);
  if (handle < 0) return unclear("no pidfd: " + error_name(errno));
  return answer(::syscall(SYS_pidfd_getfd, handle, 0, 0));
}
Outcome compare_processes() {
  const Victim victim;
  return answer(::syscall(SYS_kcmp, ::getpid(), victim.pid(), KCMP_FILES, 0, 0));
}

pid_t named_process() {
  return static_cast<pid_t>(std::atoi(setting("ESCAPE_VICTIM", "0").c_str()));
}
Outcome signal_process_of_host() { return answer(::kill(named_process(), 0)); }
Outcome handle_of_process_of_host() {
  return answer(::syscall(SYS_pidfd_open, named_process(), 0));
}
Outcome limit_process_of_host() {
  rlimit limits{};
  return answer(::prlimit(named_process(), RLIMIT_NOFILE, nullptr, &limits));
}
Outcome memory_of_process_of_host() {
  return try_open("/proc/" + setting("ESCAPE_VICTIM", "0") + "/mem", O_RDWR);
}

constexpr int kPatienceMs = 300;

/// Process 1 of the sandbox; the control names one that it can do without.
Outcome end_of_init() {
  const pid_t init = std::atoi(setting("ESCAPE_INIT", "1").c_str());
  const long handle = ::syscall(SYS_pidfd_open, init, 0);
  if (handle < 0) return unclear("no pidfd: " + error_name(errno));
  if (::kill(init, SIGKILL) != 0) return prevented(error_name(errno));
  pollfd ended{static_cast<int>(handle), POLLIN, 0};
  return ::poll(&ended, 1, kPatienceMs) == 1 ? escaped("it is dead") : prevented("it lives");
}
/// What an attempt's init holds: the socket to the supervisor.
Outcome zygote_socket() {
  const std::string init = setting("ESCAPE_INIT", "1");
  char target[64];
  return answer(::readlink(("/proc/" + init + "/fd/0").c_str(), target, sizeof target));
}
Outcome zygote_socket_inherited() { return answer(::send(3, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL)); }
Outcome output_of_other() { return try_open(setting("ESCAPE_OTHER_OUTPUT", "/none"), O_WRONLY); }

constexpr key_t kKey = 0x52454556;
Outcome shared_memory() { return answer(::shmget(kKey, 0, 0)); }
Outcome semaphores() { return answer(::semget(kKey, 0, 0)); }
Outcome message_queue() { return answer(::msgget(kKey, 0)); }
Outcome posix_message_queue() { return answer(::mq_open("/reeve-escape", O_RDONLY)); }

constexpr Probe kProbes[] = {
    {"trace", trace},
    {"read_memory", read_memory},
    {"write_memory", write_memory},
    {"take_descriptor", take_descriptor},
    {"compare_processes", compare_processes},
    {"signal_process_of_host", signal_process_of_host},
    {"handle_of_process_of_host", handle_of_process_of_host},
    {"limit_process_of_host", limit_process_of_host},
    {"memory_of_process_of_host", memory_of_process_of_host},
    {"end_of_init", end_of_init},
    {"zygote_socket", zygote_socket},
    {"zygote_socket_inherited", zygote_socket_inherited},
    {"output_of_other", output_of_other},
    {"shared_memory", shared_memory},
    {"semaphores", semaphores},
    {"message_queue", message_queue},
    {"posix_message_queue", posix_message_queue},
};

}  // namespace

std::span<const Probe> process_probes() { return kProbes; }

}  // namespace reeve::escape
