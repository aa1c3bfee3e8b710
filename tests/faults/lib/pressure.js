// Twice the messages that a slow store can take, and what becomes of memory and latency: while
// it lasts, and afterwards.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const broker = require('../../integration/lib/broker');
const engine = require('../../integration/lib/engine');
const env = require('../../integration/lib/env');
const ownBroker = require('../../integration/lib/own_broker');
const { Server } = require('../../integration/lib/server');
const { audit } = require('./audit');
const { SlowStore } = require('./slow_store');
const { Pair, Traffic } = require('./traffic');

const kHeld = 900; // ms of each second that the store is locked
const kLight = 100; // messages a second before and afterwards: the store keeps up with them
// Messages a second that are far more than go through: of RabbitMQ, which takes them all, fewer.
const kPlenty = { embedded: 4000, rabbitmq: 1500 };
const kCalibration = 'what the slow store takes'; // the first line fills whatever holds messages
const kLeastCalibration = 6; // seconds
const kPressure = 'twice as many';
const kProbes = 10; // messages a second whose way is timed
const kPrefetch = 256; // of the server with RabbitMQ
// MB that the process that observes may take beyond what it had before. The embedded engine
// keeps at most 64 MiB of messages for the store and 64 MiB of copies; with RabbitMQ the server
// keeps what it has prefetched. SQLite fills a cache of 32 MiB as the file grows.
const kMoreMemory = { embedded: 160, rabbitmq: 64 };
const kKeptMemory = 64; // MB of them that may be left afterwards
// The median of the probes afterwards, as a multiple of the one before; and what it may have
// been in any case, since on a busy machine both are random.
const kSlower = 3;
const kFast = 50; // ms

const percentile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[Math.round(share * (sorted.length - 1))];
};

const mean = (values) => values.reduce((all, value) => all + value, 0) / values.length;

class Pressure {
  // Times in seconds; `interval` is that of the lines of the table.
  constructor({ mode, seconds, interval, print = () => {} }) {
    Object.assign(this, { mode, seconds, interval, print });
    this.lines = [];
    this.problems = [];
    this.cleanups = [];
  }

  async run() {
    try {
      await this.start();
      await this.phase('before', kLight, this.interval);
      const before = this.lines.at(-1);
      const slow = await this.lock();
      await this.phase(kCalibration, kPlenty[env.engine], Math.max(2 * this.interval, kLeastCalibration));
      this.capacity = mean(this.lines.filter(({ name }) => name === kCalibration).slice(1).map(({ done }) => done));
      await this.phase(kPressure, Math.min(2 * this.capacity, kPlenty[env.engine]), this.seconds);
      this.judgePressure(before);
      await slow.stop();
      await this.drain();
      await this.phase('afterwards', kLight, this.interval);
      this.judgeRecovery(before, this.lines.at(-1));
      await this.finish();
    } finally {
      for (const cleanup of this.cleanups.reverse()) await cleanup();
    }
    return this;
  }

  must(holds, problem) {
    if (!holds) this.problems.push(problem);
  }

  async start() {
    const environment = {
      // Clients of this test are no slow ones: what they get is counted.
      ...(env.engine === 'embedded' ? { STORE_DURABILITY: this.mode, MQTT_MAX_QUEUED: '100000' } : { PREFETCH_MESSAGES: String(kPrefetch) }),
    };
    this.server = new Server({ environment });
    this.cleanups.push(() => this.server.kill()); // it has ended unless this fails
    await engine.clear();
    await this.server.start();
    this.traffic = await Traffic.start({ named: true });
    this.cleanups.push(() => this.traffic.abandon());
    this.offer(kLight);
    this.probe = await Pair.start(kProbes, { named: true });
    this.cleanups.push(() => this.probe.abandon());
    this.processes = env.engine === 'embedded'
      ? { server: this.server.program.child.pid, broker: await ownBroker.processId(this.server) }
      : { server: this.server.program.child.pid, broker: Number(fs.readFileSync(path.join(env.brokerDirectory, 'broker.pid'), 'utf8').split(' ')[0]) };
    await this.traffic.untilAccepted(kLight);
  }

  async lock() {
    const slow = await SlowStore.start(this.server.store, kHeld);
    this.cleanups.push(() => slow.program.end('SIGKILL'));
    return slow;
  }

  offer(perSecond) {
    for (const pair of this.traffic.pairs) {
      clearInterval(pair.timer);
      pair.run(perSecond / this.traffic.pairs.length);
    }
    this.offered = perSecond;
  }

  get done() {
    return this.traffic.sum(({ arrivedAt }) => arrivedAt.size);
  }

  async phase(name, perSecond, seconds) {
    this.offer(perSecond);
    for (const end = performance.now() + seconds * 1000; performance.now() < end - 100;) {
      await this.sample(name, Math.min(this.interval * 1000, end - performance.now()));
    }
  }

  async sample(name, time) {
    const [began, accepted, done] = [performance.now(), this.traffic.accepted, this.done];
    const [unsettled] = await Promise.all([this.unsettled(), sleep(time)]);
    const seconds = (performance.now() - began) / 1000;
    const probes = [...this.probe.arrivedAt].filter(([, when]) => when >= began).map(([text, when]) => when - this.probe.sentAt.get(text));
    const line = {
      name,
      offered: this.offered,
      accepted: (this.traffic.accepted - accepted) / seconds,
      done: (this.done - done) / seconds,
      backlog: this.traffic.sent - this.done,
      unsettled,
      server: ownBroker.memory(this.processes.server).now,
      broker: ownBroker.memory(this.processes.broker).now,
      p50: percentile(probes, 0.5),
      p99: percentile(probes, 0.99),
    };
    this.lines.push(line);
    this.print(line);
  }

  // Messages that RabbitMQ has handed out and that are not acknowledged to it.
  async unsettled() {
    if (env.engine !== 'rabbitmq') return undefined;
    const table = await broker.ctl('-q', '--no-table-headers', 'list_queues', 'name', 'messages_unacknowledged');
    return Number(/^messages\t(\d+)$/m.exec(table)[1]);
  }

  // Sends no more. Until everything that was sent has arrived.
  async drain() {
    const began = performance.now();
    for (const pair of this.traffic.pairs) clearInterval(pair.timer);
    await this.traffic.until(() => this.done === this.traffic.sent, 'end of the backlog', 60000 + this.seconds * 3000);
    this.drained = (performance.now() - began) / 1000;
    // Those that were sent before are on their way as long as the backlog was.
    const newest = performance.now();
    await this.probe.progress.until(() => this.probe.newestArrived > newest, 'probe of after the backlog', 60000);
  }

  observes(line) {
    return line[env.engine === 'embedded' ? 'broker' : 'server'];
  }

  judgePressure(before) {
    const under = this.lines.filter(({ name }) => name === kPressure);
    const most = Math.max(...under.map((line) => this.observes(line)));
    this.must(this.capacity > 0, 'nothing went through the slow store');
    this.must(most <= this.observes(before) + kMoreMemory[env.engine], `the observer's memory went from ${this.observes(before)} to ${most} MB`);
    if (env.engine === 'rabbitmq') {
      const handedOut = Math.max(...under.map(({ unsettled }) => unsettled));
      this.must(handedOut > 0 && handedOut <= kPrefetch, `${handedOut} messages are handed out and not acknowledged, of at most ${kPrefetch}`);
    } else {
      // Senders are slowed down, and none is sent away.
      const refusals = this.server.log('refusing messages');
      this.must(refusals.length === 0, `messages were refused: ${refusals[0]}`);
    }
    const least = Math.min(...under.map(({ backlog }) => backlog));
    this.must(least > kPrefetch, `only ${least} messages waited: this was no pressure`);
    const breaks = this.traffic.sum((pair) => pair.breaks);
    this.must(breaks === 0, `${breaks} connections of senders broke`);
  }

  judgeRecovery(before, after) {
    this.must(after.p50 <= Math.max(kSlower * before.p50, kFast), `a probe takes ${after.p50} ms, and took ${before.p50} ms before`);
    this.must(this.observes(after) <= this.observes(before) + kKeptMemory, `the observer keeps ${this.observes(after)} MB of memory, and had ${this.observes(before)} MB before`);
  }

  async finish() {
    this.traffic.pairs.push(this.probe);
    await this.traffic.finish();
    await this.server.stop();
    const found = await audit(this.server, this.traffic, { excused: () => false });
    assert.equal(found.accepted, this.traffic.accepted);
    this.must(found.missing === 0, `${found.missing} accepted messages are missing, as ${found.lost[0]?.name}`);
    this.must(found.notArrived === 0, `${found.notArrived} stored messages did not arrive`);
    this.problems.push(...found.problems);
    this.accepted = found.accepted;
  }
}

const kColumns = ['time', 'phase', 'offered/s', 'accepted/s', 'done/s', 'backlog', 'unacknowledged', 'server MB', 'broker MB', 'probe p50 ms', 'probe p99 ms'];
const row = (cells) => `| ${cells.join(' | ')} |`;
const head = [row(kColumns), row(kColumns.map((_, i) => (i === 1 ? '---' : '---:')))];

function rowOf(line, time) {
  const round = (value) => (value === undefined || Number.isNaN(value) ? '-' : Math.round(value).toLocaleString('en'));
  return row([time, line.name, ...['offered', 'accepted', 'done', 'backlog', 'unsettled', 'server', 'broker'].map((key) => round(line[key])),
    ...[line.p50, line.p99].map((value) => (Number.isNaN(value) ? '-' : value.toFixed(1)))]);
}

module.exports = { Pressure, head, rowOf };
