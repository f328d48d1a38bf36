// CRC-32 of 64 KiB, n times, by slicing: table look-ups and 64-bit loads.
#include "kernel.h"
#define SIZE 65536
static u32 table[8][256];
static u8 bytes[SIZE] __attribute__((aligned(8)));

static void prepare(void) {
  for (u32 i = 0; i < 256; i++) {
    u32 crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    table[0][i] = crc;
  }
  for (int slice = 1; slice < 8; slice++)
    for (u32 i = 0; i < 256; i++) table[slice][i] = table[slice - 1][i] >> 8 ^ table[0][table[slice - 1][i] & 255];
  for (u32 i = 0; i < SIZE; i++) bytes[i] = (u8)(i * 31 + (i >> 8));
}

EXPORT i32 run(i32 n) {
  prepare();
  u32 crc = ~0u;
  for (i32 round = 0; round < n; round++) {
    ROLLED
    for (u32 i = 0; i < SIZE; i += 8) {
      u64 word = *(const u64 *)(bytes + i);
      u32 low = (u32)word ^ crc, high = (u32)(word >> 32);
      crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
            table[3][high & 255] ^ table[2][high >> 8 & 255] ^ table[1][high >> 16 & 255] ^ table[0][high >> 24];
    }
  }
  return (i32)~crc;
}
