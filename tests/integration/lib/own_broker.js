// The broker process of the embedded engine, as the system sees it.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { mustRun } = require('./processes');

async function processId(server) {
  const children = await mustRun('ps', ['-o', 'pid=,comm=', '--ppid', String(server.program.child.pid)]);
  const [, pid] = /^\s*(\d+) mosquitto$/m.exec(children) || assert.fail(`no broker among '${children}'`);
  return Number(pid);
}

// {now, peak} in MB.
function memory(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name) => Math.round(Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)[1]) / 1024);
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

// Of every file that it writes, from now on; null: no limit. What goes beyond fails.
const limitFiles = (pid, bytes) =>
  mustRun('prlimit', ['--pid', String(pid), `--fsize=${bytes === null ? 'unlimited' : bytes}:unlimited`]);

module.exports = { processId, memory, limitFiles };
