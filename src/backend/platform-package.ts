// The packages that hold the addon, one for each platform of `scripts/targets.cjs`; npm installs the one that fits as an optional
// dependency. Their names are written out, in one `try`, so that bundlers find them and do not mind those that are absent.
import { describePlatform } from './platform';

/** Path of the addon in the package for this machine, in words for the user if there is none. */
export function platformPackage(): string {
  const platform = describePlatform();
  try {
    switch (platform) {
      case 'linux x64 glibc':
        return require.resolve('@aingle-wasm/binding-linux-x64-gnu');
      case 'linux x64 musl':
        return require.resolve('@aingle-wasm/binding-linux-x64-musl');
      case 'linux arm64 glibc':
        return require.resolve('@aingle-wasm/binding-linux-arm64-gnu');
      case 'linux arm64 musl':
        return require.resolve('@aingle-wasm/binding-linux-arm64-musl');
      case 'linux arm glibc':
        return require.resolve('@aingle-wasm/binding-linux-arm-gnueabihf');
      case 'darwin arm64':
        return require.resolve('@aingle-wasm/binding-darwin-arm64');
      case 'darwin x64':
        return require.resolve('@aingle-wasm/binding-darwin-x64');
      case 'win32 x64':
        return require.resolve('@aingle-wasm/binding-win32-x64-msvc');
    }
  } catch (error) {
    throw isNotFound(error) ? new Error(`not installed; ${howToInstall()}`) : error;
  }
  throw new Error(`none is made for ${platform}`);
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
}

/** The flags that make npm install it even from another machine. */
function howToInstall(): string {
  const [os, cpu, libc] = describePlatform().split(' ');
  const flags = [`--os=${os}`, `--cpu=${cpu}`, ...(libc === undefined ? [] : [`--libc=${libc}`])];
  return `run "npm install --include=optional ${flags.join(' ')}"`;
}
