// Another process that is in the way of a store's writers.
'use strict';

const { Program } = require('./processes');

// Resolves once a process has the lock that writers need, until its end().
async function lock(store) {
  const locker = new Program('sqlite3', 'sqlite3', [store], { stdio: ['pipe', 'pipe', 'pipe'] });
  locker.child.stdin.write('.bail on\n.timeout 10000\nBEGIN IMMEDIATE;\nSELECT \'locked\';\n');
  await locker.line(/^locked$/);
  return locker;
}

module.exports = { lock };
