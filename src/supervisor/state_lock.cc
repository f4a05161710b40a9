#include "supervisor/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>

#include "supervisor/files.h"
#include "supervisor/paths.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kIdDigits = 32;

bool is_id(const std::string& text) {
  return text.size() == kIdDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<std::string> make_id() {
  std::array<unsigned char, kIdDigits / 2> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != std::ssize(bits))
    return fail_errno(errno, "no random bits for the id of the state directory");
  std::string id;
  for (const unsigned byte : bits) {
    id.push_back("0123456789abcdef"[byte >> 4U]);
    id.push_back("0123456789abcdef"[byte & 15U]);
  }
  return id;
}

}  // namespace

Result<StateLock> StateLock::take(const std::string& state) {
  const std::string path = state_file(state, kLockName);
  StateLock lock(Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)));
  if (!lock.file_) return fail_errno(errno, "cannot open " + path);
  if (::flock(lock.file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorCode::conflict, "another supervisor holds " + path);
    return fail_errno(errno, "cannot lock " + path);
  }
  struct stat status {};
  if (::fstat(lock.file_.get(), &status) != 0) return fail_errno(errno, "cannot read " + path);
  lock.was_left_dirty_ = status.st_size > 0;
  return lock;
}

void StateLock::mark_dirty() {
  if (is_dirty_) return;
  is_dirty_ = true;
  static_cast<void>(write_all(file_.get(), "attempts may run\n"));
}

void StateLock::mark_clean() {
  std::ignore = ::ftruncate(file_.get(), 0);
  is_dirty_ = false;
}

Result<std::string> load_state_id(const std::string& state) {
  const std::string path = state_file(state, kIdName);
  const std::string known = read_file_prefix(path, kIdDigits);
  if (is_id(known)) return known.substr(0);  // a plain copy makes GCC 12 warn of its own code
  TRY_ASSIGN(std::string id, make_id());
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || !write_all(file.get(), id)) return fail_errno(errno, "cannot write " + path);
  return id;
}

}  // namespace reeve::supervisor
