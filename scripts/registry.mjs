// A package registry on this machine for the install tests: the staged tarballs, and whatever is installed in node_modules, packed when it
// is asked for. Nothing is fetched from anywhere.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Some installers refuse what was published yesterday. */
const PUBLISHED = '2024-01-01T00:00:00.000Z';

/**
 * Starts the registry.
 *
 * @param {string} tarballs folder of the packages under test
 * @param {string} scratch folder for what is packed
 * @returns {Promise<{ url: string, asked: string[], close(): Promise<void> }>} `asked`: the names of packages that were asked for
 */
export async function startRegistry(tarballs, scratch) {
  await mkdir(scratch, { recursive: true });
  const packages = new Map([...(await installed(scratch)), ...(await staged(tarballs))]);
  const asked = [];
  let url = '';
  const server = createServer(async (request, response) => {
    const [name, file] = decodeURIComponent(request.url.slice(1)).split('/-/');
    asked.push(name);
    const versions = packages.get(name);
    if (versions === undefined) return void response.writeHead(404).end('{}');
    if (file !== undefined)
      return void response.end(await readFile(await versions.get(file.replace(/\.tgz$/, '')).pack()));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(await describe(name, versions, url)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${server.address().port}`;
  return { url, asked, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** What a registry says of a package. */
async function describe(name, versions, url) {
  const described = await Promise.all(
    [...versions].map(async ([version, { manifest, pack }]) => {
      const content = await readFile(await pack());
      const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
      const shasum = createHash('sha1').update(content).digest('hex');
      return [version, { ...manifest, dist: { tarball: `${url}/${name}/-/${version}.tgz`, integrity, shasum } }];
    }),
  );
  const latest = described.at(-1)[0];
  const time = Object.fromEntries([...versions.keys(), 'created', 'modified'].map((key) => [key, PUBLISHED]));
  return { name, 'dist-tags': { latest }, versions: Object.fromEntries(described), time };
}

/** Packages by name, then by version: the manifest, and a function that makes the tarball. */
async function staged(folder) {
  const packages = new Map();
  for (const file of await readdir(folder)) {
    const path = join(folder, file);
    const manifest = JSON.parse(await run('tar', ['-xzOf', path, 'package/package.json']));
    packages.set(manifest.name, new Map([[manifest.version, { manifest, pack: async () => path }]]));
  }
  return packages;
}

async function installed(scratch) {
  const { packages: places } = JSON.parse(await readFile(join(root, 'node_modules', '.package-lock.json'), 'utf8'));
  const packages = new Map();
  for (const place of Object.keys(places)) {
    const folder = join(root, place);
    const { devDependencies: _, ...manifest } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const versions = packages.get(manifest.name) ?? new Map();
    packages.set(manifest.name, versions.set(manifest.version, { manifest, pack: packer(folder, manifest, scratch) }));
  }
  return packages;
}

/** Packs once, and not before it is asked to. */
function packer(folder, { name, version }, scratch) {
  const path = join(scratch, `${name.replace('/', '+')}-${version}.tgz`);
  let packed;
  const pack = async () => {
    await run('tar', ['-czf', path, '--exclude=./node_modules', '--transform=s,^\\.,package,', '-C', folder, '.']);
    return path;
  };
  return () => (packed ??= pack());
}
