#include <string.h>

#include "check.h"
#include "grain.h"

/* RFC 4648, section 10. */
static const char* const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
static const char* const coded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

int main(void) {
  char buffer[64];
  for (int i = 0; i < 7; i++) {
    size_t size = grain_base64_size(strlen(plain[i]));
    CHECK(size == strlen(coded[i]));
    grain_base64_encode(buffer, plain[i], strlen(plain[i]));
    CHECK(memcmp(buffer, coded[i], size) == 0);
    long got = grain_base64_decode(buffer, coded[i], strlen(coded[i]));
    CHECK(got == (long)strlen(plain[i]) && memcmp(buffer, plain[i], (size_t)got) == 0);
  }
  CHECK(grain_base64_decode(buffer, "Zg=", 3) == -1);
  CHECK(grain_base64_decode(buffer, "Zh==", 4) == -1);
  CHECK(grain_base64_decode(buffer, "Z===", 4) == -1);
  CHECK(grain_base64_decode(buffer, "Zg==Zg==", 8) == -1);
  CHECK(grain_base64_decode(buffer, "Zm9\n", 4) == -1);
  for (int byte = 0; byte < 256; byte++) {
    unsigned char in = (unsigned char)byte, out = 0;
    grain_base64_encode(buffer, &in, 1);
    CHECK(grain_base64_decode(&out, buffer, 4) == 1 && out == in);
  }
  return check_result();
}
