// The server and the broker end at any moment; nothing that the broker has
// confirmed to a sender is lost.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const broker = require('./lib/broker');
const { Load } = require('./lib/load');
const { Server } = require('./lib/server');

const kPerSecond = 1000;

describe('While 1,000 messages a second arrive', { timeout: 240000 }, () => {
  it('kill -9 of the server loses nothing', async (t) => {
    const server = await Server.start();
    const load = await Load.start(kPerSecond);
    for (let kill = 1; kill <= 5; ++kill) {
      await load.untilArrived(kill * 700); // in the middle of work
      await server.kill();
      await load.untilConfirmed(load.confirmed.size + 300); // a backlog
      await server.start();
    }
    await load.finish();
    await server.stop();
    await load.checkStore(server);
    t.diagnostic(`${load.sent} messages, 5 kills, ${load.repeated} processed twice`);
  });

  for (const [does, end] of [['stops and starts again', broker.stop], ['crashes', broker.kill]]) {
    it(`a broker that ${does} is found again, and nothing is lost`, async (t) => {
      const server = await Server.start();
      const load = await Load.start(kPerSecond);
      await load.untilArrived(1500);
      await end();
      await broker.start();
      await server.connected(60000);
      await load.untilConfirmed(load.confirmed.size + 1000);
      await load.finish();
      await server.stop();
      await load.checkStore(server);
      t.diagnostic(`${load.sent} messages, ${load.repeated} processed twice`);
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT']) {
    it(`${signal} lets the server finish its work and end with status 0`, async () => {
      const server = await Server.start();
      const load = await Load.start(kPerSecond);
      await load.untilArrived(1000);
      await server.stop(signal);
      await server.start();
      await load.untilArrived(2000);
      await load.finish();
      await server.stop(signal);
      await load.checkStore(server);
      // What was taken was finished: nothing had to be done again.
      assert.equal(load.repeated, 0);
      const [{ messages }] = await server.rows('SELECT count(*) AS messages FROM messages');
      assert.equal(messages, load.sent);
    });
  }
});

describe('A server that is started before the broker', { timeout: 120000 }, () => {
  it('says so once, waits, and works when the broker comes', async () => {
    await broker.purgeAll();
    await broker.stop();
    const server = new Server();
    server.launch();
    await server.program.line(/cannot reach the broker/);
    await broker.start();
    await server.connected(60000);
    assert.equal(server.log('cannot reach the broker').length, 1, server.program.output.join('\n'));
    const load = await Load.start(100);
    await load.untilArrived(20);
    await load.finish();
    await server.stop();
  });

  it('can be stopped while it waits', async () => {
    await broker.stop();
    const server = new Server();
    server.launch();
    await server.program.line(/cannot reach the broker/);
    await server.stop();
    await broker.start();
  });
});
