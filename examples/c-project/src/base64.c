#include "grain.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t grain_base64_size(size_t n) { return (n + 2) / 3 * 4; }

void grain_base64_encode(char* out, const void* data, size_t size) {
  const unsigned char* in = data;
  for (; size > 0; out += 4) {
    size_t have = size < 3 ? size : 3;
    uint32_t group = (uint32_t)in[0] << 16;
    if (have > 1) group |= (uint32_t)in[1] << 8;
    if (have > 2) group |= in[2];
    out[0] = digits[group >> 18];
    out[1] = digits[group >> 12 & 63];
    out[2] = have > 1 ? digits[group >> 6 & 63] : '=';
    out[3] = have > 2 ? digits[group & 63] : '=';
    in += have;
    size -= have;
  }
}

static int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

long grain_base64_decode(void* out, const char* text, size_t size) {
  unsigned char* to = out;
  if (size % 4 != 0) return -1;
  for (size_t at = 0; at < size; at += 4) {
    int last = at + 4 == size;
    int have = !last || text[at + 3] != '=' ? 3 : text[at + 2] != '=' ? 2 : 1;
    uint32_t group = 0;
    for (int i = 0; i < 4; i++) {
      int value = i <= have ? value_of(text[at + (size_t)i]) : 0;
      if (value < 0) return -1;
      group = group << 6 | (uint32_t)value;
    }
    /* Bits that no byte takes must be zero, or two texts would mean the same. */
    if (have < 3 && (group & (have == 2 ? 0xffu : 0xffffu)) != 0) return -1;
    for (int i = 0; i < have; i++) *to++ = (unsigned char)(group >> (16 - 8 * i));
  }
  return (long)(to - (unsigned char*)out);
}
