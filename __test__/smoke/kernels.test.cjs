// Seventeen programs: the results and the fuel that every backend on every machine must come to.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const FUEL = require('../conformance/kernels.fuel.json');
const { backends, Engine, guest } = require('./package.cjs');

const KERNELS = JSON.parse(guest('kernels', 'kernels.json'));

/** JSON has no bigints: they are written as text. */
const values = (list) => list.map((value) => (typeof value === 'string' ? BigInt(value) : value));

for (const backend of backends) {
  const engine = new Engine({ backend });
  for (const { name, file, export: exported, args, result } of KERNELS) {
    test(`${name} on ${backend}`, () => {
      const instance = engine.compileSync(guest('kernels', file)).instantiateSync();
      assert.deepEqual([instance.exports[exported](...values(args))], values([result]));
      assert.equal(instance.fuelUsed, BigInt(FUEL[name]));
      instance.close();
    });
  }
}
