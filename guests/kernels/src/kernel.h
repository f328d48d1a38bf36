// What every kernel has: fixed-width names, one export, and a generator of numbers that is the same everywhere.
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#ifdef __wasm__
#define EXPORT __attribute__((export_name("run")))
#else
#define EXPORT
#endif
#define NOINLINE __attribute__((noinline))
// Loops stay loops: the shape that was written is the shape that is metered.
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")

// xorshift32
static u32 random_state = 0x9e3779b9u;
static inline u32 next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}
