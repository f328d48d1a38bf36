// Writes readings.csv: a day of a greenhouse's sensors, 10,000 lines below the header, a few of them damaged as real files are.
// The same bytes on every machine and every run.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const LINES = 10_000;
const START = Date.UTC(2026, 2, 1);

/** Mean, daily swing, noise and decimals of each kind of sensor. */
const KINDS = {
  temperature: { mean: 21.5, swing: 6, noise: 0.4, decimals: 2 },
  humidity: { mean: 62, swing: -14, noise: 1.5, decimals: 1 },
  light: { mean: 12_000, swing: 11_500, noise: 300, decimals: 0 },
  soil: { mean: 0.31, swing: -0.02, noise: 0.004, decimals: 4 },
};
const SENSORS = ['house-1', 'house-2', 'house-3', 'nursery', 'roof'].flatMap((place) =>
  Object.entries(KINDS).map(([kind, shape]) => ({ id: `${place}/${kind}`, ...shape })),
);

/** What happens to lines on their way: a sensor restarts, a transmission ends early, a field is lost. One in 833 lines. */
const DAMAGES = [
  (sensor, time) => `${sensor},${time},NaN`,
  (sensor, time) => `${sensor},${time}`,
  (sensor, time, value) => `${sensor},${time.slice(0, 10)},${value}`,
  (_sensor, time, value) => `,${time},${value}`,
  (sensor, time, value) => `${sensor},${time},${value},${value}`,
  (sensor, time) => `${sensor},${time},ERR`,
];
const DAMAGED_EVERY = 833;

/**
 * The file's text. Lines end with a line feed.
 *
 * @param {number} [lines] readings, without the header
 */
export function makeReadings(lines = LINES) {
  const random = generator(42);
  const rows = ['sensor,timestamp,value'];
  for (let index = 0; index < lines; index += 1) rows.push(row(index, random));
  return `${rows.join('\n')}\n`;
}

function row(index, random) {
  const sensor = SENSORS[index % SENSORS.length];
  const seconds = Math.floor((index * 86_400) / LINES);
  const time = new Date(START + seconds * 1000).toISOString().replace('.000Z', 'Z');
  const value = reading(sensor, seconds, random).toFixed(sensor.decimals);
  if (index % DAMAGED_EVERY !== DAMAGED_EVERY - 1) return `${sensor.id},${time},${value}`;
  return DAMAGES[Math.floor(index / DAMAGED_EVERY) % DAMAGES.length](sensor.id, time, value);
}

/** Highest in the afternoon. A parabola instead of a sine, whose last bit may differ between engines. */
function reading({ mean, swing, noise }, seconds, random) {
  const fromPeak = Math.abs(((seconds / 86_400 + 0.9) % 1) - 0.5) * 2;
  return mean + swing * (1 - 2 * fromPeak * fromPeak) + noise * (random() + random() - 1);
}

/** Numbers from 0 to 1, exclusive, by xorshift32. */
function generator(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL('../build/readings.csv', import.meta.url));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, makeReadings());
  console.log(file);
}
