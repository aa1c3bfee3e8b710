// The broker of the embedded engine is killed while messages arrive: what it has
// acknowledged and what then is in the store. docs/GUARANTEES.md says what is promised.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { Api } = require('./lib/api');
const { Load } = require('./lib/load');
const ownBroker = require('./lib/own_broker');
const { Server } = require('./lib/server');
const token = require('./lib/token');

const kLong = process.env.CHAT21_TEST_LONG === 'yes';
const kTimes = kLong ? 10 : 3; // kills: the more there are, the longer the server waits before it starts the broker again
const kPairs = 4; // of a sender and a recipient
const kPerSecond = 400; // messages of each pair
const kBetween = 100; // acknowledged messages of each pair from one kill to the next, at least
// Messages that the plugin takes ahead of the store: its limit, and what comes in one turn.
const kMaxPending = 2048;

const start = (durability, more = {}) => Server.start({ ...more, environment: { STORE_DURABILITY: durability } });
const forAll = (loads, what) => Promise.all(loads.map(what));
async function startLoads(test) {
  const loads = await Promise.all(Array.from({ length: kPairs }, () => Load.start(kPerSecond, { named: true })));
  test.after(() => loads.forEach((load) => load.abandon())); // they have ended unless it fails
  return loads;
}
const sum = (loads, count) => loads.reduce((all, load) => all + count(load), 0);
const untilMore = (loads, more) => forAll(loads, (load) => load.untilConfirmed(load.confirmed.size + more));

// A process that has ended and waits to be reaped does not run.
function runs(pid) {
  try {
    return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

// Resolves when the senders have read all that came before their connections ended.
const untilClosed = (loads) => forAll(loads, ({ from }) => new Promise((resolve) => { from.once('close', resolve); }));

// Kills the broker; resolves once the senders know everything that it has acknowledged.
async function killBroker(server, loads) {
  const pid = await ownBroker.processId(server);
  const closed = untilClosed(loads);
  const when = performance.now();
  process.kill(pid, 'SIGKILL');
  await closed;
  return { when, confirmed: sum(loads, ({ confirmed }) => confirmed.size) };
}

// Resolves to what each kill found.
async function killAndComeBack(server, loads) {
  const kills = [];
  for (let i = 0; i < kTimes; ++i) {
    await untilMore(loads, kBetween);
    kills.push(await killBroker(server, loads));
    await server.connected(60000); // by itself
  }
  await untilMore(loads, kBetween);
  return kills;
}

// Sender, text and id of every message in the store; each is there once, in both timelines.
async function readStore(server, loads) {
  assert.deepEqual(await server.rows('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  const rows = await server.rows(
    `SELECT json_extract(body, '$.sender') AS sender, json_extract(body, '$.text') AS text, message_id AS id, copies
     FROM messages LEFT JOIN
       (SELECT message_id AS of, group_concat(timeline || ' ' || status, ', ') AS copies FROM
         (SELECT * FROM copies ORDER BY message_id, status) GROUP BY message_id)
     ON of = message_id`,
  );
  const recipients = new Map(loads.map(({ sender, recipient }) => [sender, recipient]));
  const ids = new Map();
  for (const { sender, text, id, copies } of rows) {
    const key = `${sender} ${text}`;
    assert.ok(!ids.has(key), `'${text}' of ${sender} is twice in the store, as ${ids.get(key)} and ${id}`);
    assert.equal(copies, `${sender} 100, ${recipients.get(sender)} 150`);
    ids.set(key, id);
  }
  return ids;
}

// What somebody has received is in the store, under the same id.
function checkArrived(loads, ids) {
  for (const { sender, arrived } of loads) {
    for (const [text, under] of arrived) assert.deepEqual([...under], [ids.get(`${sender} ${text}`)], `'${text}' of ${sender}`);
  }
}

// The texts of a conversation, as its user reads them over HTTP.
async function history(server, user, other) {
  const api = new Api(server, await token.user(user));
  const texts = new Set();
  for (let before = ''; ;) {
    const { json } = await api.get(`/api/tilechat/${user}/conversations/${other}/messages?limit=200${before}`, { check: false });
    if (json.result.length === 0) return texts;
    json.result.forEach(({ text }) => texts.add(text));
    before = `&before=${json.result.at(-1).message_id}`;
  }
}

const notArrived = ({ confirmed, arrived }) => [...confirmed.keys()].filter((text) => !arrived.has(text)).length;

describe('While messages arrive at the embedded engine', { timeout: 300000 }, () => {
  it('kill -9 of the broker loses nothing that it has acknowledged, in strict mode', async (t) => {
    const server = await start('strict', { http: true });
    t.after(() => server.kill()); // it has ended unless this fails
    const loads = await startLoads(t);
    await killAndComeBack(server, loads);
    await forAll(loads, (load) => load.confirmAll());
    for (const load of loads) {
      // Whatever did not arrive while the broker was away is in the recipient's history.
      const texts = await history(server, load.recipient, load.sender);
      assert.deepEqual([...load.confirmed.keys()].filter((text) => !texts.has(text)), []);
      await load.close();
    }
    await server.stop();
    const ids = await readStore(server, loads);
    checkArrived(loads, ids);
    assert.equal(ids.size, sum(loads, ({ sent }) => sent)); // all of them, for all were acknowledged in the end
    t.diagnostic(`${kTimes} kills, ${ids.size} messages acknowledged, 0 lost, 0 twice; ` +
      `${sum(loads, notArrived)} were read from the history alone`);
  });

  it('kill -9 of the broker loses only the last that it has acknowledged, in group mode', async (t) => {
    const server = await start('group');
    t.after(() => server.kill());
    const loads = await startLoads(t);
    const kills = await killAndComeBack(server, loads);
    await forAll(loads, (load) => load.confirmAll());
    await forAll(loads, (load) => load.close());
    await server.stop();
    const ids = await readStore(server, loads);
    checkArrived(loads, ids);
    report(t, kills, acknowledged(loads, ids));
  });

  // All of them in the order of acknowledgement.
  function acknowledged(loads, ids) {
    return loads
      .flatMap(({ sender, confirmed }) => [...confirmed].map(([text, when]) => ({ when, lost: !ids.has(`${sender} ${text}`) })))
      .sort((a, b) => a.when - b.when);
  }

  function report(t, kills, messages) {
    t.diagnostic('kill  acknowledged before  lost  the oldest of them was acknowledged before the kill');
    let begin = 0;
    for (const [i, { when, confirmed: end }] of kills.entries()) {
      const lost = messages.slice(begin, end).filter((message) => message.lost);
      const age = lost.length > 0 ? `${Math.max(0, when - lost[0].when).toFixed(1)} ms` : '-';
      t.diagnostic(`${String(i + 1).padStart(4)}  ${String(end - begin).padStart(19)}  ${String(lost.length).padStart(4)}  ${age}`);
      assert.ok(lost.length <= kMaxPending, `kill ${i + 1} has lost ${lost.length} messages`);
      begin = end;
    }
    assert.ok(messages.slice(begin).every((message) => !message.lost), 'lost without a kill');
    t.diagnostic(`${messages.length} acknowledged, ${messages.filter(({ lost }) => lost).length} lost, 0 twice`);
  }

  it('SIGTERM loses nothing, in group mode', async (t) => {
    const server = await start('group');
    t.after(() => server.kill());
    const loads = await startLoads(t);
    await untilMore(loads, kBetween);
    await server.stop();
    await server.start();
    await untilMore(loads, kBetween);
    await forAll(loads, (load) => load.confirmAll());
    await forAll(loads, (load) => load.close());
    await server.stop();
    const ids = await readStore(server, loads);
    checkArrived(loads, ids);
    assert.equal(ids.size, sum(loads, ({ sent }) => sent));
  });

  it('kill -9 of the server ends its broker, too, and a new one serves on', async (t) => {
    const server = await start('strict');
    t.after(() => server.kill());
    const loads = await startLoads(t);
    for (let kill = 0; kill < 3; ++kill) {
      await untilMore(loads, kBetween);
      const pid = await ownBroker.processId(server);
      const closed = untilClosed(loads);
      await server.kill();
      await closed;
      await server.start();
      assert.equal(runs(pid), false);
    }
    await untilMore(loads, kBetween);
    await forAll(loads, (load) => load.confirmAll());
    await forAll(loads, (load) => load.close());
    await server.stop();
    const ids = await readStore(server, loads);
    checkArrived(loads, ids);
    assert.equal(ids.size, sum(loads, ({ sent }) => sent));
  });
});
