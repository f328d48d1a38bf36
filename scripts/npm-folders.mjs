// `npm run npm-folders`: writes npm/, the manifests and READMEs of the platform packages, from the rows of targets.cjs. They are
// committed, so that a change of what is published shows in a diff.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { napi, napiConfig } from './napi.mjs';

const { TARGETS } = createRequire(import.meta.url)('./targets.cjs');
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Writes one folder for each row into `folder`, instead of what was there.
 *
 * @param {string} folder
 */
export async function writeNpmFolders(folder) {
  const project = join(root, 'target', 'npm-folders');
  await rm(project, { recursive: true, force: true });
  await mkdir(project, { recursive: true });
  await cp(join(root, 'package.json'), join(project, 'package.json'));
  await writeFile(join(project, 'napi.json'), JSON.stringify(napiConfig(TARGETS)));
  await napi(project, ['create-npm-dirs']);
  for (const target of TARGETS) await complete(target, join(project, 'npm', target.name));
  await rm(folder, { recursive: true, force: true });
  await cp(join(project, 'npm'), folder, { recursive: true });
}

/** What the CLI does not write. Its keywords are those of the main package, under which nobody should find a part of it. */
async function complete(target, folder) {
  const path = join(folder, 'package.json');
  const { keywords, ...manifest } = JSON.parse(await readFile(path, 'utf8'));
  const complete = {
    ...manifest,
    description: `The addon of aingle-wasm for ${describe(target)}.`,
    ...(target.libc && { libc: [target.libc] }),
    // Yarn would leave it in an archive, from which no system loads a library.
    preferUnplugged: true,
  };
  await writeFile(path, `${JSON.stringify(complete, null, 2)}\n`);
  await writeFile(join(folder, 'README.md'), readme(target, manifest.name));
}

function readme(target, name) {
  return `# ${name}

The addon of [aingle-wasm](https://www.npmjs.com/package/aingle-wasm) for ${describe(target)}, with ${engines(target)}.
npm installs it together with aingle-wasm where it fits. Do not depend on it: its version must be that of aingle-wasm.

${STATUS[target.status]}
`;
}

const STATUS = {
  tested: 'The whole test suite runs on this platform.',
  emulated: 'The test suite runs on this platform under emulation.',
  untested: 'Nobody has run the tests on this platform yet.',
};

const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };
const PROCESSORS = {
  x64: 'x86-64',
  arm64: 'ARM64',
  arm: '32-bit ARM: ARMv7 with VFPv3, that is Raspberry Pi 2 or newer and not Raspberry Pi 1 or Zero',
};

function describe({ platform, arch, libc, glibc }) {
  const library = glibc === undefined ? libc : `glibc ${glibc} or newer`;
  return [`${SYSTEMS[platform]} on ${PROCESSORS[arch]}`, library].filter((part) => part !== undefined).join(', ');
}

function engines({ engines: inside }) {
  return inside.length === 1 ? `the engine ${inside[0]}` : `the engines ${inside.join(' and ')}`;
}

if (argv[1] === fileURLToPath(import.meta.url)) await writeNpmFolders(join(root, 'npm'));
