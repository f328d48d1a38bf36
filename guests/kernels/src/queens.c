// Ways to place n queens: deep recursion over three bit sets.
#include "kernel.h"

static NOINLINE i32 place(u32 full, u32 columns, u32 left, u32 right) {
  if (columns == full) return 1;
  i32 ways = 0;
  for (u32 free = full & ~(columns | left | right); free; free &= free - 1) {
    u32 queen = free & -free;
    ways += place(full, columns | queen, (left | queen) << 1, (right | queen) >> 1);
  }
  return ways;
}

EXPORT i32 run(i32 n) {
  if (n < 0 || n > 16) return 0;
  return place((1u << n) - 1, 0, 0, 0);
}
