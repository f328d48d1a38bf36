// The Game of Life on a torus of 128 × 128 cells, n generations: many small loads, few branches.
#include "kernel.h"
#define SIDE 128
#define WRAP(at) ((at) & (SIDE - 1))
static u8 cells[2][SIDE][SIDE];

static NOINLINE void generation(const u8 from[SIDE][SIDE], u8 to[SIDE][SIDE]) {
  for (int y = 0; y < SIDE; y++) {
    const u8 *above = from[WRAP(y - 1)], *row = from[y], *below = from[WRAP(y + 1)];
    ROLLED
    for (int x = 0; x < SIDE; x++) {
      int west = WRAP(x - 1), east = WRAP(x + 1);
      int neighbours = above[west] + above[x] + above[east] + row[west] + row[east] + below[west] + below[x] + below[east];
      to[y][x] = neighbours == 3 || (row[x] && neighbours == 2);
    }
  }
}

EXPORT i32 run(i32 n) {
  random_state = 0x9e3779b9u;
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) cells[0][y][x] = next_random() >> 30 == 0;
  for (i32 i = 0; i < n; i++) generation(cells[i & 1], cells[(i + 1) & 1]);
  i32 alive = 0;
  for (int y = 0; y < SIDE; y++)
    ROLLED
    for (int x = 0; x < SIDE; x++) alive += cells[n & 1][y][x] * (x + 1);
  return alive;
}
