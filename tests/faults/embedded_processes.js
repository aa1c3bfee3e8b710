// What happens to the processes of the embedded engine: the server, and the broker that it
// looks after, in which messages are stored.
'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { Api } = require('../integration/lib/api');
const ownBroker = require('../integration/lib/own_broker');
const { freeze, thaw } = require('../integration/lib/processes');
const { kConnectionsEnd, kInHistory, kMostLost, kSentAgain } = require('./lib/embedded');

const kFrozen = 30000; // ms

// At any moment of its work, or of its start. The broker is asked to end when its server has
// ended, and the next server waits for that.
const killServer = {
  name: 'server-kill',
  title: 'kill -9 of the server',
  times: 20,
  quickTimes: 1,
  resends: kConnectionsEnd,
  mayLose: kMostLost,
  mayMissLive: kInHistory,
  mayReorder: kSentAgain,
  async inflict(scene) {
    await sleep(scene.random.between(20, 1500));
    await scene.kill(async () => {
      await scene.server.kill();
      scene.over();
    });
    await scene.server.start();
  },
};

// The more often, the longer the server waits before it starts it again.
const killBroker = {
  name: 'broker-kill',
  title: 'kill -9 of the broker',
  times: 20,
  quickTimes: 3,
  resends: kConnectionsEnd,
  mayLose: kMostLost,
  mayMissLive: kInHistory,
  mayReorder: kSentAgain,
  async inflict(scene) {
    const { random, server } = scene;
    await sleep(random.between(20, 1500));
    const pid = await ownBroker.processId(server);
    await scene.kill(() => process.kill(pid, 'SIGKILL'));
    await server.connected(60000); // by itself
  },
};

const freezeServer = {
  name: 'server-freeze',
  title: 'SIGSTOP of the server, 30 s',
  times: 1,
  async inflict(scene) {
    const { server, traffic } = scene;
    const { pid } = server.program.child;
    const began = performance.now();
    scene.defer(() => thaw(pid));
    freeze(pid);
    await sleep(kFrozen / 2);
    await traffic.untilNew(began + kFrozen / 4); // the broker serves without it
    await sleep(began + kFrozen - performance.now());
    thaw(pid);
  },
};

async function untilReady(api, status, patience) {
  for (const end = performance.now() + patience; ;) {
    const answer = await api.get('/ready');
    if (answer.status === status) return answer;
    assert.ok(performance.now() < end, `/ready does not answer ${status} within ${patience} ms, but ${JSON.stringify(answer.json)}`);
    await sleep(100);
  }
}

const freezeBroker = {
  name: 'broker-freeze',
  title: 'SIGSTOP of the broker, 30 s',
  times: 1,
  // Its time went on meanwhile.
  resends: 'a broker that goes on may take its store for stalled, and refuse a message',
  mayReorder: kSentAgain,
  prepare: async () => ({ environment: { HTTP_ENABLED: 'true' } }),
  async inflict(scene) {
    const { server } = scene;
    await server.serving();
    const api = new Api(server);
    const pid = await ownBroker.processId(server);
    const began = performance.now();
    scene.defer(() => thaw(pid));
    freeze(pid);
    const { json } = await untilReady(api, 503, 20000);
    scene.note(`/ready says after ${((performance.now() - began) / 1000).toFixed(1)} s: ${json.reasons.broker}`);
    await sleep(began + kFrozen - performance.now());
    thaw(pid);
    scene.over();
    await untilReady(api, 200, 20000);
    assert.equal(await ownBroker.processId(server), pid, 'the broker was started again');
  },
};

const kTooLong = 10; // seconds

const hangBroker = {
  name: 'broker-hangs',
  title: 'SIGSTOP of the broker, for ever',
  times: 2,
  resends: kConnectionsEnd,
  mayLose: kMostLost,
  mayMissLive: kInHistory,
  mayReorder: kSentAgain,
  prepare: async () => ({ environment: { BROKER_TIMEOUT: `${kTooLong}s` } }),
  async inflict(scene) {
    await sleep(scene.random.between(20, 1500));
    const pid = await ownBroker.processId(scene.server);
    scene.defer(() => thaw(pid));
    await scene.kill(async () => {
      freeze(pid);
      await scene.server.program.line(/it gave no sign of life for \d+ ms and was killed/, 60000);
    });
    await scene.server.connected();
    scene.note(`killed and started again with BROKER_TIMEOUT=${kTooLong}s`);
  },
};

module.exports = [killServer, killBroker, freezeServer, freezeBroker, hangBroker];
