// Near names for misspelt ones.

const MAX_NAMES = 3;
const MAX_LENGTH = 64;
/** A module may export tens of thousands of names; only so many are looked at. */
const MAX_CANDIDATES = 500;

/**
 * Up to three of `candidates` that look like `name`, the nearest first: names that differ in case or separators only, or within a
 * third of their length in single edits (insert, delete, replace, swap).
 */
export function suggest(name: string, candidates: Iterable<string>): string[] {
  const near: { candidate: string; distance: number }[] = [];
  let looked = 0;
  for (const candidate of candidates) {
    if (++looked > MAX_CANDIDATES) break;
    if (candidate.length > MAX_LENGTH || name.length > MAX_LENGTH || candidate === '') continue;
    const distance = plain(candidate) === plain(name) ? 0 : editDistance(name, candidate);
    if (distance <= allowed(name, candidate)) near.push({ candidate, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_NAMES)
    .map(({ candidate }) => candidate);
}

/** A third of the longer name; never as much as the shorter name's whole length, or every one-letter name would look alike. */
function allowed(a: string, b: string): number {
  const third = Math.max(1, Math.floor(Math.max(a.length, b.length) / 3));
  return Math.min(third, Math.min(a.length, b.length) - 1);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Edits from `a` to `b`, a swap of neighbours counted as one. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const best = Math.min(replace, last[j]! + 1, row[j - 1]! + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(swapped ? Math.min(best, beforeLast[j - 2]! + 1) : best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
