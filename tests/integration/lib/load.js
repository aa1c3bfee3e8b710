// A sender and a recipient under load, and the account of what was promised.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const mqtt = require('mqtt');
const env = require('./env');
const token = require('./token');
const { Mailbox } = require('./mailbox');

const kTick = 10; // ms between two bursts of the sender
const kMostUnconfirmed = 500; // messages: while the broker is away the sender waits in the end

// Connects with a persistent session, comes back by itself, and sends again what
// the broker has not confirmed (MQTT.js keeps it).
async function connect(user, port) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    clientId: token.unique(user),
    clean: false,
    username: 'JWT',
    password: await token.user(user),
    reconnectPeriod: 100,
    reconnectOnConnackError: true, // else one that is refused once does not come again
    connectTimeout: 5000,
  });
  client.on('error', () => {}); // the broker is away; the client tries again
  await once(client, 'connect', { signal: AbortSignal.timeout(10000) });
  return client;
}

class Load {
  // With `named` the sender gives each message an id, so that one that was sent again is
  // still the same message. `port` may be that of a proxy.
  static async start(perSecond, { named = false, port = env.mqttPort } = {}) {
    const load = new this(named);
    load.sender = token.unique('sender');
    load.recipient = token.unique('recipient');
    load.from = await connect(load.sender, port);
    load.to = await connect(load.recipient, port);
    load.from.on('connect', () => load.givenUp.splice(0).forEach((text) => load.send(text)));
    load.to.on('message', (topic, body) => load.arrive(JSON.parse(body.toString())));
    await load.to.subscribeAsync(`apps/${env.app}/users/${load.recipient}/messages/#`, { qos: 1 });
    load.run(perSecond);
    return load;
  }

  constructor(named) {
    this.named = named;
    this.sent = 0;
    this.confirmed = new Map(); // text that the broker has acknowledged -> when, as performance.now()
    this.givenUp = []; // texts that the client has dropped together with a connection
    this.arrived = new Map(); // text -> message ids
    this.progress = new Mailbox('load');
  }

  run(perSecond) {
    const began = Date.now();
    this.timer = setInterval(() => {
      const due = ((Date.now() - began) * perSecond) / 1000;
      while (this.sent < due && this.sent < this.confirmed.size + kMostUnconfirmed) this.send(`load ${this.sent++}`);
    }, kTick);
  }

  send(text) {
    const topic = `apps/${env.app}/outgoing/users/${this.sender}/messages/${this.recipient}/outgoing`;
    const draft = { text, attributes: null, ...(this.named && { client_message_id: text }) };
    this.from.publish(topic, JSON.stringify(draft), { qos: 1 }, (error) => {
      if (error) return this.giveUp(text, error);
      this.confirmed.set(text, performance.now());
      this.changed();
    });
  }

  giveUp(text, error) {
    if (!this.named) throw error;
    this.givenUp.push(text);
  }

  arrive({ text, message_id: id }) {
    if (!this.arrived.has(text)) this.arrived.set(text, new Set());
    this.arrived.get(text).add(id);
    this.changed();
  }

  changed() {
    for (const waiter of [...this.progress.waiters]) waiter();
  }

  // Waits until the broker has confirmed `count` messages, or `count` have arrived.
  untilConfirmed(count) {
    return this.progress.until(() => this.confirmed.size >= count, `${count} confirmed messages`, 60000);
  }

  untilArrived(count) {
    return this.progress.until(() => this.arrived.size >= count, `${count} arrived messages`, 60000);
  }

  // Sends no more, and waits until all that was sent is confirmed.
  async confirmAll() {
    clearInterval(this.timer);
    await this.untilConfirmed(this.sent);
  }

  close() {
    return Promise.all([this.from.endAsync(), this.to.endAsync()]);
  }

  // Ends whatever is under way.
  abandon() {
    clearInterval(this.timer);
    this.from.end(true);
    this.to.end(true);
  }

  // Sends no more, and waits until all that was sent is confirmed and has arrived.
  async finish() {
    await this.confirmAll();
    const missing = () => [...this.confirmed.keys()].filter((text) => !this.arrived.has(text));
    await this.progress.until(() => missing().length === 0, 'end of what was confirmed', 90000)
      .catch((error) => assert.fail(`${missing().length} of ${this.confirmed.size} confirmed messages did not arrive, as ${missing().slice(0, 5)}: ${error.message}`));
    await this.close();
  }

  // Everything that the broker has confirmed is in the store, for both users.
  async checkStore(server) {
    const rows = await server.rows(
      `SELECT json_extract(body, '$.text') AS text, copies.timeline AS timeline, max(status) AS status
       FROM messages JOIN copies USING (app, message_id)
       WHERE copies.timeline IN ('${this.sender}', '${this.recipient}') GROUP BY 1, 2`,
    );
    const stored = new Set(rows.map(({ text, timeline, status }) => `${timeline} ${status} ${text}`));
    for (const [timeline, status] of [[this.sender, 100], [this.recipient, 150]]) {
      const missing = [...this.confirmed.keys()].filter((text) => !stored.has(`${timeline} ${status} ${text}`));
      assert.deepEqual(missing.slice(0, 10), [], `${missing.length} are missing in the timeline of ${timeline}`);
    }
    assert.equal(stored.size, 2 * this.sent);
  }

  get repeated() {
    return [...this.arrived.values()].filter((ids) => ids.size > 1).length;
  }
}

module.exports = { Load };
