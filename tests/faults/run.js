// Runs the campaign against one engine; campaign.sh and test.sh start it. Appends a line of
// JSON for each fault to the file of the results.
//   node run.js --results FILE [--only FAULT]... [--quick] [--seed N]
//   node run.js --list
'use strict';

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const env = require('../integration/lib/env');
const { faultsOf, modesOf } = require('./all');
const { run } = require('./lib/campaign');

const { values: options } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    results: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Date.now() % 1000000) },
  },
});

function chosen() {
  const all = faultsOf(env.engine);
  if (options.only.length > 0) return all.filter(({ name }) => options.only.includes(name));
  return options.quick ? all.filter(({ quickTimes }) => quickTimes > 0) : all;
}

// Named by --only, a fault also runs when it has no short form.
const isShort = (fault) => options.quick && fault.quickTimes > 0;

function list() {
  for (const { name, title, quickTimes } of faultsOf(env.engine)) {
    console.log(`${env.engine.padEnd(9)} ${name.padEnd(20)} ${title}${quickTimes ? ' (also with --quick)' : ''}`);
  }
  return 0;
}

async function main() {
  const seed = Number(options.seed);
  let failures = 0;
  for (const fault of chosen()) {
    for (const mode of modesOf(env.engine, fault)) {
      const result = await run(fault, { engine: env.engine, mode, seed, quick: isShort(fault) });
      fs.appendFileSync(options.results, `${JSON.stringify(result)}\n`);
      const what = [fault.name, env.engine, ...(mode ? [mode] : [])].join(', ');
      console.log(`${result.ok ? 'ok    ' : 'FAILED'} ${what} (${result.seconds.toFixed(0)} s, seed ${seed})`);
      for (const problem of result.problems) console.log(`       ${problem.replaceAll('\n', '\n       ')}`);
      if (!result.ok) ++failures;
    }
  }
  return failures === 0 ? 0 : 1;
}

(options.list ? Promise.resolve(list()) : main()).then((status) => process.exit(status));
