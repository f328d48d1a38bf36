// An LZ4-like compressor over 64 KiB, n times: hashing, unaligned loads, unpredictable branches, byte copies.
#include "kernel.h"
#define SIZE 65536
static u8 input[SIZE], output[2 * SIZE];
static u32 recent[4096];

static inline u32 word_at(u32 at) {
  u32 word;
  __builtin_memcpy(&word, input + at, 4);
  return word;
}
static void fill(void) {
  random_state = 0x9e3779b9u;
  for (u32 i = 0; i < SIZE; i++) input[i] = i % 97 < 60 ? (u8)('a' + i % 31) : (u8)(next_random() >> 24);
}
static NOINLINE u32 compress(void) {
  u32 out = 0, at = 0, literals = 0;
  ROLLED
  for (u32 i = 0; i < 4096; i++) recent[i] = 0;
  while (at + 12 < SIZE) {
    u32 word = word_at(at), slot = word * 2654435761u >> 20, match = recent[slot];
    recent[slot] = at;
    if (match >= at || word_at(match) != word) {
      at++;
      continue;
    }
    u32 length = 4;
    while (at + length < SIZE && input[match + length] == input[at + length]) length++;
    output[out++] = (u8)(at - literals);
    ROLLED
    for (; literals < at; literals++) output[out++] = input[literals];
    output[out++] = (u8)(at - match), output[out++] = (u8)((at - match) >> 8), output[out++] = (u8)length;
    at += length, literals = at;
  }
  return out;
}

EXPORT i32 run(i32 n) {
  fill();
  u32 hash = 0;
  for (i32 i = 0; i < n; i++) {
    input[i & (SIZE - 1)] ^= 1;
    u32 size = compress();
    hash = hash * 31 + size + output[size / 2];
  }
  return (i32)hash;
}
