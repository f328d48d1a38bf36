// Primes up to n by the sieve of Eratosthenes: byte stores with a growing stride.
#include "kernel.h"
#define LIMIT 1000000
static u8 composite[LIMIT + 1];

EXPORT i32 run(i32 n) {
  if (n > LIMIT) n = LIMIT;
  i32 primes = 0;
  ROLLED
  for (i32 i = 0; i <= n; i++) composite[i] = 0;
  for (i32 i = 2; i <= n; i++) {
    if (composite[i]) continue;
    primes++;
    if (i > n / i) continue;
    ROLLED
    for (i32 j = i * i; j <= n; j += i) composite[j] = 1;
  }
  return primes;
}
