// What does not end although it was killed must hold up nobody.
#include "supervisor/leftovers.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Duration kShort = std::chrono::milliseconds(50);

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  void put(int number) const { EXPECT_EQ(::write(in.get(), &number, sizeof number), 4); }
  int get() const {
    int number = -1;
    EXPECT_EQ(::read(out.get(), &number, sizeof number), 4);
    return number;
  }
  Fd out;
  Fd in;
};

/// A child whose end its tracer (we) has not looked at is there for its parent, and cannot be
/// reaped.
TEST(Leftovers, that_do_not_end_are_given_up_and_told) {
  const Pipe said;
  const Pipe heard;
  const pid_t parent = ::fork();
  if (parent == 0) {
    const pid_t child = ::fork();
    if (child == 0)
      for (;;) ::pause();
    said.put(child);
    heard.get();
    Leftovers leftovers("x.");
    const std::vector<pid_t> left = leftovers.kill_all(kShort);
    said.put(left == std::vector<pid_t>{child} ? 1 : 0);
    heard.get();
    said.put(static_cast<int>(leftovers.kill_all(kShort).size()));
    ::_exit(0);
  }
  const pid_t child = said.get();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child, nullptr, nullptr), 0);
  heard.put(0);
  EXPECT_EQ(said.get(), 1);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, __WALL), child);
  heard.put(0);
  EXPECT_EQ(said.get(), 0);
  EXPECT_EQ(::waitpid(parent, &status, 0), parent);
}

/// A process that a killed runtime left frozen, in version 1's hierarchy of freezers.
class Frozen {
 public:
  Frozen(const std::string& marker, const std::string& group)
      : directory_("/sys/fs/cgroup/freezer/" + group) {
    is_there_ = ::access("/sys/fs/cgroup/freezer/cgroup.procs", W_OK) == 0 &&
                ::mkdir(directory_.c_str(), 0755) == 0;
    if (!is_there_) return;
    const Pipe begun;
    const Pipe never;  // another: it must not read what it says itself
    pid_ = ::fork();
    if (pid_ == 0) {
      const std::string variable = std::string(kMarkerVariable) + "=" + marker;
      ::fcntl(begun.in.get(), F_SETFD, 0);
      ::fcntl(never.out.get(), F_SETFD, 0);
      ::fcntl(never.in.get(), F_SETFD, 0);
      const std::string say = "echo abc >&" + std::to_string(begun.in.get()) + "; read line <&" +
                              std::to_string(never.out.get());
      const char* const words[] = {"sh", "-c", say.c_str(), nullptr};
      const char* const environment[] = {variable.c_str(), nullptr};
      ::execve("/bin/sh", const_cast<char* const*>(words), const_cast<char* const*>(environment));
      ::_exit(1);
    }
    begun.get();
    write("cgroup.procs", std::to_string(pid_));
    write("freezer.state", "FROZEN");
    while (read_file_prefix(directory_ + "/freezer.state", 16) != "FROZEN\n") continue;
  }
  ~Frozen() {
    if (!is_there_) return;
    write("freezer.state", "THAWED");
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    EXPECT_EQ(::rmdir(directory_.c_str()), 0);
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  /// False: this machine cannot freeze.
  bool is_there() const { return is_there_; }
  pid_t pid() const { return pid_; }

 private:
  void write(const std::string& name, const std::string& text) const {
    const Fd file(::open((directory_ + "/" + name).c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(file && write_all(file.get(), text)) << name;
  }

  std::string directory_;
  bool is_there_ = false;
  pid_t pid_ = -1;
};

std::string own_name(const std::string& of) { return of + std::to_string(::getpid()); }

TEST(Sweep, gives_up_what_somebody_else_keeps_frozen) {
  const std::string state = own_name("leftovers");
  const Frozen frozen(state + ".1", own_name("somebody-else-"));
  if (!frozen.is_there()) return;
  EXPECT_THAT(sweep(state + ".", kShort), ElementsAre(frozen.pid()));
}

TEST(Sweep, ends_what_a_killed_runtime_left_frozen) {
  const std::string state = own_name("leftovers");
  const Frozen frozen(state + ".1", "reeve." + state + ".7.99");
  if (!frozen.is_there()) return;
  EXPECT_THAT(sweep(state + ".", std::chrono::seconds(5)), IsEmpty());
}

}  // namespace
}  // namespace reeve::supervisor
