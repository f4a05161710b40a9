#include "check.h"
#include "grain.h"

int main(void) {
  CHECK(grain_crc32(0, "", 0) == 0);
  CHECK(grain_crc32(0, "123456789", 9) == 0xcbf43926);
  CHECK(grain_crc32(0, "The quick brown fox jumps over the lazy dog", 43) == 0x414fa339);
  CHECK(grain_crc32(grain_crc32(0, "12345", 5), "6789", 4) == 0xcbf43926);
  return check_result();
}
