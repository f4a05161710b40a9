#include "sandbox/zygote_image.h"

// REEVE_ZYGOTE is the path of the program, which the build makes first.
asm(".section .rodata\n"
    ".balign 16\n"
    ".local reeve_zygote_begin\n"
    "reeve_zygote_begin:\n"
    ".incbin \"" REEVE_ZYGOTE
    "\"\n"
    ".local reeve_zygote_end\n"
    "reeve_zygote_end:\n"
    ".previous\n");

extern "C" {
extern const char reeve_zygote_begin[];
extern const char reeve_zygote_end[];
}

namespace reeve::sandbox {

std::string_view zygote_program() {
  return {reeve_zygote_begin, static_cast<std::size_t>(reeve_zygote_end - reeve_zygote_begin)};
}

}  // namespace reeve::sandbox
