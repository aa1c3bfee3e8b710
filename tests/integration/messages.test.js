// Messages between users and in groups.
'use strict';

const assert = require('node:assert/strict');
const { describe, it, before, after } = require('node:test');
const { ChatClient } = require('./lib/client');
const { Server } = require('./lib/server');
const mosquitto = require('./lib/mosquitto');
const token = require('./lib/token');

describe('A direct message', { timeout: 60000 }, () => {
  let server, ann, bob, annId, bobId;

  before(async () => {
    server = await Server.start();
    [annId, bobId] = [token.unique('ann'), token.unique('bob')];
    [ann, bob] = await Promise.all([ChatClient.connect(annId), ChatClient.connect(bobId)]);
  });
  after(async () => {
    await Promise.all([ann.close(), bob.close()]);
    await server.stop();
  });

  it('reaches both inboxes with one id and the status of each copy', async () => {
    await ann.send(bobId, 'hello');
    const [sent, delivered] = await Promise.all([ann.message('hello'), bob.message('hello')]);

    assert.equal(sent.topic, `apps/tilechat/users/${annId}/messages/${bobId}/clientadded`);
    assert.equal(delivered.topic, `apps/tilechat/users/${bobId}/messages/${annId}/clientadded`);
    assert.equal(sent.payload.status, 100);
    assert.equal(delivered.payload.status, 150);
    assert.match(sent.payload.message_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(delivered.payload.message_id, sent.payload.message_id);
    for (const { payload } of [sent, delivered]) {
      assert.equal(payload.sender, annId);
      assert.equal(payload.recipient, bobId);
      assert.equal(payload.app_id, 'tilechat');
      assert.equal(payload.attributes, null);
      assert.ok(Math.abs(payload.timestamp - Date.now()) < 60000, `timestamp ${payload.timestamp}`);
    }
  });

  it('is in the store before it arrives', async () => {
    await ann.send(bobId, 'stored');
    const { payload } = await bob.message('stored');
    assert.deepEqual(await server.copies(payload.message_id), [
      { timeline: annId, conversation: bobId, status: 100 },
      { timeline: bobId, conversation: annId, status: 150 },
    ]);
    const stored = JSON.parse(await server.body(payload.message_id));
    const { status, ...shared } = payload;
    assert.equal(status, 150);
    assert.deepEqual(stored, shared);
    assert.deepEqual(
      await server.rows(
        `SELECT timeline, conversation, is_new, archived FROM conversations
         WHERE last_message = '${payload.message_id}' ORDER BY timeline`,
      ),
      [
        { timeline: annId, conversation: bobId, is_new: 1, archived: 0 },
        { timeline: bobId, conversation: annId, is_new: 1, archived: 0 },
      ],
    );
  });

  it('keeps unknown fields, odd numbers and nulls byte for byte', async () => {
    const members = [
      '"text":"odd"', '"attributes":null', '"metadata":null', '"huge":1.50E+300', '"tiny":1e-300', '"one":1.0', '"minus":-0',
      '"big":12345678901234567890', '"escaped":"\\u00e9\\/\\ud83d\\ude00"', '"plain":"é/😀"',
      '"nested":{"a":[1,  2.50,{"b":null}],"empty":{}}', '"spaced" : [ true , false ]',
    ];
    await ann.sendRaw(bobId, `{${members.join(',')}}`);
    const [sent, delivered] = await Promise.all([ann.message('odd'), bob.message('odd')]);
    const stored = await server.body(sent.payload.message_id);
    for (const text of [sent.raw, delivered.raw, stored]) {
      for (const member of members) assert.ok(text.includes(member), `${member} is not in ${text}`);
    }
  });

  it('takes sender, recipient, app, id and status from the server, never from the draft', async () => {
    await ann.send(bobId, 'spoofed', {
      sender: 'somebody', recipient: 'nobody', app_id: 'other', message_id: 'mine', status: 300, timestamp: 17,
    });
    const { payload } = await bob.message('spoofed');
    assert.equal(payload.sender, annId);
    assert.equal(payload.recipient, bobId);
    assert.equal(payload.app_id, 'tilechat');
    assert.notEqual(payload.message_id, 'mine');
    assert.equal(payload.status, 150);
    assert.equal(payload.timestamp, 17); // the client's own, kept for compatibility
  });

  it('makes a conversation for the client unless updateconversation is false', async () => {
    await ann.send(bobId, 'quiet', { attributes: { updateconversation: false } });
    await ann.send(bobId, 'loud');
    const added = await bob.take('conversationAdded', ({ payload }) => ['quiet', 'loud'].includes(payload.text));
    assert.equal(added.payload.text, 'loud');
    assert.equal(added.payload.is_new, true);
    const quiet = await bob.message('quiet');
    assert.deepEqual(await server.rows(`SELECT * FROM conversations WHERE last_message = '${quiet.payload.message_id}'`), []);
  });

  it('keeps the order in which one sender sent', async () => {
    const texts = Array.from({ length: 200 }, (_, i) => `in order ${i}`);
    for (const text of texts) ann.send(bobId, text);
    const ids = [];
    const arrived = [];
    for (let i = 0; i < texts.length; ++i) {
      const { payload } = await bob.take('messageAdded', ({ payload: p }) => p.text.startsWith('in order'));
      arrived.push(payload.text);
      ids.push(payload.message_id);
    }
    assert.deepEqual(arrived, texts);
    assert.deepEqual([...ids].sort(), ids); // ids are the server's order
  });

  it('from a client over TCP reaches one over WebSocket, and the other way round', async () => {
    const cliId = token.unique('cli');
    const password = await token.user(cliId);
    const inbox = await mosquitto.subscribe(password, `apps/tilechat/users/${cliId}/#`);
    await mosquitto.publish(password, `apps/tilechat/outgoing/users/${cliId}/messages/${bobId}/outgoing`, '{"text":"tcp"}');
    assert.equal((await bob.message('tcp')).conversWith, cliId);
    await bob.send(cliId, 'answer');
    const { topic, body } = await inbox.messages.take(({ body: b }) => JSON.parse(b).text === 'answer', 'answer');
    assert.equal(topic, `apps/tilechat/users/${cliId}/messages/${bobId}/clientadded`);
    assert.equal(JSON.parse(body).status, 150);
    await inbox.close();
  });
});

describe('A group message', { timeout: 60000 }, () => {
  let server, sender, members, observed, service;
  let senderId, memberIds;

  before(async () => {
    server = await Server.start();
    senderId = token.unique('sender');
    memberIds = [1, 2, 3].map((n) => token.unique(`member${n}`));
    sender = await ChatClient.connect(senderId);
    members = await Promise.all(memberIds.map((id) => ChatClient.connect(id)));
    service = await token.service();
    observed = await mosquitto.subscribe(service, 'apps/tilechat/users/+/messages/+/clientadded');
  });
  after(async () => {
    await Promise.all([sender, ...members].map((client) => client.close()));
    await observed.close();
    await server.stop();
  });

  const inline = (ids) => ({ channel_type: 'group', group: { name: 'Ad hoc', members: Object.fromEntries(ids.map((id) => [id, 1])) } });
  const copy = (owner, text) =>
    observed.messages.take(
      ({ topic, body }) => topic.split('/')[3] === owner && JSON.parse(body).text === text,
      `copy of '${text}' for ${owner}`,
    );

  it('with inline members reaches every member, the sender and the group timeline', async () => {
    const group = token.unique('group-inline');
    await sender.send(group, 'to all', inline(memberIds));
    const received = await Promise.all([sender, ...members].map((client) => client.message('to all')));
    for (const { payload, conversWith } of received) {
      assert.equal(payload.status, 150);
      assert.equal(payload.message_id, received[0].payload.message_id);
      assert.equal(payload.recipient, group);
      assert.equal(conversWith, group);
      assert.deepEqual(payload.group.members, Object.fromEntries([...memberIds, group, senderId].map((id) => [id, 1])));
    }
    const own = await copy(group, 'to all');
    assert.equal(own.topic, `apps/tilechat/users/${group}/messages/${group}/clientadded`);
    assert.equal(JSON.parse(own.body).status, 100);

    const expected = [group, senderId, ...memberIds]
      .map((timeline) => ({ timeline, conversation: group, status: timeline === group ? 100 : 150 }))
      .sort((a, b) => (a.timeline < b.timeline ? -1 : 1));
    assert.deepEqual(await server.copies(received[0].payload.message_id), expected);
  });

  it('is hidden from the member named by hiddenFor, and from nobody else', async () => {
    const group = token.unique('group-hidden');
    const [first, hidden, last] = memberIds;
    await sender.send(group, 'secret', { ...inline([first, hidden, last]), attributes: { hiddenFor: hidden } });
    await sender.send(group, 'open', inline([first, hidden, last]));
    await Promise.all([sender, members[0], members[2]].map((client) => client.message('secret')));
    await copy(group, 'secret');
    // The later message is there, so the hidden one would be.
    await members[1].message('open');
    assert.equal(members[1].events.items.find(({ payload }) => payload.text === 'secret'), undefined);
  });

  it('to a group that nobody knows reaches the sender and the group timeline', async () => {
    const group = token.unique('group-unknown');
    await sender.send(group, 'anybody?');
    const { payload } = await sender.message('anybody?');
    assert.equal(payload.status, 150);
    await copy(group, 'anybody?');
    assert.deepEqual(
      (await server.copies(payload.message_id)).map(({ timeline }) => timeline).sort(),
      [group, senderId].sort(),
    );
  });

  it('to a group made known by a service reaches its members, who are told of the group', async () => {
    const group = token.unique('group-known');
    const document = {
      uid: group, name: 'Known', appId: 'tilechat', owner: memberIds[0], createdOn: 1, updatedOn: 2,
      members: { [memberIds[0]]: 1, [memberIds[1]]: 1 },
    };
    await mosquitto.publish(service, 'apps/observer/tilechat/groups/update', JSON.stringify({
      group: { ...document, notification: { messagelabel: { key: 'MEMBER_JOINED_GROUP' } } },
      notify_to: { [memberIds[0]]: 1, [memberIds[1]]: 1 },
    }));
    for (const member of members.slice(0, 2)) {
      const { payload, conversWith } = await member.take('groupUpdated');
      assert.equal(conversWith, group);
      assert.equal(payload.name, 'Known');
      assert.equal(payload.notification.messagelabel.key, 'MEMBER_JOINED_GROUP');
    }
    const [row] = await server.rows(`SELECT body FROM groups WHERE id = '${group}'`);
    assert.deepEqual(JSON.parse(row.body), document); // the notification belongs to the change

    await members[0].send(group, 'members only');
    await Promise.all(members.slice(0, 2).map((member) => member.message('members only')));
    await copy(group, 'members only');
    assert.equal(members[2].events.items.find(({ payload }) => payload.text === 'members only'), undefined);
  });
});
