// What sandboxes need of the machine: the user namespaces, the program of the zygote, mounts opened
// for them. Made once by a supervisor; a supervisor of an ordinary user moves into a user namespace
// of its own for it. One owner; not thread-safe.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/step.h"

namespace reeve::sandbox {

struct UserAndGroup {
  uid_t user = 0;
  gid_t group = 0;

  auto operator<=>(const UserAndGroup&) const = default;
};

/// Who attempts are outside, where a supervisor is root: nobody that any machine knows.
inline constexpr std::uint32_t kOutsideId = 0x7000'0000;

class Host {
 public:
  /// REQUIRES that the process has one thread. unsupported: the message says what is missing.
  static Result<Host> open();

  bool is_root() const { return is_root_; }
  /// Who attempts are, as this process sees it.
  const UserAndGroup& outside() const { return outside_; }
  /// In which attempts are the user and group `inside`. Valid as long as this object.
  Result<int> user_namespace(std::uint32_t inside) { return namespace_of_owner({inside, inside}); }
  int zygote_image() const { return image_.get(); }

  /// The mount of a directory or file at its own path, detached. What is writable belongs to the
  /// attempts' user: on the disk they act as the owner of `path`.
  Result<Fd> open_path(const GivenPath& path);

  /// The mount of a directory that only a zygote sees, detached and read-only.
  static Result<Fd> open_layers(const std::string& directory);

  /// The directories and links of the host's root that belong to the system, and its devices.
  static std::vector<SystemEntry> system_entries();
  static std::vector<std::string> devices();

 private:
  Host() = default;
  Status open_image();
  Result<int> namespace_of_owner(const UserAndGroup& owner);

  bool is_root_ = true;
  UserAndGroup outside_{kOutsideId, kOutsideId};
  Fd image_;
  std::map<UserAndGroup, Fd> owners_;  // id maps of mounts, and what attempts are in
};

}  // namespace reeve::sandbox
