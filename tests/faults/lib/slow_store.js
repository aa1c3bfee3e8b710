// A store that is slow in reality: another process has its write lock most of the time.
'use strict';

const { Program } = require('../../integration/lib/processes');

const kTurn = 1000; // ms

class SlowStore {
  // Has the lock for `held` of each 1,000 ms, as soon as it gets it. Resolves with the first.
  static async start(store, held) {
    const slow = new SlowStore();
    slow.program = new Program('sqlite3', 'sqlite3', [store], { stdio: ['pipe', 'pipe', 'pipe'] });
    slow.send('.bail on\n.timeout 60000');
    slow.running = slow.run(held);
    await slow.program.line(/^locked$/);
    return slow;
  }

  send(line) {
    this.program.child.stdin.write(`${line}\n`);
  }

  // sqlite3 works through its lines one after the other, so it keeps the time itself.
  async run(held) {
    while (!this.stopped) {
      this.send('BEGIN IMMEDIATE;\nSELECT \'locked\';');
      this.send(`.shell sleep ${held / 1000}`);
      this.send('COMMIT;\nSELECT \'free\';');
      this.send(`.shell sleep ${(kTurn - held) / 1000}`);
      await this.program.line(/^free$/, 70000);
    }
  }

  async stop() {
    this.stopped = true;
    await this.running;
    await this.program.end();
  }
}

module.exports = { SlowStore };
