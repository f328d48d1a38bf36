import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Tests import the package by its name, as users do: the built entry, not the sources.
    alias: { 'aingle-wasm': fileURLToPath(new URL('index.mjs', import.meta.url)) },
  },
  test: {
    include: ['__test__/**/*.test.ts'],
    // A process for each file: a crash of native code is then one file's failure, and no file sees what another left behind.
    pool: 'forks',
    // Compiled guests may take their time on an emulated board; nothing here measures time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    server: { deps: { external: [/\/index\.m?js$/, /\/dist\//] } },
  },
});
