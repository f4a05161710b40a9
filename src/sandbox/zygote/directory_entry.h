// An entry of a directory as getdents64(2) lays it out; the name goes on to its zero byte. The
// zygote reads directories itself, since opendir(3) allocates. Plain data.
#pragma once

#include <cstdint>

namespace reeve::sandbox::zygote {

struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;  ///< of the whole entry: where the next begins
  unsigned char type;
  char name[1];
};

}  // namespace reeve::sandbox::zygote
