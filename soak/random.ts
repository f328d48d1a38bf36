// A small generator with a seed: the same points in every run.

/** Whole numbers from 0 on, below what each call asks for. */
export function randomNumbers(seed = 20_261_126): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}
