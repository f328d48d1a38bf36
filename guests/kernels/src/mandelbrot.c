// Iterations over an n × n image of the Mandelbrot set: a loop of doubles with a data-dependent end.
#include "kernel.h"

EXPORT i32 run(i32 n) {
  i32 total = 0;
  for (i32 row = 0; row < n; row++)
    for (i32 column = 0; column < n; column++) {
      double cr = column * 3.0 / n - 2, ci = row * 2.0 / n - 1, zr = 0, zi = 0;
      i32 steps = 0;
      ROLLED
      while (steps < 200) {
        double r2 = zr * zr, i2 = zi * zi;
        if (r2 + i2 > 4) break;
        zi = 2 * zr * zi + ci, zr = r2 - i2 + cr, steps++;
      }
      total += steps;
    }
  return total;
}
