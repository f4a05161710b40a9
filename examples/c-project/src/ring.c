#include <string.h>

#include "grain.h"

void grain_ring_init(struct grain_ring* ring, void* buffer, size_t capacity) {
  *ring = (struct grain_ring){buffer, capacity, 0, 0};
}

/* Bytes from `from` on before the buffer wraps round, at most `size`. */
static size_t until_wrap(const struct grain_ring* ring, size_t from, size_t size) {
  size_t room = ring->capacity - from;
  return size < room ? size : room;
}

size_t grain_ring_put(struct grain_ring* ring, const void* data, size_t size) {
  size_t room = ring->capacity - ring->size;
  if (size > room) size = room;
  if (size == 0) return 0;
  size_t from = (ring->first + ring->size) % ring->capacity;
  size_t part = until_wrap(ring, from, size);
  memcpy(ring->buffer + from, data, part);
  memcpy(ring->buffer, (const unsigned char*)data + part, size - part);
  ring->size += size;
  return size;
}

size_t grain_ring_take(struct grain_ring* ring, void* out, size_t size) {
  if (size > ring->size) size = ring->size;
  if (size == 0) return 0;
  size_t part = until_wrap(ring, ring->first, size);
  memcpy(out, ring->buffer + ring->first, part);
  memcpy((unsigned char*)out + part, ring->buffer, size - part);
  ring->first = (ring->first + size) % ring->capacity;
  ring->size -= size;
  return size;
}
