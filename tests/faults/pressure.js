// Puts one engine under pressure and prints what happens; pressure.sh starts it.
//   node pressure.js --seconds N --interval N [--mode MODE]
'use strict';

const { parseArgs } = require('node:util');
const { Pressure, head, rowOf } = require('./lib/pressure');

const { values: options } = parseArgs({
  options: { seconds: { type: 'string' }, interval: { type: 'string' }, mode: { type: 'string', default: 'group' } },
});

async function main() {
  const began = performance.now();
  const clock = () => {
    const seconds = Math.round((performance.now() - began) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };
  head.forEach((line) => console.log(line));
  const pressure = await new Pressure({
    mode: options.mode, seconds: Number(options.seconds), interval: Number(options.interval), print: (line) => console.log(rowOf(line, clock())),
  }).run();
  console.log(`\nbacklog drained in ${pressure.drained.toFixed(1)} s; ${pressure.accepted} messages accepted, all stored once and delivered`);
  pressure.problems.forEach((problem) => console.log(`FAILED: ${problem}`));
  return pressure.problems.length === 0 ? 0 : 1;
}

main().then((status) => process.exit(status), (error) => {
  console.error(error);
  process.exit(1);
});
