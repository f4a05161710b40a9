// The third kind of error of DESIGN §8: a bug. ENSURE stays on in release builds; when it fails the
// process stops, and the next start recovers from the journal. Never use it on outside input.
#pragma once

namespace reeve {

/// Prints the place and the condition to stderr and aborts. Thread-safe.
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace reeve

#define ENSURE(condition) \
  ((condition) ? static_cast<void>(0) : ::reeve::ensure_failed(#condition, __FILE__, __LINE__))
