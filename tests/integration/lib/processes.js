// Child processes that do not outlive the tests.
'use strict';

const { spawn, execFile } = require('node:child_process');
const { once } = require('node:events');
const readline = require('node:readline');
const { Mailbox } = require('./mailbox');

const running = new Set();
const frozen = new Set(); // process ids
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const pid of frozen) thaw(pid);
});
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143]]) {
  process.on(signal, () => process.exit(status));
}

// Who stands still does not even end when told to: whatever is frozen goes on when the tests end.
function freeze(pid) {
  frozen.add(pid);
  process.kill(pid, 'SIGSTOP');
}

// It may have ended meanwhile.
function thaw(pid) {
  frozen.delete(pid);
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

// A program whose lines of output, stdout and stderr alike, are put into `lines`.
class Program {
  constructor(name, command, args, { onLine = () => {}, ...options } = {}) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.lines = new Mailbox(name);
    this.output = [];
    running.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      readline.createInterface({ input: stream }).on('line', (line) => {
        this.output.push(line);
        onLine(line);
        this.lines.put(line);
      });
    }
    // 'close' comes after the last line, 'exit' may come before.
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      running.delete(this.child);
      return { code, signal };
    });
  }

  line(pattern, patience) {
    return this.lines.take((line) => pattern.test(line), `line like ${pattern}`, patience);
  }

  async end(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.ended;
  }
}

// Runs a program to its end; resolves to { code, stdout, stderr } whatever it returns.
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { maxBuffer: 1 << 28, ...options },
      (error, stdout, stderr) => {
        running.delete(child);
        if (error && typeof error.code !== 'number') return reject(error);
        resolve({ code: error ? error.code : 0, stdout, stderr });
      },
    );
    running.add(child);
    if (options.input !== undefined) child.stdin.end(options.input);
  });
}

async function mustRun(command, args, options) {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ').slice(0, 200)}: status ${code}: ${stderr}${stdout}`);
  return stdout;
}

module.exports = { Program, run, mustRun, freeze, thaw };
