// The load that a fault meets: senders and recipients in pairs, and what each of them knows.
'use strict';

const { Load } = require('../../integration/lib/load');
const { Mailbox } = require('../../integration/lib/mailbox');

const kPairs = 4;
const kPerSecond = 1500; // messages of all pairs together
const kTick = 10; // ms between two bursts of a sender
const kMostAtOnce = 100; // messages of a pair in a burst: the clients' own loop may be late
const kMostUnconfirmed = 500; // messages of a pair: while the broker is away the sender waits in the end
// Of a pair that may be on their way to the recipient: a machine that is too slow for this load
// would get ever further behind.
const kMostOnTheWay = 2500;
const kPatience = 180000; // ms for what takes seconds on a machine of its own
const kLast = 'the last one'; // text of the message that comes behind all others

const numberOf = (text) => (text === kLast ? undefined : Number(text.slice('load '.length)));

// Times are those of performance.now().
class Pair extends Load {
  constructor(named) {
    super(named);
    this.sentAt = new Map(); // text -> when it was sent first
    this.arrivedAt = new Map(); // text -> when it arrived first; in the order of arrival
    this.deliveries = 0; // to the recipient, repeats included
    this.newestArrived = 0; // when the newest of those that have arrived was sent
    this.lastArrived = 0; // the highest number of those that have arrived
    this.mostOnTheWay = kMostOnTheWay;
    this.breaks = 0; // of the sender's connection, before its end
    this.resent = 0; // messages that were sent again, or late: not confirmed when a connection was new
    this.missable = 0; // messages that were sent while the recipient may have missed them
    this.seen = undefined; // while the recipient is away: the highest number it had got
    this.closing = false;
    this.onArrival = () => {};
  }

  // A steady stream: what could not be sent while the broker was away is not made up for.
  run(perSecond) {
    let last = performance.now();
    let due = 0; // messages
    this.timer = setInterval(() => {
      const now = performance.now();
      due = Math.min(due + ((now - last) * perSecond) / 1000, kMostAtOnce);
      last = now;
      for (; due >= 1 && this.maySend(); --due) this.send(`load ${this.sent++}`);
    }, kTick);
  }

  maySend() {
    return this.sent < this.confirmed.size + kMostUnconfirmed && this.sent < this.lastArrived + this.mostOnTheWay;
  }

  send(text) {
    if (!this.sentAt.has(text)) this.sentAt.set(text, performance.now());
    super.send(text);
  }

  // Sent again after the next connect; whether that may be is up to the fault.
  giveUp(text) {
    this.givenUp.push(text);
  }

  arrive(message) {
    const { text } = message;
    ++this.deliveries;
    if (this.seen !== undefined) this.missable += this.sent - 1 - this.seen;
    this.seen = undefined;
    if (!this.arrivedAt.has(text)) {
      this.arrivedAt.set(text, performance.now());
      this.lastArrived = Math.max(this.lastArrived, numberOf(text) ?? 0);
      this.newestArrived = Math.max(this.newestArrived, this.sentAt.get(text) ?? 0);
    }
    super.arrive(message);
    this.onArrival();
  }

  watchConnection() {
    this.from.on('close', () => { if (!this.closing) ++this.breaks; });
    this.from.on('connect', () => { this.resent += this.expected - this.confirmed.size; });
    this.to.on('close', () => { this.seen ??= this.lastArrived; });
  }

  close() {
    this.closing = true;
    return super.close();
  }

  get expected() {
    return this.sentAt.size;
  }
}

class Traffic {
  // Half of the senders give their messages ids, or with `named` all of them do: whose
  // connection breaks sends again, and only so it is the same message. `port` is that of MQTT.
  static async start({ named = false, port, mostOnTheWay = kMostOnTheWay } = {}) {
    const traffic = new Traffic();
    for (let i = 0; i < kPairs; ++i) {
      const pair = await Pair.start(kPerSecond / kPairs, { named: named || i % 2 === 1, port });
      pair.mostOnTheWay = mostOnTheWay;
      pair.watchConnection();
      pair.onArrival = () => traffic.changed();
      traffic.pairs.push(pair);
    }
    return traffic;
  }

  constructor() {
    this.pairs = [];
    this.progress = new Mailbox('traffic');
  }

  changed() {
    for (const waiter of [...this.progress.waiters]) waiter();
  }

  sum(count) {
    return this.pairs.reduce((all, pair) => all + count(pair), 0);
  }

  get sent() {
    return this.sum(({ sent }) => sent);
  }

  get accepted() {
    return this.sum(({ confirmed }) => confirmed.size);
  }

  get resent() {
    return this.sum(({ resent }) => resent);
  }

  // What is sent again may come back to front, and be missed like what was sent first.
  get missable() {
    return this.sum(({ missable, resent }) => missable + resent);
  }

  get arrived() {
    return this.sum(({ arrived }) => arrived.size);
  }

  until(look, what, patience = kPatience) {
    return this.progress.until(look, what, patience)
      .catch((error) => { throw new Error(`${error.message}; ${this.accepted} of ${this.sent} accepted, ${this.arrived} arrived`); });
  }

  // Waits until `more` further messages have been accepted, in each pair.
  untilAccepted(more) {
    return Promise.all(this.pairs.map((pair) => {
      const count = pair.confirmed.size + more;
      return pair.progress.until(() => pair.confirmed.size >= count, `${more} more accepted messages`, kPatience);
    }));
  }

  // Waits until in each pair a message has arrived that was sent after `when`.
  untilNew(when) {
    return this.until(() => this.pairs.every(({ newestArrived }) => newestArrived > when), 'message after the fault that arrives');
  }

  // Resolves when the senders that are connected have read all that came before their
  // connections ended.
  untilClosed() {
    const connected = this.pairs.filter(({ from }) => from.connected);
    return Promise.all(connected.map(({ from }) => new Promise((resolve) => { from.once('close', resolve); })));
  }

  // Sends no more, and waits until everything is accepted and the last message of each pair
  // has arrived: it comes behind all others, so what is not there by now does not come.
  async finish() {
    await Promise.all(this.pairs.map(async (pair) => {
      clearInterval(pair.timer);
      await pair.progress.until(() => pair.confirmed.size === pair.expected, 'end of what was sent', kPatience)
        .catch((error) => { throw new Error(`${error.message}; ${pair.confirmed.size} of ${pair.expected} accepted`); });
      pair.send(kLast);
      await pair.progress.until(() => pair.arrivedAt.has(kLast), 'last message', kPatience)
        .catch((error) => { throw new Error(`${error.message}; ${pair.arrived.size} of ${pair.confirmed.size} arrived`); });
    }));
    await Promise.all(this.pairs.map((pair) => pair.close()));
  }

  // Ends whatever is under way.
  abandon() {
    this.pairs.forEach((pair) => pair.abandon());
  }
}

module.exports = { Pair, Traffic, kPatience };
