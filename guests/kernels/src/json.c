// Writes a JSON document, then reads it n times by recursive descent: branches, short loops, calls.
#include "kernel.h"
#define CAPACITY 65536
static char text[CAPACITY];
static u32 length, position, found;

static void put(const char *s) { while (*s) text[length++] = *s++; }
static void put_number(u32 value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10), value /= 10; while (value);
  while (count) text[length++] = digits[--count];
}
static void write_document(void) {
  length = 0, random_state = 0x9e3779b9u;
  put("[");
  while (length < CAPACITY - 400) {
    put("{\"id\": "), put_number(next_random());
    put(", \"name\": \"sensor \\\""), put_number(next_random() % 1000), put("\\\"\", \"ok\": true, \"tags\": [\"alpha\", \"beta\", null, false],\n");
    put("  \"position\": {\"x\": -"), put_number(next_random() % 100), put(".5, \"y\": "), put_number(next_random() % 9999), put("}},\n");
  }
  put("{}]");
}

static void skip_space(void) {
  while (position < length && (text[position] == ' ' || text[position] == '\n' || text[position] == ',' || text[position] == ':')) position++;
}
static NOINLINE void read_string(void) {
  u32 hash = 5381;
  for (position++; position < length && text[position] != '"'; position++) {
    if (text[position] == '\\') position++;
    hash = hash * 33 ^ (u8)text[position];
  }
  position++, found += hash;
}
static NOINLINE void read_number(void) {
  u32 value = 0;
  for (; position < length && (text[position] == '-' || text[position] == '.' || (u8)(text[position] - '0') < 10); position++)
    if ((u8)(text[position] - '0') < 10) value = value * 10 + (u32)(text[position] - '0');
  found += value;
}
static NOINLINE void read_value(u32 depth) {
  skip_space();
  char begin = position < length ? text[position] : 0;
  found += depth;
  switch (begin) {
    case '{':
    case '[':
      for (position++;;) {
        skip_space();
        if (position >= length || text[position] == '}' || text[position] == ']') break;
        read_value(depth + 1);
      }
      position++;
      break;
    case '"': read_string(); break;
    case 't': position += 4, found += 1; break;
    case 'f': position += 5, found += 2; break;
    case 'n': position += 4, found += 3; break;
    default: read_number();
  }
}

EXPORT i32 run(i32 n) {
  write_document();
  found = 0;
  for (i32 i = 0; i < n; i++) position = 0, read_value(0);
  return (i32)found;
}
