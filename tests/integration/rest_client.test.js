// What an application does, over MQTT and HTTP together, and what everybody sees of it.
'use strict';

const assert = require('node:assert/strict');
const { describe, it, before, after } = require('node:test');
const { Chat21Client } = require('./lib/chat21_client');
const { Server } = require('./lib/server');
const token = require('./lib/token');

const members = (...clients) => Object.fromEntries(clients.map(({ user }) => [user, 1]));
const ids = (answer) => answer.json.result.map(({ conversWith }) => conversWith);

// The next info message of a group, taken from the inbox of a client.
async function info(client, group, key) {
  const { payload } = await client.take('messageAdded', ({ conversWith, payload: p }) =>
    conversWith === group && p.sender === 'system' && !p.__history);
  assert.equal(payload.attributes.messagelabel.key, key, `${client.user} got ${JSON.stringify(payload)}`);
  assert.equal(payload.attributes.subtype, 'info');
  assert.equal(payload.status, 150);
  assert.equal(payload.recipient, group);
  return payload;
}

async function update(client, group, key) {
  const { payload, topic } = await client.take('groupUpdated');
  assert.equal(topic, `apps/tilechat/users/${client.user}/groups/${group}/clientupdated`);
  assert.equal(payload.uid, group);
  assert.equal(payload.notification && payload.notification.messagelabel.key, key);
  return payload;
}

// What arrives before a message that is sent now, except the conversations that clients derive.
async function untilNow(client, sender) {
  const text = token.unique('marker');
  await sender.send(client.user, text);
  await client.message(text);
  return client.events.items.splice(0).filter(({ event, payload }) => event !== 'conversationAdded' && payload.text !== text);
}

describe('An application', { timeout: 60000 }, () => {
  let server, clients, ann, bob, carol, dave, eve, group;

  before(async () => {
    server = await Server.start({ http: true });
    const names = ['ann', 'bob', 'carol', 'dave', 'eve'].map(token.unique);
    clients = await Promise.all(names.map((name) => Chat21Client.connect(name, server)));
    [ann, bob, carol, dave, eve] = clients;
    group = token.unique('group-app');
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
  });

  it('creates a group, and its members are told who is in it', async () => {
    const { status, json } = await ann.createGroup('Tea', group, [bob.user]);
    assert.equal(status, 201);
    assert.equal(json.success, true);
    const { createdOn, updatedOn, ...rest } = json.group;
    assert.deepEqual(rest, { uid: group, appId: 'tilechat', name: 'Tea', owner: ann.user, members: members(ann, bob) });
    assert.ok(Math.abs(createdOn - Date.now()) < 60000 && updatedOn === createdOn, `${createdOn}, ${updatedOn}`);

    for (const client of [ann, bob]) {
      const created = await info(client, group, 'GROUP_CREATED');
      assert.equal(created.text, 'Group created');
      assert.deepEqual(created.attributes.messagelabel.parameters, { creator: ann.user });
      const joined = [await info(client, group, 'MEMBER_JOINED_GROUP'), await info(client, group, 'MEMBER_JOINED_GROUP')];
      assert.deepEqual(joined.map(({ attributes: { messagelabel } }) => messagelabel.parameters.member_id).sort(), [ann.user, bob.user].sort());
      for (const { text, attributes: { messagelabel: { parameters } } } of joined) {
        assert.equal(text, `${parameters.member_id} joined group on creation`);
        assert.deepEqual(parameters, { member_id: parameters.member_id, fullname: parameters.member_id, firstname: '', lastname: '' });
      }
    }
    assert.deepEqual(await untilNow(bob, ann), []); // no group update in particular
  });

  it('sends to the group, over MQTT and over HTTP', async () => {
    await ann.send(group, 'tea?', { channel_type: 'group' });
    const draft = { sender_fullname: 'Bob', recipient_id: group, recipient_fullname: 'Tea', text: 'yes', channel_type: 'group' };
    await Promise.all([ann, bob].map((client) => client.message('tea?')));
    assert.equal((await bob.api.post('/api/tilechat/messages', draft)).status, 200);
    for (const client of [ann, bob]) {
      const { payload, conversWith } = await client.message('yes');
      assert.deepEqual([payload.sender, payload.status, conversWith], [bob.user, 150, group]);
    }
  });

  it('adds a member, who gets the history', async () => {
    assert.deepEqual((await ann.joinGroup(group, carol.user)).json, { success: true });
    for (const client of [ann, bob, carol]) {
      const changed = await update(client, group, 'MEMBER_JOINED_GROUP');
      assert.deepEqual(changed.members, members(ann, bob, carol));
      assert.equal(changed.notification.messagelabel.parameters.member_id, carol.user);
      const joined = await info(client, group, 'MEMBER_JOINED_GROUP');
      assert.equal(joined.text, `${carol.user} added to group`);
      assert.equal(joined.attributes.messagelabel.parameters.member_id, carol.user);
    }
    for (const text of ['tea?', 'yes']) {
      const { payload } = await carol.message(text);
      assert.equal(payload.__history, 'true');
      assert.equal(payload.status, 150);
    }
    const { json } = await carol.messages(group);
    const texts = json.result.map(({ text }) => text);
    assert.deepEqual(texts.filter((text) => text === 'tea?' || text === 'yes'), ['yes', 'tea?']); // newest first
    assert.ok(texts.includes('Group created'), `${texts}`);
  });

  it('sets the members: who was there is told, who is new gets the history', async () => {
    await untilNow(bob, ann);
    await untilNow(carol, ann);
    assert.deepEqual((await ann.setMembers(group, [ann.user, carol.user, dave.user])).json, { success: true });
    for (const client of [ann, bob, carol]) {
      assert.deepEqual((await update(client, group, undefined)).members, members(ann, carol, dave));
    }
    for (const client of [ann, carol, dave]) {
      const joined = await info(client, group, 'MEMBER_JOINED_GROUP');
      assert.equal(joined.attributes.messagelabel.parameters.member_id, dave.user);
    }
    assert.equal((await dave.message('tea?')).payload.__history, 'true');
    const told = (await untilNow(dave, ann)).map(({ event }) => event);
    assert.ok(!told.includes('groupUpdated'), `${told}`);
    assert.deepEqual(await untilNow(bob, ann), []); // removed: the update was all
  });

  it('leaves the group, and hears no more of it', async () => {
    assert.deepEqual((await carol.leaveGroup(group)).json, { success: true });
    for (const client of [ann, carol, dave]) {
      const changed = await update(client, group, 'MEMBER_LEFT_GROUP');
      assert.deepEqual(changed.members, members(ann, dave));
    }
    for (const client of [ann, dave]) {
      const left = await info(client, group, 'MEMBER_LEFT_GROUP');
      assert.equal(left.text, `${carol.user} removed from group`);
      assert.deepEqual(left.attributes.messagelabel.parameters, { member_id: carol.user });
    }
    await ann.send(group, 'without carol');
    await dave.message('without carol');
    assert.deepEqual(await untilNow(carol, ann), []);
    assert.equal((await carol.groupData(group)).status, 401);
  });

  it('renames the group and gives it attributes', async () => {
    await ann.api.put(`/api/tilechat/groups/${group}`, { group_name: 'Coffee' });
    for (const client of [ann, dave]) assert.equal((await update(client, group, 'DATA_UPDATED_GROUP')).name, 'Coffee');
    await ann.api.put(`/api/tilechat/groups/${group}/attributes`, { attributes: { strong: true } });
    for (const client of [ann, dave]) {
      const changed = await update(client, group, 'ATTRIBUTES_UPDATED_GROUP');
      assert.deepEqual(changed.notification.messagelabel.parameters, { attributes: { strong: true } });
    }
    const { json } = await dave.groupData(group);
    assert.equal(json.result.name, 'Coffee');
    assert.deepEqual(json.result.attributes, { strong: true });
    assert.equal(json.result.notification, undefined);
  });

  it('lists its groups, and those of others are not there', async () => {
    const groups = (client) => client.api.get(`${client.mine}/groups`).then(({ json }) => json.result.map(({ uid }) => uid));
    assert.deepEqual(await groups(dave), [group]);
    assert.deepEqual(await groups(carol), []);
  });

  it('reads its conversations and messages, by pages', async () => {
    const texts = Array.from({ length: 7 }, (_, i) => `page ${i}`);
    for (const text of texts) await eve.send(bob.user, text);
    await bob.message(texts.at(-1));

    assert.ok(ids(await bob.conversations()).includes(eve.user));
    const detail = await bob.conversation(eve.user);
    assert.equal(detail.json.result.length, 1);
    assert.equal(detail.json.result[0].last_message_text, texts.at(-1));
    assert.equal(detail.json.result[0].is_new, true);
    assert.deepEqual((await bob.conversation(dave.user)).json.result, []);

    const page = async (query) => (await bob.messages(eve.user, query)).json.result;
    const all = await page('');
    assert.deepEqual(all.map(({ text }) => text), [...texts].reverse());
    const first = await page('?limit=3');
    assert.deepEqual(first, all.slice(0, 3));
    assert.deepEqual(await page(`?limit=3&before=${first[2].message_id}`), all.slice(3, 6));
    assert.deepEqual(await page(`?limit=2&after=${all[6].message_id}`), [all[5], all[4]]);
  });

  it('goes through its conversations by the cursor, and meets each once', async () => {
    const seen = [];
    let next = '';
    do {
      const { json } = await bob.api.get(`${bob.mine}/conversations?limit=1${next && `&cursor=${encodeURIComponent(next)}`}`);
      assert.ok(json.result.length <= 1);
      seen.push(...json.result.map(({ conversWith }) => conversWith));
      next = json.next;
    } while (next);
    assert.deepEqual(seen, ids(await bob.conversations()));
    assert.ok(seen.length >= 3, `${seen}`);
  });

  it('counts what is unread, until it is read', async () => {
    const unread = async () => (await bob.api.get(`${bob.mine}/unread`)).json.result.conversations;
    const count = await unread();
    assert.ok(count >= 3, `${count}`);
    await bob.read(eve.user);
    await bob.take('conversationUpdated', ({ conversWith }) => conversWith === eve.user);
    assert.equal(await unread(), count - 1);
  });

  it('archives a conversation and finds it among the archived ones, until something new arrives', async () => {
    const { status, json } = await bob.api.delete(`/api/tilechat/conversations/${eve.user}`);
    assert.deepEqual([status, json], [201, { success: true }]);
    for (const event of ['conversationDeleted', 'archivedConversationAdded']) {
      const { payload, conversWith } = await bob.take(event);
      assert.deepEqual([conversWith, payload.archived], [eve.user, true]);
    }
    assert.deepEqual(ids(await bob.archivedConversations()), [eve.user]);
    assert.deepEqual(ids(await bob.conversations({ archived: true })), [eve.user]);
    assert.ok(!ids(await bob.conversations()).includes(eve.user));
    assert.equal((await bob.conversation(eve.user, { archived: true })).json.result.length, 1);
    assert.equal((await bob.conversation(eve.user)).json.result.length, 0);

    await eve.send(bob.user, 'are you there?');
    await bob.message('are you there?');
    assert.deepEqual(ids(await bob.archivedConversations()), []);
    assert.equal((await bob.conversation(eve.user)).json.result.length, 1);
  });

  it('archives over MQTT, too', async () => {
    await bob.archive(eve.user);
    await bob.take('archivedConversationAdded', ({ conversWith }) => conversWith === eve.user);
    assert.deepEqual(ids(await bob.archivedConversations()), [eve.user]);
  });

  it('sees in the history what was received', async () => {
    await ann.send(eve.user, 'did you get this?');
    const { payload } = await eve.message('did you get this?');
    await eve.received(ann.user, payload.message_id);
    await ann.take('messageUpdated', ({ payload: { message_id: id } }) => id === payload.message_id);
    assert.equal((await ann.messages(eve.user)).json.result[0].status, 250);
    assert.equal((await eve.messages(ann.user)).json.result[0].status, 200);
  });

  it('sends and gets the very message back', async () => {
    const draft = { sender_fullname: 'Ann', recipient_fullname: 'Bob', text: 'in sync', attributes: { n: 1.0 }, metadata: { m: [] } };
    const { json } = await ann.api.post('/api/tilechat/messages/sync?mqtt_endpoint=ws://127.0.0.1:1/', { ...draft, recipient_id: bob.user });
    const arrived = (await ann.message('in sync')).payload;
    assert.deepEqual(json.message, arrived);
    assert.equal(arrived.status, 100);
    assert.equal((await bob.message('in sync')).payload.message_id, arrived.message_id);

    const toGroup = await ann.api.post('/api/tilechat/messages/sync', { ...draft, recipient_id: group, text: 'to all' });
    assert.deepEqual(toGroup.json.message, (await ann.message('to all')).payload);
    assert.equal(toGroup.json.message.status, 150);
  });

  it('saves an instance for push notifications', async () => {
    const instance = 'cE:APA91b/with+all.kinds%of?signs#';
    const device = { device_model: 'Pixel 9', language: 'en', platform: 'android', platform_version: '16' };
    for (let again = 0; again < 2; ++again) {
      assert.deepEqual((await bob.saveInstance(instance, device)).json, { success: true });
    }
    const rows = await server.rows('SELECT body FROM instances');
    assert.deepEqual(rows.map(({ body }) => JSON.parse(body)), [
      { instance_id: instance, app_id: 'tilechat', user_id: bob.user, ...device },
    ]);
  });

  it('blocks somebody and takes it back', async () => {
    const address = `${bob.mine}/blocks/${eve.user}`;
    const blocked = async () => (await bob.api.get(address)).json.result.blocked;
    assert.equal(await blocked(), false);
    assert.deepEqual((await bob.api.put(address)).json.result, { blocked: true });
    assert.equal(await blocked(), true);
    assert.deepEqual((await bob.api.get(`${bob.mine}/blocks`)).json.result, [{ user_id: eve.user }]);
    assert.deepEqual((await bob.api.delete(address)).json.result, { blocked: false });
    assert.equal(await blocked(), false);
  });

  it("deletes the group's messages and conversations, and the group", async () => {
    for (const [what, read] of [['messages', () => ann.messages(group)], ['conversations', () => ann.conversation(group)]]) {
      assert.ok((await read()).json.result.length > 0);
      assert.deepEqual((await ann.api.delete(`/api/tilechat/${group}/${what}/timelines`)).json, { success: true });
      assert.deepEqual((await read()).json.result, []);
    }
    assert.equal((await ann.api.delete(`/api/tilechat/groups/${group}`)).status, 200);
    for (const client of [ann, dave]) await update(client, group, 'GROUP_DELETED');
    assert.equal((await ann.groupData(group)).status, 404);
    assert.deepEqual((await dave.api.get(`${dave.mine}/groups`)).json.result, []);
  });
});
