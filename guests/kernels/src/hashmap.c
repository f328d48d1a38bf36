// A hash table of 64-bit keys with open addressing, n insertions and look-ups: 64-bit multiplication and masks.
#include "kernel.h"
#define SLOTS 65536u
typedef struct { u64 key; u32 count; } Slot;
static Slot slots[SLOTS];

static NOINLINE Slot *find(u64 key) {
  u64 hash = key * 0x9e3779b97f4a7c15ull;
  u32 at = (u32)(hash >> 48) & (SLOTS - 1);
  while (slots[at].count && slots[at].key != key) at = (at + 1) & (SLOTS - 1);
  return slots + at;
}

EXPORT i64 run(i32 n) {
  ROLLED
  for (u32 i = 0; i < SLOTS; i++) slots[i].count = 0;
  random_state = 0x9e3779b9u;
  u64 sum = 0;
  for (i32 i = 0; i < n; i++) {
    // At most 32,768 different keys: the table is never more than half full.
    u64 key = (u64)(next_random() % 32768u + 1) * 0x100000001b3ull;
    Slot *slot = find(key);
    slot->key = key, slot->count++;
    sum = sum * 31 + (key ^ slot->count);
  }
  return (i64)sum;
}
