// Product of two n × n matrices of doubles, sum of its elements: nested loops, three loads and a store.
#include "kernel.h"
#define MAX 200
static double a[MAX * MAX], b[MAX * MAX], c[MAX * MAX];

EXPORT i32 run(i32 n) {
  if (n > MAX) n = MAX;
  for (i32 i = 0; i < n * n; i++) a[i] = i % 17 - 8, b[i] = i % 13 - 6;
  for (i32 i = 0; i < n; i++)
    for (i32 j = 0; j < n; j++) {
      double sum = 0;
      ROLLED
      for (i32 k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
  double total = 0;
  ROLLED
  for (i32 i = 0; i < n * n; i++) total += c[i] * (i % 7);
  return (i32)total;
}
