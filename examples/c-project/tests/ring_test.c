#include <string.h>

#include "check.h"
#include "grain.h"

int main(void) {
  unsigned char buffer[8];
  char out[16];
  struct grain_ring ring;
  grain_ring_init(&ring, buffer, sizeof buffer);
  CHECK(grain_ring_take(&ring, out, 1) == 0);
  CHECK(grain_ring_put(&ring, "abcdef", 6) == 6);
  CHECK(grain_ring_take(&ring, out, 4) == 4 && memcmp(out, "abcd", 4) == 0);
  CHECK(grain_ring_put(&ring, "ghijklmn", 8) == 6); /* wraps, and is full */
  CHECK(grain_ring_put(&ring, "x", 1) == 0);
  CHECK(grain_ring_take(&ring, out, 16) == 8 && memcmp(out, "efghijkl", 8) == 0);

  /* A million bytes in uneven pieces come out as they went in. */
  unsigned put = 0, taken = 0, step = 1;
  while (taken < 1000000) {
    unsigned char piece[7];
    size_t want = step % 7 + 1;
    for (size_t i = 0; i < want; i++) piece[i] = (unsigned char)((put + i) * 31);
    put += (unsigned)grain_ring_put(&ring, piece, want);
    size_t got = grain_ring_take(&ring, piece, step % 5 + 1);
    for (size_t i = 0; i < got; i++) {
      if (piece[i] != (unsigned char)((taken + i) * 31)) return 1;
    }
    taken += (unsigned)got;
    step = step * 1103515245 + 12345;
    step = step >> 3 | step << 29;
  }
  CHECK(taken >= 1000000);
  return check_result();
}
