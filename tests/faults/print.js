// Prints the results of a campaign as a table: node print.js FILE
'use strict';

const fs = require('node:fs');
const { table } = require('./lib/table');

const results = fs.readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => JSON.parse(line));
console.log(table(results));
if (results.some(({ engine }) => engine === 'embedded')) {
  console.log('\nOf RabbitMQ alone, since Mosquitto has nothing of the kind: memory and disk alarms, queues that are deleted, '
    + 'connections closed by order.');
}
const failed = results.filter(({ ok }) => !ok).length;
console.log(`\n${results.length - failed} passed, ${failed} failed; ${process.argv[2]} has all figures`);
