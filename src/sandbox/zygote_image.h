// The program of the zygote, as it lies in this one: see sandbox/zygote/main.cc. Immutable.
#pragma once

#include <string_view>

namespace reeve::sandbox {

std::string_view zygote_program();

}  // namespace reeve::sandbox
