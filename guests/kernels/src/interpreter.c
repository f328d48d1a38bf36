// A small stack machine runs a loop of n rounds: one switch for each instruction, the shape of an interpreter.
#include "kernel.h"
enum { PUSH, ADD, SUB, MUL, XOR, SHL, DUP, SWAP, LOAD, STORE, JUMP_IF, HALT };
// a = 1; i = n; do { a = ((a * i ^ i) << 3) + 7; i = i - 1; } while (i);
static const u8 program[] = {PUSH, 1, STORE, 0, LOAD, 0, LOAD, 1, MUL, LOAD, 1, XOR, PUSH, 3, SHL, PUSH, 7, ADD, STORE, 0,
                             PUSH, 1, LOAD, 1, SWAP, SUB, DUP, STORE, 1, JUMP_IF, 4, HALT};
static u32 stack[16], variables[2];

EXPORT i32 run(i32 n) {
  u32 pc = 0, top = 0;
  variables[1] = n > 0 ? (u32)n : 1;
  for (;;) {
    switch (program[pc++]) {
      case PUSH: stack[top++] = program[pc++]; break;
      case ADD: top--, stack[top - 1] += stack[top]; break;
      case SUB: top--, stack[top - 1] -= stack[top]; break;
      case MUL: top--, stack[top - 1] *= stack[top]; break;
      case XOR: top--, stack[top - 1] ^= stack[top]; break;
      case SHL: top--, stack[top - 1] <<= stack[top] & 31; break;
      case DUP: stack[top] = stack[top - 1], top++; break;
      case SWAP: {
        u32 upper = stack[top - 1];
        stack[top - 1] = stack[top - 2], stack[top - 2] = upper;
        break;
      }
      case LOAD: stack[top++] = variables[program[pc++]]; break;
      case STORE: variables[program[pc++]] = stack[--top]; break;
      case JUMP_IF: pc = stack[--top] ? program[pc] : pc + 1; break;
      default: return (i32)variables[0];
    }
  }
}
