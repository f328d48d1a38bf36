import { LIBDEFLATE } from './libdeflate';
import { LODEPNG } from './lodepng';
import { PRISM } from './prism';
import type { Program } from './program';
import { TOML } from './toml';

export const PROGRAMS: readonly Program[] = [...LIBDEFLATE, ...LODEPNG, TOML, PRISM];
