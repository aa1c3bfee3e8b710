// Input that no client should send: settled, logged once, kept for inspection,
// and no hindrance for what comes behind it.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, it, before, after } = require('node:test');
const { ChatClient } = require('./lib/client');
const engine = require('./lib/engine');
const { Server } = require('./lib/server');
const mosquitto = require('./lib/mosquitto');
const token = require('./lib/token');

const nested = (levels) => `{"text":${'['.repeat(levels)}${']'.repeat(levels)}}`;
const to = (recipient) => (me) => `apps/tilechat/outgoing/users/${me}/messages/${recipient}/outgoing`;
const own = (rest) => (me) => `apps/tilechat/users/${me}/${rest}`;
const group = (members) => JSON.stringify({ text: 'x', channel_type: 'group', group: { members } });

// [what, reason, topic, body]; each topic is made for one user.
const kUserCases = [
  ['broken JSON', 'malformed', to('peer'), '{"text":"hello'],
  ['an empty body', 'malformed', to('peer'), ''],
  ['two JSON values', 'malformed', to('peer'), '{"text":"a"}{"text":"b"}'],
  ['JSON that is a number', 'malformed', to('peer'), '5'],
  ['JSON that is a string', 'malformed', to('peer'), '"hello"'],
  ['JSON that is null', 'malformed', to('peer'), 'null'],
  ['JSON that is an array', 'malformed', to('peer'), '[{"text":"hello"}]'],
  ['invalid UTF-8', 'malformed', to('peer'), Buffer.from('7b2274657874223a22ff227d', 'hex')],
  ['1,000,000 levels of JSON', 'too-large', to('peer'), nested(1000000)],
  ['500,000 levels of JSON', 'malformed', to('peer'), nested(500000)],
  ['levels of JSON that are never closed', 'malformed', to('peer'), '[{"a":'.repeat(100000)],
  ['a number that no double can hold', 'malformed', to('peer'), '{"text":"x","number":1e400}'],
  ['a group that is a number', 'malformed', to('group-x'), '{"text":"x","group":5}'],
  ['a group without members', 'malformed', to('group-x'), '{"text":"x","group":{"name":"n"}}'],
  ['members that are a list', 'malformed', to('group-x'), group(['a', 'b'])],
  ['a member with a dot', 'invalid-id', to('group-x'), group({ good: 1, 'a.b': 1 })],
  ['a member without a name', 'invalid-id', to('group-x'), group({ good: 1, '': 1 })],
  ['a member that is too long', 'invalid-id', to('group-x'), group({ good: 1, ['m'.repeat(240)]: 1 })],
  ['an empty recipient', 'invalid-id', to(''), '{"text":"x"}'],
  ['a recipient with %', 'invalid-id', to('a%b'), '{"text":"x"}'],
  ['a recipient with *', 'invalid-id', to('a*b'), '{"text":"x"}'],
  ['a recipient that begins with $', 'invalid-id', to('$a'), '{"text":"x"}'],
  ['a recipient that is too long', 'invalid-id', to('r'.repeat(180)), '{"text":"x"}'],
  ['a receipt whose status is a string', 'malformed', own('messages/peer/some-id/update'), '{"status":"200"}'],
  ['a receipt for an unknown message', 'not-found', own('messages/peer/some-id/update'), '{"status":200}'],
  ['a patch whose is_new is a string', 'malformed', own('conversations/peer/update'), '{"is_new":"false"}'],
  ['an unknown conversation to archive', 'not-found', own('conversations/peer/archive'), '{}'],
  ['a presence that is no object', 'malformed', own('presence/some-client'), '"here"'],
  ['a topic the protocol does not know', 'unknown-topic', own('something/else/update'), '{}'],
  ['a group update by a user', 'unknown-topic', own('groups/update'), '{"group":{"uid":"group-x","members":{}},"notify_to":{}}'],
];

// What no honest client sends either, and some brokers do not take.
const kCrudeCases = [
  ['a recipient with a control character', 'invalid-id', to('a\u0007b'), '{"text":"x"}'],
  ['a body of 10 MB', 'too-large', to('peer'), JSON.stringify({ text: 'x'.repeat(10 << 20) })],
];
if (!engine.closesOnCrudePackets) kUserCases.push(...kCrudeCases);

// The same, published by a service.
const update = (group_, notify) => JSON.stringify({ group: group_, notify_to: notify });
const kGroups = () => 'apps/observer/tilechat/groups/update';
const kServiceCases = [
  ['a group update without a group', 'malformed', kGroups, '{"notify_to":{}}'],
  ['a group update without a uid', 'malformed', kGroups, update({ members: {} }, {})],
  ['a group update without notify_to', 'malformed', kGroups, '{"group":{"uid":"group-x","members":{}}}'],
  ['a group update for an impossible member', 'invalid-id', kGroups, update({ uid: 'group-x', members: { 'a/b': 1 } }, {})],
  ['history whose status is 100', 'malformed', (me) => `apps/observer/tilechat/users/${me}/messages/peer/delivered`, '{"message_id":"m","status":100}'],
  ['a copy to persist without an id', 'malformed', (me) => `apps/observer/tilechat/users/${me}/messages/peer/persist`, '{"status":150}'],
];

describe('Bad input,', { timeout: 240000 }, () => {
  let server, rejected, service, ann, bob;

  before(async () => {
    server = await Server.start();
    service = await token.service();
    rejected = await mosquitto.subscribe(service, 'observer/rejected/apps/tilechat');
    [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => ChatClient.connect(token.unique(name))));
  });
  after(async () => {
    await Promise.all([ann.close(), bob.close()]);
    await rejected.close();
  });

  // Publishes, then a good message behind it, and looks at everything that is to be seen.
  async function send(publish, reason, topic, body) {
    const marker = token.unique('behind');
    await publish(topic, body);
    await ann.publish(to(bob.user)(ann.user), JSON.stringify({ text: marker }), { qos: 1 });

    const notice = JSON.parse((await rejected.messages.take(() => true, 'rejected message')).body);
    await bob.message(marker);
    assert.equal(notice.reason, reason, `${notice.reason}: ${notice.detail}`);
    assert.ok(notice.detail.length > 0);
    assert.equal(notice.routing_key, topic.replaceAll('/', '.'));
    assert.equal(notice.app_id, 'tilechat');
    checkBody(notice, reason, body);

    const line = await server.program.line(/messages? rejected/);
    const names = line.includes(`outcome=${reason} `) && / topic=\\?"?apps\./.test(line);
    assert.ok(names || (!engine.logsEachRejection && rejections(line) > 0), line);
  }

  // How many rejected messages a line of the log is about.
  function rejections(line) {
    if (line.includes('message rejected')) return 1;
    const more = /more messages rejected: (\d+)/.exec(line);
    return more ? Number(more[1]) : 0;
  }

  function checkBody(notice, reason, body) {
    if (reason === 'too-large') {
      assert.equal(notice.body, undefined); // it would be too large again
    } else if (Buffer.isBuffer(body)) {
      assert.equal(notice.body_base64, body.toString('base64'));
    } else {
      assert.equal(notice.body, body);
    }
  }

  for (const [what, reason, topic, body] of kUserCases) {
    it(`${what}, is kept as ${reason} and the message behind it is delivered`, () =>
      send((...args) => ann.publish(...args, { qos: 1 }), reason, topic(ann.user), body));
  }
  for (const [what, reason, topic, body] of kServiceCases) {
    it(`${what}, is kept as ${reason} and the message behind it is delivered`, () =>
      send((...args) => mosquitto.publish(service, ...args), reason, topic(ann.user), body));
  }

  for (const [what, , topic, body] of engine.closesOnCrudePackets ? kCrudeCases : []) {
    it(`${what}, ends the connection of who sends it`, async () => {
      const mallory = await ChatClient.connect(token.unique('mallory'));
      mallory.mqtt.options.reconnectPeriod = 0;
      const closed = new Promise((resolve) => { mallory.mqtt.once('close', resolve); }); // an error may come before
      mallory.mqtt.publish(topic(mallory.user), body, { qos: 1 });
      await closed;
      await mallory.mqtt.endAsync(true);
    });
  }

  it('whatever it was, is counted once in the log and leaves nothing in the store', async () => {
    await server.stop(); // afterwards nothing more is written
    const cases = kUserCases.length + kServiceCases.length;
    assert.equal(server.log('rejected').reduce((sum, line) => sum + rejections(line), 0), cases);
    assert.deepEqual(rejected.messages.items, []); // one notice each
    for (const table of ['messages', 'copies', 'conversations']) {
      const column = table === 'messages' ? "json_extract(body, '$.recipient')" : 'timeline';
      const strangers = await server.rows(
        `SELECT * FROM ${table} WHERE ${column} NOT IN ('${ann.user}', '${bob.user}')`,
      );
      assert.deepEqual(strangers, [], table);
    }
    assert.deepEqual(await server.rows('SELECT * FROM groups'), []);
    const { good } = (await server.rows('SELECT count(*) AS good FROM messages'))[0];
    assert.equal(good, cases);
  });
});
