// The forms of addresses, and another app.
'use strict';

const assert = require('node:assert/strict');
const { describe, it, before, after } = require('node:test');
const { ChatClient } = require('./lib/client');
const { Server } = require('./lib/server');
const mosquitto = require('./lib/mosquitto');
const token = require('./lib/token');

describe('An address', { timeout: 60000 }, () => {
  let server, ann, bob, inboxes;

  before(async () => {
    server = await Server.start();
    [ann, bob] = [token.unique('ann'), token.unique('bob')];
    inboxes = [
      await mosquitto.subscribe(await token.slashUser(ann), `apps/tilechat/users/${ann}/#`, `/apps/tilechat/users/${ann}/#`),
      await mosquitto.subscribe(await token.slashUser(bob), `apps/tilechat/users/${bob}/#`, `/apps/tilechat/users/${bob}/#`),
    ];
  });
  after(async () => {
    for (const inbox of inboxes) await inbox.close();
    await server.stop();
  });

  const forms = [
    ['current form', () => `apps/tilechat/outgoing/users/${ann}/messages/${bob}/outgoing`, (me, other) => `apps/tilechat/users/${me}/messages/${other}/clientadded`],
    ['legacy form', () => `apps/tilechat/users/${ann}/messages/${bob}/outgoing`, (me, other) => `apps/tilechat/users/${me}/messages/${other}/clientadded`],
    ['form of the README', () => `apps/tilechat/users/${ann}/${bob}/messages/outgoing`, (me, other) => `apps/tilechat/users/${me}/${other}/messages/clientadded`],
    ['form of the README with a leading slash', () => `/apps/tilechat/users/${ann}/${bob}/messages/outgoing`, (me, other) => `/apps/tilechat/users/${me}/${other}/messages/clientadded`],
  ];
  for (const [name, outgoing, inbox] of forms) {
    it(`in the ${name} is answered in its own form`, async () => {
      await mosquitto.publish(await token.slashUser(ann), outgoing(), JSON.stringify({ text: name }));
      const [sent, delivered] = await Promise.all(
        inboxes.map(({ messages }) => messages.take(
          // The sender's own subtree also has what was sent in an older form.
          ({ topic, body }) => topic.endsWith('/clientadded') && JSON.parse(body).text === name,
          `message in the ${name}`,
        )),
      );
      assert.equal(sent.topic, inbox(ann, bob));
      assert.equal(delivered.topic, inbox(bob, ann));
      const [first, second] = [sent, delivered].map(({ body }) => JSON.parse(body));
      assert.equal(first.status, 100);
      assert.equal(second.status, 150);
      assert.equal(first.message_id, second.message_id);
      assert.deepEqual(await server.copies(first.message_id), [
        { timeline: ann, conversation: bob, status: 100 },
        { timeline: bob, conversation: ann, status: 150 },
      ]);
    });
  }
});

describe('Another app id', { timeout: 60000 }, () => {
  it('is used in every topic and row', async () => {
    const app = token.unique('shop');
    const server = await Server.start({ environment: { APP_ID: app } });
    const [annId, bobId] = [token.unique('ann'), token.unique('bob')];
    const ann = await ChatClient.connect(annId, { app });
    const bob = await ChatClient.connect(bobId, { app });

    await ann.send(bobId, 'other app');
    const { payload, topic } = await bob.message('other app');
    assert.equal(topic, `apps/${app}/users/${bobId}/messages/${annId}/clientadded`);
    assert.equal(payload.app_id, app);
    await bob.received(annId, payload.message_id);
    assert.ok((await ann.take('messageUpdated')).topic.startsWith(`apps/${app}/`));
    await bob.read(annId);
    assert.ok((await bob.take('conversationUpdated')).topic.startsWith(`apps/${app}/`));
    await bob.archive(annId);
    assert.ok((await bob.take('archivedConversationAdded')).topic.startsWith(`apps/${app}/`));
    assert.deepEqual(await server.rows('SELECT DISTINCT app FROM copies'), [{ app }]);

    await Promise.all([ann.close(), bob.close()]);
    await server.stop();
  });
});
