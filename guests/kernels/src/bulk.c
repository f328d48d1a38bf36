// Moves and fills of up to 16 KiB by single operators, n times: what bulk memory costs.
#include "kernel.h"
#define SIZE 65536
static u8 bytes[SIZE];

EXPORT i32 run(i32 n) {
  random_state = 0x9e3779b9u;
  for (u32 i = 0; i < SIZE; i++) bytes[i] = (u8)(i * 7);
  for (i32 i = 0; i < n; i++) {
    u32 from = next_random() % (SIZE / 2), to = next_random() % (SIZE / 2), length = next_random() % (SIZE / 4);
    __builtin_memmove(bytes + to, bytes + from, length);
    __builtin_memset(bytes + from + length / 2, (int)i, length / 64);
  }
  u32 hash = 0;
  ROLLED
  for (u32 i = 0; i < SIZE; i++) hash = hash * 31 + bytes[i];
  return (i32)hash;
}
