// What happens to the store and the clock of the embedded engine. Nobody but the senders has
// what is not stored: the broker refuses it.
'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const ownBroker = require('../integration/lib/own_broker');
const { lock } = require('../integration/lib/store_lock');
const { kSentAgain } = require('./lib/embedded');
const { clockBack } = require('./lib/store_trouble');

const kHeld = 3000; // ms that a fault goes on after the broker has noticed it
const kRefused = 'the broker ends the connection of whom it refuses';

// Not once while it is on the way: group takes what comes ahead of the store.
const full = {
  name: 'store-full',
  title: 'store on a full disk (RLIMIT_FSIZE)',
  times: 3,
  quickTimes: 1,
  resends: kRefused,
  mayReorder: kSentAgain,
  async inflict(scene) {
    const pid = await ownBroker.processId(scene.server);
    await ownBroker.limitFiles(pid, 4096);
    await scene.server.program.line(/refusing messages until the store works again/);
    await sleep(kHeld);
    await ownBroker.limitFiles(pid, null);
    scene.over();
    await scene.server.program.line(/the store works again/);
  },
};

const locked = {
  name: 'store-locked',
  title: 'store locked by another process',
  times: 2,
  resends: kRefused,
  mayReorder: kSentAgain,
  async inflict(scene) {
    const locker = await lock(scene.server.store);
    scene.defer(() => locker.end());
    await scene.server.program.line(/another process or Store has the lock/, 60000); // later than its own patience
    await sleep(kHeld);
    await locker.end();
    scene.over();
    await scene.server.program.line(/the store works again/);
  },
};

module.exports = [full, locked, clockBack('clock of server and broker an hour back')];
