// Clients of the embedded engine that are hostile, deaf or very many, and disks that are
// full: whatever they do, the broker lives on, says so, and serves the others.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const { describe, it, before, after } = require('node:test');
const { setTimeout: pause } = require('node:timers/promises');
const mqtt = require('mqtt');
const { Api } = require('./lib/api');
const { ChatClient } = require('./lib/client');
const env = require('./lib/env');
const ownBroker = require('./lib/own_broker');
const { freeze, mustRun, thaw } = require('./lib/processes');
const raw = require('./lib/raw');
const rawMqtt = require('./lib/raw_mqtt');
const rawWebSocket = require('./lib/raw_websocket');
const { Server } = require('./lib/server');
const { lock } = require('./lib/store_lock');
const token = require('./lib/token');

// Each client is a file of ours and one of the broker's. Node has raised its limit to the most.
const [, files] = /^Max open files\s+\d+\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'));
const outgoing = (from, to) => `apps/${env.app}/outgoing/users/${from}/messages/${to}/outgoing`;

// Two who talk to each other over WebSocket while others misbehave.
async function makePair() {
  const [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => ChatClient.connect(token.unique(name))));
  let count = 0;
  return {
    ann,
    bob,
    async talk() {
      const text = `still served ${++count}`;
      await ann.send(bob.user, text);
      await bob.message(text);
    },
    close: () => Promise.all([ann.close(), bob.close()]),
  };
}

// Sends the bytes and waits for the end of the connection, however it ends.
async function sendAndPart(socket, bytes) {
  const closed = new Promise((resolve) => { socket.once('close', resolve); });
  socket.resume();
  socket.end(bytes);
  await closed;
}

// Until `holds` resolves to something; asked again and again, for nobody would tell us.
async function eventually(holds, what, patience = 20000) {
  for (const end = Date.now() + patience; ;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) assert.fail(`not within ${patience} ms: ${what}`);
    await pause(50);
  }
}

// A sender who tells what was acknowledged, and does not come back by itself.
async function connectSender(user) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${env.mqttPort}`, {
    clientId: token.unique(user), username: 'JWT', password: await token.user(user), reconnectPeriod: 0,
  });
  client.on('error', () => {}); // 'close' follows
  await once(client, 'connect', { signal: AbortSignal.timeout(20000) });
  return client;
}

// True once it is acknowledged, false if the broker closes the connection instead.
function acknowledged(client, topic, body) {
  return new Promise((resolve) => {
    const closed = () => resolve(false);
    client.once('close', closed);
    client.publish(topic, JSON.stringify(body), { qos: 1 }, (error) => {
      client.removeListener('close', closed);
      resolve(!error);
    });
  });
}

describe('The embedded engine', { timeout: 300000 }, () => {
  let server, pair;
  const begin = async (environment = {}) => {
    server = await Server.start({ http: true, environment });
    pair = await makePair();
  };
  const end = async () => {
    await pair.close();
    await server.stop();
  };

  describe('with clients that subscribe and never read', () => {
    before(() => begin({ MQTT_MAX_QUEUED: '100' }));
    after(end);

    it('keeps a bounded number of messages for each', async (t) => {
      const kDeaf = 16;
      const kMessages = 6000; // of 8 kB: 48 MB for each of them, far more than sockets take
      const kMostMegabytes = 200;
      const user = token.unique('deaf');
      const password = await token.user(user);
      const sockets = [];
      for (let i = 0; i < kDeaf; ++i) {
        sockets.push(await rawMqtt.deaf(env.mqttPort, password, `apps/${env.app}/users/${user}/#`, i % 2));
      }
      const from = token.unique('sender');
      const sender = await connectSender(from);
      const body = JSON.stringify({ text: 'x'.repeat(8000) });
      let sent = 0;
      await Promise.all(Array.from({ length: 50 }, async () => {
        while (sent++ < kMessages) await sender.publishAsync(outgoing(from, user), body, { qos: 1 });
      }));
      await pair.talk();
      const memory = ownBroker.memory(await ownBroker.processId(server));
      t.diagnostic(`memory of the broker: ${memory.now} MB, at most ${memory.peak} MB`);
      assert.ok(memory.peak < kMostMegabytes, `the broker took ${memory.peak} MB`);
      sockets.forEach((socket) => socket.destroy());
      await sender.endAsync();
    });
  });

  describe('with idle clients', () => {
    const kIdle = Math.min(10000, Number(files) - 2000);
    const kOthers = 10; // Ann, Bob, the server itself, and a few to spare
    before(() => begin({ MQTT_MAX_CONNECTIONS: String(kIdle + kOthers) }));
    after(end);

    it(`serves others beside ${kIdle}, and refuses those beyond the limit`, async (t) => {
      const password = await token.user(token.unique('idle'));
      const pid = await ownBroker.processId(server);
      const alone = ownBroker.memory(pid).now;
      const sockets = [];
      let begun = 0;
      const fill = async () => {
        while (begun++ < kIdle) sockets.push(await rawMqtt.connect(env.mqttPort, password));
      };
      await Promise.all(Array.from({ length: 100 }, fill));
      await pair.talk();
      t.diagnostic(`${sockets.length} idle: ${ownBroker.memory(pid).now} MB, ${alone} MB without`);
      let refused = 0;
      while (refused === 0 && sockets.length < kIdle + 2 * kOthers + 100) {
        await rawMqtt.connect(env.mqttPort, password).then((socket) => sockets.push(socket), () => ++refused);
      }
      assert.equal(refused, 1, `${sockets.length} are connected`);
      await pair.talk();
      sockets.forEach((socket) => socket.destroy());
      const again = await eventually(() => rawMqtt.connect(env.mqttPort, password).catch(() => null), 'room for another');
      again.destroy();
    });

    it('over WebSocket takes little memory for each', async (t) => {
      const kMany = kIdle / 2;
      const kMostKilobytes = 64; // of each: far less than a buffer of a message for each direction
      const password = await token.user(token.unique('idle'));
      const alone = ownBroker.memory(server.program.child.pid).now;
      const sockets = [];
      let begun = 0;
      const fill = async () => {
        while (begun++ < kMany) {
          const socket = await rawWebSocket.connect(env.webSocketPort);
          sockets.push(socket);
          socket.write(rawWebSocket.frame(2, rawMqtt.connectPacket(password)));
          const [bytes] = await once(socket, 'data', { signal: AbortSignal.timeout(20000) });
          assert.deepEqual([...bytes], [0x82, 4, 0x20, 2, 0, 0]); // a CONNACK in a frame
        }
      };
      await Promise.all(Array.from({ length: 50 }, fill));
      await pair.talk();
      const now = ownBroker.memory(server.program.child.pid).now;
      const each = ((now - alone) * 1024) / sockets.length;
      t.diagnostic(`${sockets.length} idle over WebSocket: ${now} MB, ${alone} MB without, ${each.toFixed(1)} kB each`);
      assert.ok(each < kMostKilobytes, `${each} kB each`);
      sockets.forEach((socket) => socket.destroy());
    });
  });

  describe('over WebSocket', () => {
    before(() => begin());
    after(end);

    it('carries large messages', async () => {
      const text = crypto.randomBytes(400000).toString('hex');
      await pair.ann.send(pair.bob.user, text);
      await pair.bob.message(text);
    });

    it('has the same rights', async () => {
      const mallory = await ChatClient.connect(token.unique('mallory'));
      mallory.mqtt.options.reconnectPeriod = 0;
      const closed = once(mallory.mqtt, 'close', { signal: AbortSignal.timeout(20000) });
      mallory.mqtt.subscribe(`apps/${env.app}/users/${pair.bob.user}/#`, () => {});
      await closed;
      await mallory.close();
      await pair.talk();
    });

    it('tells those who ask for something else', async () => {
      const ask = async (bytes) => (await raw.exchange(env.webSocketPort, bytes)).status;
      assert.equal(await ask(rawWebSocket.upgrade('/other')), 404);
      assert.equal(await ask(rawWebSocket.upgrade('/ws', ['Sec-WebSocket-Protocol: chat'])), 400);
      assert.equal(await ask(raw.lines('GET', '/ws')), 426);
      assert.equal(await ask(raw.lines('POST', '/ws', { body: '{}' })), 405);
      assert.equal(await ask('nonsense\r\n\r\n'), 400);
    });

    it('survives any bytes', async () => {
      const password = await token.user(token.unique('mallory'));
      const valid = Buffer.concat([rawWebSocket.frame(2, rawMqtt.connectPacket(password)), rawWebSocket.frame(9, Buffer.from('?'))]);
      for (let i = 0; i < 300; ++i) {
        const bytes = Buffer.from(valid);
        for (let changes = 0; changes < 1 + (i % 5); ++changes) bytes[(i * 7919 + changes * 31) % bytes.length] = (i * 131 + changes * 17) & 0xff;
        const socket = await rawWebSocket.connect(env.webSocketPort);
        await sendAndPart(socket, i % 3 === 0 ? crypto.createHash('sha512').update(String(i)).digest() : bytes);
      }
      await pair.talk();
    });

    it('lets clients come back after the server was started again', async () => {
      await server.stop();
      const back = Promise.all([pair.ann, pair.bob].map(({ mqtt: client }) => once(client, 'connect', { signal: AbortSignal.timeout(30000) })));
      await server.start();
      await back;
      await pair.bob.mqtt.subscribeAsync(`apps/${env.app}/users/${pair.bob.user}/#`);
      await pair.talk();
    });
  });

  describe('and those who should not be let in', () => {
    before(() => begin());
    after(end);

    it('refuses tokens that are far too long, and serves on', async () => {
      const claims = token.claims(await token.user(pair.ann.user));
      const long = (bytes) => token.forge({ ...claims, padding: 'x'.repeat(bytes) });
      const socket = raw.connect(env.mqttPort);
      socket.write(rawMqtt.connectPacket(long(47000)));
      assert.equal(await rawMqtt.answer(socket), 5);
      socket.destroy();
      for (const bytes of [47000, 75000, 1000000]) {
        const { status } = await raw.exchange(server.port, raw.lines('GET', `/api/tilechat/${pair.ann.user}/conversations`, { token: long(bytes) }));
        assert.equal(status, 431);
      }
      await pair.talk();
    });

    it('survives CONNECT packets that are none', async () => {
      const valid = rawMqtt.connectPacket(await token.user(pair.ann.user));
      const broken = [
        Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff]), // a length that is none
        Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), // 256 MB to come
        Buffer.from([0x10, 0]),
        rawMqtt.packet(0x10, Buffer.from([0, 4]), Buffer.from('MQTT'), Buffer.from([9, 0xc2, 0, 60])),
        rawMqtt.packet(0x10, Buffer.from([0xff, 0xff])), // a string longer than the packet
        rawMqtt.packet(0x30, Buffer.from([0, 1]), Buffer.from('a')), // PUBLISH before CONNECT
        Buffer.concat([valid, valid]),
      ];
      for (let i = 0; i < 500; ++i) {
        const bytes = Buffer.from(valid);
        for (let changes = 0; changes < 1 + (i % 4); ++changes) bytes[(i * 7919 + changes * 13) % 60] = (i * 31 + changes * 101) & 0xff;
        broken.push(i % 2 ? bytes : bytes.subarray(0, (i * 17) % bytes.length));
      }
      for (const bytes of broken) {
        await sendAndPart(raw.connect(env.mqttPort), bytes);
      }
      await pair.talk();
    });
  });

  // A limit on the size of files takes the place of a disk that is full: both make writes
  // fail, and this one needs no file system of our own.
  for (const durability of ['group', 'strict']) {
    it(`refuses messages while the disk is full and keeps what it has acknowledged, durability ${durability}`, async (t) => {
      server = await Server.start({ http: true, environment: { STORE_DURABILITY: durability } });
      t.after(() => server.kill()); // it has ended unless this fails
      const pid = await ownBroker.processId(server);
      const [from, to] = [token.unique('ann'), token.unique('bob')];
      const kept = []; // texts that were acknowledged
      let count = 0;
      let client = await connectSender(from);
      const send = async () => {
        const text = `message ${++count}`;
        if (!(await acknowledged(client, outgoing(from, to), { text }))) return false;
        kept.push(text);
        return true;
      };
      assert.ok(await send());
      await ownBroker.limitFiles(pid, 4096);
      // `group` may acknowledge the first ones before it has tried to write them.
      await eventually(async () => !(await send()), 'a message that is refused');
      const api = new Api(server);
      const { json } = await eventually(async () => {
        const answer = await api.get('/ready');
        return answer.status === 503 && answer;
      }, 'not ready');
      assert.match(JSON.stringify(json.reasons), /observer|gateway/);
      assert.ok(server.log('refusing messages until the store works again').length > 0);
      client = await connectSender(from); // the broker still lets people in
      assert.equal(await send(), false);
      assert.equal(await ownBroker.processId(server), pid);

      await ownBroker.limitFiles(pid, null);
      await eventually(async () => (await api.get('/ready')).status === 200, 'ready again');
      client = await connectSender(from);
      assert.ok(await send());
      await client.endAsync();
      assert.equal(await ownBroker.processId(server), pid);
      await server.stop();
      const rows = await server.rows(`SELECT json_extract(body, '$.text') AS text FROM messages JOIN copies USING (app, message_id) WHERE timeline = '${to}'`);
      const stored = rows.map(({ text }) => text);
      assert.deepEqual(kept.filter((text) => !stored.includes(text)), []);
      assert.equal(new Set(stored).size, stored.length);
    });
  }

  it('says that the broker stands still, and kills one that does so for too long', async (t) => {
    server = await Server.start({ http: true, environment: { BROKER_TIMEOUT: '30s' } });
    t.after(() => server.kill());
    const pid = await ownBroker.processId(server);
    const api = new Api(server);
    const ready = (status) => eventually(async () => {
      const answer = await api.get('/ready');
      return answer.status === status && answer;
    }, `status ${status} of /ready`);
    freeze(pid);
    const { json } = await eventually(async () => {
      const answer = await api.get('/ready');
      return answer.status === 503 && answer;
    }, 'not ready', 20000);
    assert.match(JSON.stringify(json.reasons), /mosquitto has given no sign of life/);
    thaw(pid);
    await ready(200);
    assert.equal(await ownBroker.processId(server), pid);

    freeze(pid);
    await server.program.line(/it gave no sign of life for 30000 ms and was killed/, 60000);
    await server.connected();
    await ready(200);
    assert.notEqual(await ownBroker.processId(server), pid);
    await server.stop();
  });

  it('refuses messages while another process has locked the store, and goes on afterwards', async (t) => {
    server = await Server.start();
    t.after(() => server.kill());
    const user = token.unique('ann');
    let client = await connectSender(user);
    const send = (text) => acknowledged(client, outgoing(user, token.unique('bob')), { text });
    assert.ok(await send('before'));
    const locker = await lock(server.store);
    await eventually(async () => !(await send('while it is locked')), 'a message that is refused', 60000);
    await server.program.line(/another process or Store has the lock/);
    await locker.end();
    await server.program.line(/the store works again/);
    client = await connectSender(user);
    assert.ok(await send('afterwards'));
    await client.endAsync();
    await server.stop();
  });

  it('does not start with a store that is in use, and says so', async (t) => {
    server = await Server.start();
    t.after(() => server.kill());
    const second = new Server({ environment: {
      STORE_PATH: server.store, MQTT_PORT: String(env.freePortBase), WEBSOCKET_ENABLED: 'false', AUTO_RESTART: 'false',
    } });
    second.launch();
    t.after(() => second.kill());
    await second.program.line(/another process or Store has the lock|is in use/);
    const { code } = await second.program.ended;
    assert.equal(code, 1);
    await server.stop();
  });

  it('does not start with a store of a newer schema, and says which version it knows', async (t) => {
    server = await Server.start();
    t.after(() => server.kill());
    await server.stop();
    const known = (await mustRun('sqlite3', [server.store, 'PRAGMA user_version'])).trim();
    await mustRun('sqlite3', [server.store, 'PRAGMA user_version = 999']);
    server.launch();
    const line = await server.program.line(/schema/);
    assert.match(line, new RegExp(`999.*\\b${known}\\b`));
    const { code } = await server.program.ended;
    assert.equal(code, 1);
  });
});
