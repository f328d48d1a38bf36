// Which of the declarations that TypeScript writes a user's compiler reads: those of the package's inner parts are most of them, and only make
// the download larger.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The declarations that are reached from one, itself included.
 *
 * @param {string} entry
 * @returns {Promise<Set<string>>} paths
 * @throws {Error} if one refers to a file that is not there
 */
export async function reachedDeclarations(entry) {
  const reached = new Set([entry]);
  // A set is walked in the order of insertion, with what is added meanwhile.
  for (const path of reached) {
    for (const next of await referredTo(path)) reached.add(next);
  }
  return reached;
}

async function referredTo(path) {
  const text = await readFile(path, 'utf8');
  return [...text.matchAll(/(?:from|import) ?\(?['"](\.[^'"]+)['"]/g)].map(([, name]) => {
    const aim = join(dirname(path), name.replace(/\.js$/, ''));
    const found = [`${aim}.d.ts`, join(aim, 'index.d.ts')].find((candidate) => existsSync(candidate));
    if (found === undefined) throw new Error(`${path} refers to ${name}, which has no declarations`);
    return found;
  });
}
