// What users tell after a message: received, read, archived, here and gone.
'use strict';

const assert = require('node:assert/strict');
const { describe, it, before, after } = require('node:test');
const { ChatClient } = require('./lib/client');
const { Server } = require('./lib/server');
const token = require('./lib/token');

describe('An update', { timeout: 60000 }, () => {
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

  async function exchange(text) {
    await ann.send(bobId, text);
    const [, { payload }] = await Promise.all([ann.message(text), bob.message(text)]);
    return payload.message_id;
  }

  it('of status 200 moves the copy of the peer to 250', async () => {
    const id = await exchange('receipt');
    await bob.received(annId, id);
    const { payload, topic } = await ann.take('messageUpdated');
    assert.equal(topic, `apps/tilechat/users/${annId}/messages/${bobId}/${id}/clientupdated`);
    assert.deepEqual(payload, { timelineOf: annId, message_id: id, status: 250 });
    assert.deepEqual(await server.copies(id), [
      { timeline: annId, conversation: bobId, status: 250 },
      { timeline: bobId, conversation: annId, status: 200 },
    ]);
  });

  it('that a conversation was read is applied and told to the own clients', async () => {
    await exchange('to read');
    const second = await ChatClient.connect(bobId);
    await bob.read(annId);
    for (const client of [bob, second]) {
      const { payload, topic } = await client.take('conversationUpdated');
      assert.equal(topic, `apps/tilechat/users/${bobId}/conversations/${annId}/clientupdated`);
      assert.deepEqual(payload, { is_new: false, timelineOf: bobId, conversWith: annId });
    }
    await second.close();
    assert.deepEqual(
      await server.rows(`SELECT timeline, is_new FROM conversations WHERE timeline IN ('${annId}', '${bobId}') ORDER BY timeline`),
      [{ timeline: annId, is_new: 1 }, { timeline: bobId, is_new: 0 }],
    );
  });

  it('to archive publishes the whole conversation twice, and the next message brings it back', async () => {
    const id = await exchange('to archive');
    await bob.archive(annId);
    const deleted = await bob.take('conversationDeleted');
    const added = await bob.take('archivedConversationAdded');
    assert.equal(deleted.topic, `apps/tilechat/users/${bobId}/conversations/${annId}/clientdeleted`);
    assert.equal(added.topic, `apps/tilechat/users/${bobId}/archived_conversations/${annId}/clientadded`);
    assert.equal(added.raw, deleted.raw);
    const conversation = added.payload;
    assert.equal(conversation.timelineOf, bobId);
    assert.equal(conversation.conversWith, annId);
    assert.equal(conversation.key, annId);
    assert.equal(conversation.archived, true);
    assert.equal(conversation.message_id, id);
    assert.equal(conversation.last_message_text, 'to archive');
    assert.equal(conversation.text, 'to archive');
    assert.equal(conversation.sender, annId);
    assert.equal(conversation.recipient, bobId);
    assert.equal(conversation.app_id, 'tilechat');
    assert.equal(conversation.attributes, null);

    const archived = async () =>
      (await server.rows(`SELECT archived FROM conversations WHERE timeline = '${bobId}' AND conversation = '${annId}'`))[0].archived;
    assert.equal(await archived(), 1);
    await exchange('back again');
    assert.equal(await archived(), 0);
  });

  it('never lowers a status: a second receipt, and one after another message', async () => {
    const id = await exchange('twice');
    await bob.received(annId, id);
    await ann.take('messageUpdated', ({ payload }) => payload.message_id === id);
    await ann.received(bobId, id); // the author's own receipt
    await bob.take('messageUpdated', ({ payload }) => payload.message_id === id);
    assert.deepEqual(await server.copies(id), [
      { timeline: annId, conversation: bobId, status: 250 },
      { timeline: bobId, conversation: annId, status: 250 },
    ]);
  });

  it('of presence is taken without a complaint, also when the will of a lost client tells it', async () => {
    const lost = await ChatClient.connect(bobId);
    const seen = new Promise((resolve) => {
      bob.mqtt.on('message', (topic, body) => {
        if (topic === lost.presence && JSON.parse(body).disconnected) resolve();
      });
    });
    lost.mqtt.options.reconnectPeriod = 0;
    lost.mqtt.stream.destroy(); // as a lost network: no DISCONNECT
    await seen;
    await exchange('after presence'); // behind it in the queue
    assert.deepEqual(server.log('presence'), []);
    await lost.close();
  });
});
