// Carries out steps. Part of the zygote's program, which has no C++ library: what it reads lies in
// the blob that it was given. Single-threaded.
#pragma once

#include <cstdint>

#include "sandbox/wire.h"

namespace reeve::sandbox::zygote {

/// Reads the numbers and texts of a blob where they lie.
class BlobReader {
 public:
  BlobReader(const char* begin, std::size_t size) : at_(begin), end_(begin + size) {}
  std::uint64_t number();
  /// Ends with NUL.
  const char* text();
  const char* text(std::size_t& size);
  bool is_good() const { return is_good_; }

 private:
  const char* at_;
  const char* end_;
  bool is_good_ = true;
};

struct StepView {
  StepKind kind{};
  std::uint64_t flags = 0;
  int number = -1;
  const char* source = nullptr;
  const char* target = nullptr;
  const char* data = nullptr;
};
StepView read_step(BlobReader& reader);

/// Descriptors that steps name by number.
struct Descriptors {
  int numbers[kDescriptorsMax];
};

/// 0, or errno.
int carry_out(const StepView& step, Descriptors& descriptors);

}  // namespace reeve::sandbox::zygote
