#include "grain.h"

/* Bytes that follow the first one, or -1; *low and *high bound the second one. */
static int followers(unsigned char first, unsigned char* low, unsigned char* high) {
  *low = 0x80;
  *high = 0xbf;
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first <= 0xdf) return 1;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0) *low = 0xa0;  /* shorter form exists */
    if (first == 0xed) *high = 0x9f; /* surrogates */
    return 2;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0) *low = 0x90;
    if (first == 0xf4) *high = 0x8f; /* beyond U+10FFFF */
    return 3;
  }
  return -1;
}

long grain_utf8_length(const char* text, size_t size) {
  const unsigned char *at = (const unsigned char*)text, *end = at + size;
  long length = 0;
  for (; at < end; length++) {
    unsigned char low, high;
    int more = followers(*at++, &low, &high);
    if (more < 0 || end - at < more) return -1;
    for (; more > 0; more--, at++) {
      if (*at < low || *at > high) return -1;
      low = 0x80;
      high = 0xbf;
    }
  }
  return length;
}
