// What happens to RabbitMQ, or what its operator does with it.
'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const broker = require('../integration/lib/broker');
const { freeze, thaw } = require('../integration/lib/processes');
const { inHand } = require('./lib/rabbitmq');

const kConnectionsEnd = 'their connections end with the broker';
const kAlarm = 10000; // ms: shorter than the clients' patience for an answer to their pings

// Whatever a fault that failed has left.
async function revive() {
  if (!(await broker.runs())) await broker.start();
}

function down(name, title, more, end) {
  return {
    name,
    title,
    resends: kConnectionsEnd,
    ...more,
    async inflict(scene, i) {
      if (i === 0) scene.defer(revive);
      await sleep(scene.random.between(20, 1500));
      await end();
      await broker.start();
    },
  };
}

const freezeBroker = {
  name: 'broker-freeze',
  title: 'SIGSTOP of the broker, 30 s',
  times: 1,
  async inflict(scene) {
    scene.defer(broker.resume);
    await broker.pause();
    await sleep(30000);
    await broker.resume();
  },
};

// The broker reads no more from who publishes. The clients are the first; that the server has
// something to publish, too, it is held up a little before.
function alarm(name, title, raise, release) {
  return {
    name,
    title,
    times: 1,
    async inflict(scene) {
      const { server, traffic } = scene;
      scene.defer(() => broker.ctl(...release));
      freeze(server.program.child.pid);
      await traffic.untilAccepted(500);
      await broker.ctl(...raise);
      thaw(server.program.child.pid);
      await server.program.line(/asks publishers to wait/);
      await sleep(kAlarm);
      await broker.ctl(...release);
      scene.over();
      await server.program.line(/takes publishes again/);
    },
  };
}

// Messages in a queue, those in the hands of the server included.
async function lengthOf(queue) {
  const table = await broker.ctl('-q', '--no-table-headers', 'list_queues', 'name', 'messages');
  const [, length] = table.trim().split('\n').map((line) => line.split('\t')).find(([name]) => name === queue) ?? [];
  assert.match(length ?? '', /^\d+$/, `no queue ${queue} in: ${table}`);
  return Number(length);
}

// By order of the operator what is in the queue is gone, and what comes until the server has
// declared it again goes nowhere, though RabbitMQ acknowledges it: that may be missing.
const deleteQueue = {
  name: 'queue-delete',
  title: 'queue deleted while consuming',
  times: 1,
  mayMissLive: { why: 'what was stored and not published when the queue went is not offered again', most: inHand },
  async inflict(scene) {
    const { server, traffic } = scene;
    await sleep(scene.random.between(20, 1500));
    const counted = performance.now();
    const underWay = traffic.sum((pair) => pair.expected - pair.confirmed.size);
    const queued = await lengthOf('messages');
    const waiting = new Map(traffic.pairs.map((pair) => [pair, new Set([...pair.sentAt.keys()].filter((text) => !pair.arrivedAt.has(text)))]));
    const ordered = performance.now();
    await broker.ctl('delete_queue', 'messages');
    scene.over();
    await server.program.line(/its queue was deleted/);
    await server.connected();
    const back = performance.now();
    const sent = traffic.sum(({ sentAt }) => [...sentAt.values()].filter((when) => when > counted && when < back).length);
    scene.mostExcused = () => queued + underWay + sent;
    scene.excused = (pair, text) => waiting.get(pair).has(text) || (pair.sentAt.get(text) > ordered && pair.sentAt.get(text) < back);
  },
};

// Process ids of connections, as RabbitMQ has them.
async function connections(protocol) {
  const table = await broker.ctl('-q', '--no-table-headers', 'list_connections', 'pid', 'protocol');
  return table.trim().split('\n').map((line) => line.split('\t')).filter(([, name]) => name.includes(protocol)).map(([pid]) => pid);
}

const closeConnections = {
  name: 'connection-close',
  title: 'the server\'s connections closed by rabbitmqctl',
  times: 3,
  async inflict({ server }) {
    const pids = await connections('0,9,1');
    assert.ok(pids.length > 0, 'the server has no connection');
    for (const pid of pids) await broker.ctl('close_connection', pid, 'the test says so');
    await server.program.line(/lost the broker at .*the test says so/);
  },
};

const closeAll = {
  name: 'connections-close-all',
  title: 'all connections closed by rabbitmqctl, also the clients\'',
  times: 3,
  resends: 'their connections end, too',
  async inflict({ server }) {
    await broker.ctl('close_all_connections', 'the test says so');
    await server.program.line(/lost the broker at .*the test says so/);
  },
};

module.exports = [
  down('broker-kill', 'kill -9 of the broker', { times: 3 }, broker.kill),
  down('broker-stop', 'broker stopped in order', { times: 2 }, broker.stop),
  freezeBroker,
  alarm('memory-alarm', 'memory alarm of the broker, 10 s', ['set_vm_memory_high_watermark', '0.0001'], ['set_vm_memory_high_watermark', '0.4']),
  alarm('disk-alarm', 'disk alarm of the broker, 10 s', ['set_disk_free_limit', '1000000000000000'], ['set_disk_free_limit', '50MB']),
  deleteQueue,
  closeConnections,
  closeAll,
];
