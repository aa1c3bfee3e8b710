// The lines of results as a table in Markdown.
'use strict';

const kColumns = ['fault', 'engine', 'times', 'accepted', 'stored', 'missing', 'stored twice', 'repeated deliveries',
  'first new message', 'backlog drained', 'notes'];
const kNumbers = new Set(kColumns.slice(2, -1));

const seconds = (value) => (Number.isFinite(value) ? `${value.toFixed(1)} s` : '-');
const count = (value) => (value === undefined ? '-' : value.toLocaleString('en'));

const row = (result) => [
  result.title,
  result.mode ? `${result.engine}, ${result.mode}` : result.engine,
  count(result.times), count(result.accepted), count(result.stored), count(result.missing), count(result.twice), count(result.repeated),
  seconds(result.firstNew), seconds(result.drained),
  [...(result.ok ? [] : ['**FAILED**']), ...result.notes].join('; '),
];

const line = (cells) => `| ${cells.join(' | ')} |`;

const table = (results) => [
  line(kColumns),
  line(kColumns.map((column) => (kNumbers.has(column) ? '---:' : '---'))),
  ...results.map((result) => line(row(result))),
].join('\n');

module.exports = { table };
