// Edit distance of two texts of 512 letters, n times: a row of numbers with three-way minima.
#include "kernel.h"
#define LENGTH 512
static u8 left[LENGTH], right[LENGTH];
static u32 row[LENGTH + 1];

static NOINLINE u32 distance(void) {
  ROLLED
  for (u32 j = 0; j <= LENGTH; j++) row[j] = j;
  for (u32 i = 0; i < LENGTH; i++) {
    u32 diagonal = row[0];
    row[0] = i + 1;
    ROLLED
    for (u32 j = 0; j < LENGTH; j++) {
      u32 best = diagonal + (left[i] != right[j]);
      diagonal = row[j + 1];
      if (diagonal + 1 < best) best = diagonal + 1;
      if (row[j] + 1 < best) best = row[j] + 1;
      row[j + 1] = best;
    }
  }
  return row[LENGTH];
}

EXPORT i32 run(i32 n) {
  random_state = 0x9e3779b9u;
  for (int i = 0; i < LENGTH; i++) left[i] = next_random() >> 28, right[i] = next_random() >> 28;
  u32 hash = 0;
  for (i32 i = 0; i < n; i++) {
    left[i & (LENGTH - 1)] ^= 1;
    hash = hash * 31 + distance();
  }
  return (i32)hash;
}
