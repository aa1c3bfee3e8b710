// What a token does not allow. The broker answers by closing the connection.
'use strict';

const assert = require('node:assert/strict');
const { describe, it, before, after } = require('node:test');
const { once } = require('node:events');
const mqtt = require('mqtt');
const { ChatClient } = require('./lib/client');
const { Server } = require('./lib/server');
const engine = require('./lib/engine');
const env = require('./lib/env');
const mosquitto = require('./lib/mosquitto');
const token = require('./lib/token');

describe("A user's token", { timeout: 60000 }, () => {
  let server, mallory, victim, witness;

  before(async () => {
    server = await Server.start();
    [mallory, victim] = [token.unique('mallory'), token.unique('victim')];
    witness = await mosquitto.subscribe(await token.service(), `apps/tilechat/users/${victim}/#`, 'apps/observer/#', 'observer/#');
  });
  after(async () => {
    await witness.close();
    await server.stop();
  });

  async function connect(password) {
    const client = mqtt.connect(`mqtt://127.0.0.1:${env.mqttPort}`, {
      username: 'JWT', password, reconnectPeriod: 0,
    });
    client.on('error', () => {}); // told by 'close', which the tests wait for
    await once(client, 'connect', { signal: AbortSignal.timeout(10000) });
    return client;
  }

  const closed = (client) => once(client, 'close', { signal: AbortSignal.timeout(10000) });

  // What was refused had no effect: the next thing the witness sees is this marker.
  async function nothingHappened() {
    const marker = token.unique('marker');
    await mosquitto.publish(await token.service(), `apps/tilechat/users/${victim}/${marker}`, '{}');
    const { topic } = await witness.messages.take(() => true, 'marker');
    assert.equal(topic, `apps/tilechat/users/${victim}/${marker}`);
  }

  const forbiddenTopics = {
    "another user's outgoing address": () => `apps/tilechat/outgoing/users/${victim}/messages/x/outgoing`,
    "another user's legacy address": () => `apps/tilechat/users/${victim}/messages/x/outgoing`,
    "another user's inbox": () => `apps/tilechat/users/${victim}/messages/${mallory}/clientadded`,
    "another user's conversations": () => `apps/tilechat/users/${victim}/conversations/x/archive`,
    'a user whose id begins like the own': () => `apps/tilechat/users/${mallory}x/messages/y/clientadded`,
    'the own id in another app': () => `apps/other/users/${mallory}/messages/x/outgoing`,
    'group updates': () => 'apps/observer/tilechat/groups/update',
    'history of others': () => `apps/observer/tilechat/users/${victim}/messages/x/delivered`,
    'what was rejected': () => 'observer/rejected/apps/tilechat',
  };
  for (const [name, topic] of Object.entries(forbiddenTopics)) {
    it(`cannot publish to ${name}`, async () => {
      const client = await connect(await token.user(mallory));
      const end = closed(client);
      client.publish(topic(), '{"text":"forged","group":{"uid":"g","members":{}},"notify_to":{}}', { qos: 1 });
      await end;
      await nothingHappened();
    });
  }

  const forbiddenFilters = {
    "another user's inbox": () => `apps/tilechat/users/${victim}/#`,
    'all inboxes': () => 'apps/tilechat/users/+/messages/#',
    'all inboxes by a wildcard app': () => `apps/+/users/${mallory}/#`,
    everything: () => '#',
    'the own id without a subtree': () => `apps/tilechat/users/${mallory}`,
    'what was rejected': () => 'observer/rejected/apps/tilechat',
  };
  for (const [name, filter] of Object.entries(forbiddenFilters)) {
    it(`cannot subscribe to ${name}`, async () => {
      const client = await connect(await token.user(mallory));
      const end = closed(client);
      client.subscribe(filter(), () => {});
      await end;
    });
  }

  it('cannot be used when signed with another key', async () => {
    const good = await token.user(mallory);
    const [header, claims, signature] = good.split('.');
    const forged = `${header}.${claims}.${(signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)}`;
    const client = mqtt.connect(`mqtt://127.0.0.1:${env.mqttPort}`, { username: 'JWT', password: forged, reconnectPeriod: 0 });
    const [error] = await once(client, 'error', { signal: AbortSignal.timeout(10000) });
    assert.equal(error.code, engine.refusal);
  });

  it('allows what a user needs', async () => {
    const client = await ChatClient.connect(mallory);
    await client.send(mallory, 'to myself');
    await client.message('to myself');
    await client.close();
  });
});
