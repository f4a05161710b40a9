/* grain: four small tools for bytes and text, in plain C. Nothing here allocates or keeps state. */
#ifndef GRAIN_H
#define GRAIN_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 as in gzip, PNG and Ethernet. Start with crc 0; feed the result back to go on. */
uint32_t grain_crc32(uint32_t crc, const void* data, size_t size);

/* Base64 (RFC 4648). The encoded size of n bytes, without a terminating zero. */
size_t grain_base64_size(size_t n);
/* Writes grain_base64_size(size) characters. */
void grain_base64_encode(char* out, const void* data, size_t size);
/* Decodes strictly: bytes written (at most size / 4 * 3), or -1 if the text is not base64. */
long grain_base64_decode(void* out, const char* text, size_t size);

/* Code points in UTF-8 text (RFC 3629), or -1 at the first byte that is not UTF-8. */
long grain_utf8_length(const char* text, size_t size);

/* A queue of bytes in a buffer of the caller's. */
struct grain_ring {
  unsigned char* buffer;
  size_t capacity, first, size;
};
void grain_ring_init(struct grain_ring* ring, void* buffer, size_t capacity);
/* Both return how many bytes found room, or were there. */
size_t grain_ring_put(struct grain_ring* ring, const void* data, size_t size);
size_t grain_ring_take(struct grain_ring* ring, void* out, size_t size);

#endif
