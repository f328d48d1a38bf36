// Why an addon could not be loaded, in words that say what to do.
import { basename } from 'node:path';
import { cLibrary, describePlatform } from './platform';

/** What Node and the platform's loader say, and what it means. The first that fits is taken. */
const CAUSES: readonly (readonly [RegExp, (match: RegExpMatchArray) => string])[] = [
  [
    /ERR_DLOPEN_DISABLED|ERR_ACCESS_DENIED/,
    () =>
      'this process may not load addons: start Node without --no-addons, and with --allow-addons under its permission model',
  ],
  [
    /version `GLIBC_([\d.]+)' not found/,
    ([, needed]) => `it needs glibc ${needed}, this system has ${cLibrary().version ?? 'another C library'}`,
  ],
  [
    /failed to map segment|cannot (?:apply additional memory protection|enable executable)|Operation not permitted/,
    () =>
      'this process may not run code from that file: its file system is mounted noexec, or a security policy forbids it',
  ],
  [/^([^/\s:]+): cannot open shared object/, ([, needed]) => `it needs the library ${needed}, which this system lacks`],
  [
    /ELF|file too short|Exec format|symbol not found|Error relocating|cannot open shared object/,
    ([said]) => `it is damaged or for another machine than ${describePlatform()} (${said})`,
  ],
];

/**
 * The reason of an attempt, one line without directories of this machine.
 *
 * @param path the addon's file, if it was found
 */
export function explain(error: unknown, path: string | undefined): string {
  const text = textOf(error);
  for (const [pattern, meaning] of CAUSES) {
    const match = text.match(pattern);
    if (match !== null) return meaning(match);
  }
  const line = text.split('\n')[0] ?? '';
  return path === undefined ? line : line.replaceAll(path, basename(path));
}

/** Node's code is part of it: the text alone differs between versions. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || code === 'ERR_DLOPEN_FAILED' ? error.message : `${code}: ${error.message}`;
}
