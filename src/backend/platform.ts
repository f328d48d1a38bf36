// The machine that this process runs on, as far as it decides which addon fits.
import { machine } from 'node:os';

/** 32-bit ARM that can run code for ARMv7: a 64-bit kernel with a 32-bit Node is one of them. */
const ARMV7 = /^(armv[78]|aarch64)/;

interface CLibrary {
  /** Undefined where there is only one. */
  readonly libc: 'glibc' | 'musl' | undefined;
  /** Of glibc. */
  readonly version: string | undefined;
}

let library: CLibrary | undefined;

/** What this machine is called in messages and by the platform packages, such as `linux arm64 glibc`. */
export function describePlatform(): string {
  return [process.platform, process.arch, cLibrary().libc].filter((part) => part !== undefined).join(' ');
}

/**
 * Why code for ARMv7 must not be tried here. An older processor would end the process at the first instruction it does not know, and
 * nothing could catch that. The kernel is asked: `process.arch` is `arm` for all, and /proc/cpuinfo calls a Pi Zero "7".
 */
export function oldArm(): string | undefined {
  if (process.arch !== 'arm' || ARMV7.test(machine())) return undefined;
  return `this processor is ${machine()}, the addon needs ARMv7 (Raspberry Pi 2 or newer)`;
}

/** The C library of this process, found once: a report takes some milliseconds. */
export function cLibrary(): CLibrary {
  library ??= process.platform === 'linux' ? fromReport() : { libc: undefined, version: undefined };
  return library;
}

/** Without `excludeNetwork` a report looks up the names of all open sockets, which can take minutes. */
function fromReport(): CLibrary {
  const settings = process.report as unknown as { excludeNetwork: boolean };
  const before = settings.excludeNetwork;
  settings.excludeNetwork = true;
  try {
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    const version = report.header?.glibcVersionRuntime;
    return { libc: version === undefined ? 'musl' : 'glibc', version };
  } finally {
    settings.excludeNetwork = before;
  }
}
