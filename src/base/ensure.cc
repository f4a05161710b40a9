#include "base/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace reeve {

void ensure_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr,
               "reeve: internal error: %s is false at %s:%d; stopping. Nothing acknowledged is "
               "lost: start again to recover.\n",
               condition, file, line);
  std::abort();
}

}  // namespace reeve
