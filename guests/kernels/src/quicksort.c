// Sorts n numbers up, then down, through a comparison given as a pointer: indirect calls in the innermost loop.
#include "kernel.h"
#define MAX 100000
typedef i32 (*Compare)(u32, u32);
static u32 numbers[MAX];

static NOINLINE i32 ascending(u32 a, u32 b) { return a < b ? -1 : a > b; }
static NOINLINE i32 descending(u32 a, u32 b) { return a > b ? -1 : a < b; }
static Compare volatile orders[2] = {ascending, descending};

static NOINLINE void sort(u32 *values, i32 low, i32 high, Compare compare) {
  while (low < high) {
    u32 pivot = values[low + (high - low) / 2];
    i32 i = low, j = high;
    while (i <= j) {
      while (compare(values[i], pivot) < 0) i++;
      while (compare(values[j], pivot) > 0) j--;
      if (i > j) break;
      u32 swapped = values[i];
      values[i++] = values[j], values[j--] = swapped;
    }
    // Recurse into the smaller part: the depth stays logarithmic.
    if (j - low < high - i) sort(values, low, j, compare), low = i;
    else sort(values, i, high, compare), high = j;
  }
}

EXPORT i32 run(i32 n) {
  if (n > MAX) n = MAX;
  random_state = 0x9e3779b9u;
  for (i32 i = 0; i < n; i++) numbers[i] = next_random();
  u32 hash = 0;
  for (int order = 0; order < 2; order++) {
    sort(numbers, 0, n - 1, orders[order]);
    for (i32 i = 0; i < n; i++) hash = hash * 31 + numbers[i];
  }
  return (i32)hash;
}
