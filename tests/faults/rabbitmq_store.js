// What happens to the server's store and clock. Messages wait in RabbitMQ meanwhile.
'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const ownBroker = require('../integration/lib/own_broker');
const { lock } = require('../integration/lib/store_lock');
const { clockBack } = require('./lib/store_trouble');

const kHeld = 3000; // ms that a fault goes on after the server has noticed it

const full = {
  name: 'store-full',
  title: 'store on a full disk (RLIMIT_FSIZE)',
  times: 3,
  quickTimes: 1,
  async inflict(scene) {
    const { pid } = scene.server.program.child;
    await ownBroker.limitFiles(pid, 4096);
    await scene.server.program.line(/the store is away/);
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
  async inflict(scene) {
    const locker = await lock(scene.server.store);
    scene.defer(() => locker.end());
    await scene.server.program.line(/the store is away/); // later than its own patience
    await sleep(kHeld);
    await locker.end();
    scene.over();
    await scene.server.program.line(/the store works again/);
  },
};

module.exports = [full, locked, clockBack('clock of the server an hour back')];
