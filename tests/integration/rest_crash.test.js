// Server and broker end at any moment: what was answered with success has happened.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { Api } = require('./lib/api');
const broker = require('./lib/broker');
const engine = require('./lib/engine');
const { Server } = require('./lib/server');
const token = require('./lib/token');

// What the embedded engine promises to hold then; RabbitMQ does always.
const kNothingLost = { STORE_DURABILITY: 'strict' };

// Somebody who changes a group and sends, again and again, and keeps account of what was answered.
class Worker {
  constructor(server, name, jwt) {
    this.api = new Api(server, jwt);
    this.user = name;
    this.group = token.unique('group-crash');
    this.promised = { name: undefined, members: new Set([name]), texts: [], blocks: new Set() };
    this.tried = { names: new Set(), members: new Set(), texts: new Set() };
    this.answers = 0;
  }

  // Resolves to whether it was answered with success; the server may be away.
  async ask(method, target, body) {
    try {
      const { status } = await this.api.request(method, target, { body });
      if (status < 300) ++this.answers;
      return status < 300;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return false; // no connection, or it broke
    }
  }

  async create() {
    assert.ok(await this.ask('POST', '/api/tilechat/groups', { group_name: 'first', group_id: this.group, group_members: {} }));
  }

  async run(until) {
    for (let round = 0; !until(); ++round) {
      const name = `name ${round}`;
      this.tried.names.add(name);
      if (await this.ask('PUT', `/api/tilechat/groups/${this.group}`, { group_name: name })) {
        this.promised.name = name;
        this.tried.names.clear();
      }
      const member = `${this.user}-member${round}`;
      this.tried.members.add(member);
      if (await this.ask('POST', `/api/tilechat/groups/${this.group}/members`, { member_id: member })) this.promised.members.add(member);
      const text = `text ${round}`;
      const draft = { sender_fullname: 'W', recipient_id: `${this.user}-friend`, recipient_fullname: 'F', text };
      this.tried.texts.add(text);
      if (await this.ask('POST', `/api/tilechat/messages${round % 2 ? '/sync' : ''}`, draft)) this.promised.texts.push(text);
      if (await this.ask('PUT', `/api/tilechat/${this.user}/blocks/other${round}`)) this.promised.blocks.add(`other${round}`);
    }
  }

  // What was answered is there; what was not may be.
  async check() {
    const { json } = await this.api.get(`/api/tilechat/groups/${this.group}`);
    const { name, members } = json.result;
    assert.ok(name === this.promised.name || this.tried.names.has(name), `the name is '${name}', promised was '${this.promised.name}'`);
    const missing = [...this.promised.members].filter((member) => !members[member]);
    assert.deepEqual(missing, [], 'members');
    const unknown = Object.keys(members).filter((member) => !this.promised.members.has(member) && !this.tried.members.has(member));
    assert.deepEqual(unknown, [], 'members');
    const texts = await this.texts();
    assert.deepEqual(this.promised.texts.filter((text) => !texts.has(text)), [], 'messages');
    assert.deepEqual([...texts].filter((text) => !this.tried.texts.has(text)), [], 'messages');
    const blocks = (await this.api.get(`/api/tilechat/${this.user}/blocks`)).json.result.map(({ user_id: id }) => id);
    assert.deepEqual([...this.promised.blocks].filter((id) => !blocks.includes(id)), [], 'blocks');
  }

  async texts() {
    const texts = new Set();
    for (let before = ''; ;) {
      const { json } = await this.api.get(`/api/tilechat/${this.user}/conversations/${this.user}-friend/messages${before}`);
      if (json.result.length === 0) return texts;
      json.result.forEach(({ text }) => texts.add(text));
      before = `?before=${json.result.at(-1).message_id}`;
    }
  }
}

async function workers(server, count) {
  const all = await Promise.all(Array.from({ length: count }, async (_, i) => {
    const name = token.unique(`worker${i}`);
    return new Worker(server, name, await token.user(name));
  }));
  await Promise.all(all.map((worker) => worker.create()));
  return all;
}

const answers = (all) => all.reduce((sum, worker) => sum + worker.answers, 0);

// Waits until `more` further answers have been given. Those who work make the event loop turn.
async function untilAnswered(all, more) {
  const goal = answers(all) + more;
  const deadline = Date.now() + 60000;
  while (answers(all) < goal) {
    assert.ok(Date.now() < deadline, `only ${answers(all)} of ${goal} answers`);
    await all[0].ask('GET', '/health');
    await new Promise(setImmediate);
  }
}

describe('While groups are changed and messages sent over HTTP', { timeout: 240000 }, () => {
  it('kill -9 of the server takes back nothing that was answered', async (t) => {
    const server = await Server.start({ http: true, environment: kNothingLost });
    t.after(() => server.kill()); // it has ended unless this fails
    const all = await workers(server, 4);
    let ended = false;
    const work = Promise.all(all.map((worker) => worker.run(() => ended)));
    for (let kill = 0; kill < 4; ++kill) {
      await untilAnswered(all, 200);
      await server.kill();
      await server.start();
    }
    await untilAnswered(all, 100);
    ended = true;
    await work;
    // Behind everything that is still in the queue.
    for (const worker of all) assert.ok(await worker.ask('PUT', `/api/tilechat/${worker.user}/blocks/last`));
    for (const worker of all) await worker.check();
    t.diagnostic(`${answers(all)} answers, 4 kills`);
    await server.stop();
  });

  it('SIGTERM answers what has arrived, and ends with status 0', async (t) => {
    const server = await Server.start({ http: true, environment: kNothingLost });
    t.after(() => server.kill());
    const all = await workers(server, 4);
    let ended = false;
    const work = Promise.all(all.map((worker) => worker.run(() => ended)));
    await untilAnswered(all, 100);
    await server.stop();
    ended = true;
    await work;
    await server.start();
    for (const worker of all) assert.ok(await worker.ask('PUT', `/api/tilechat/${worker.user}/blocks/last`));
    for (const worker of all) await worker.check();
    await server.stop();
  });
});

describe('While the broker is away', { timeout: 120000, skip: !engine.brokerIsApart }, () => {
  it('sending is answered with an error, /ready says why, reading works; then all is well again', async (t) => {
    const server = await Server.start({ http: true, environment: { HTTP_APPLY_TIMEOUT: '1s' } });
    t.after(() => server.kill()); // it has ended unless this fails
    const name = token.unique('ann');
    const api = new Api(server, await token.user(name));
    const draft = { sender_fullname: 'A', recipient_id: 'bob', recipient_fullname: 'B', text: 'now?' };
    await ready(api);

    await broker.stop();
    const sent = await api.post('/api/tilechat/messages', draft);
    assert.equal(sent.status, 404);
    assert.equal(sent.json.success, false);
    assert.equal((await api.post('/api/tilechat/groups', { group_name: 'G', group_members: {} })).status, 500);
    assert.equal((await api.delete('/api/tilechat/conversations/bob')).status, 500);
    const { status: well, json: why } = await api.get('/ready');
    assert.equal(well, 503);
    assert.match(JSON.stringify(why.reasons), /broker/);
    assert.equal((await api.get('/health')).status, 200);
    assert.equal((await api.get(`/api/tilechat/${name}/conversations`)).status, 200);

    await broker.start();
    await server.connected(60000);
    await ready(api);
    const { status, json } = await api.post('/api/tilechat/messages/sync', draft);
    assert.equal(status, 200);
    assert.equal(json.message.text, 'now?');
    await server.stop();
  });

  // The API's own connection comes by itself, perhaps later than the observer's.
  async function ready(api) {
    const deadline = Date.now() + 30000;
    let answer;
    do {
      answer = await api.get('/ready');
    } while (answer.status !== 200 && Date.now() < deadline);
    assert.equal(answer.status, 200, answer.text);
  }
});
