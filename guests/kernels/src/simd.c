// Vectors of four floats and of four integers: n × n matrix product by columns of four, then a mixing of its bits.
#include "kernel.h"
#define MAX 128
typedef float f32x4 __attribute__((vector_size(16)));
typedef u32 u32x4 __attribute__((vector_size(16)));
static float a[MAX * MAX];
static f32x4 b[MAX * MAX / 4], c[MAX * MAX / 4];

EXPORT i32 run(i32 n) {
  if (n > MAX) n = MAX;
  n &= ~3;
  i32 columns = n / 4;
  for (i32 i = 0; i < n * n; i++) a[i] = (float)(i % 17 - 8), ((float *)b)[i] = (float)(i % 13 - 6);
  for (i32 i = 0; i < n; i++)
    for (i32 j = 0; j < columns; j++) {
      f32x4 sum = {0, 0, 0, 0};
      ROLLED
      for (i32 k = 0; k < n; k++) sum += (f32x4){a[i * n + k], a[i * n + k], a[i * n + k], a[i * n + k]} * b[k * columns + j];
      c[i * columns + j] = sum;
    }
  u32x4 hash = {1, 2, 3, 4};
  ROLLED
  for (i32 i = 0; i < n * columns; i++) hash = (hash ^ (u32x4)c[i]) * 2654435761u + (hash >> 15);
  return (i32)(hash[0] ^ hash[1] ^ hash[2] ^ hash[3]);
}
