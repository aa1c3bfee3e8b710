// What happens between the server and RabbitMQ: the network, and the token that lets it in.
'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const env = require('../integration/lib/env');
const token = require('../integration/lib/token');
const { Proxy } = require('./lib/proxy');
const { inHand } = require('./lib/rabbitmq');

const portOf = (uri) => Number(/:(\d+)$/.exec(uri)[1]);
const withPort = (uri, port) => uri.replace(/:\d+$/, `:${port}`);

async function prepare(scene) {
  scene.proxy = await Proxy.start(portOf(env.amqpUri));
  scene.defer(() => scene.proxy.close());
  return { environment: { RABBITMQ_URI: withPort(env.amqpUri, scene.proxy.port) } };
}

const cut = {
  name: 'tcp-cut',
  title: 'TCP cut between server and broker',
  times: 20,
  quickTimes: 3,
  prepare,
  async inflict({ random, proxy, server }) {
    await sleep(random.between(20, 1500));
    assert.ok(proxy.connections > 0, 'there is no connection to cut');
    proxy.cut();
    await server.program.line(/lost the broker/);
  },
};

// Neither side hears of it: both have to notice the silence. Until the broker does, it holds
// back what the server has in hand.
const halfOpen = {
  name: 'half-open',
  title: 'half-open connections between server and broker',
  times: 2,
  mayReorder: {
    why: 'the broker offers what the server had in hand when it notices, too, later than newer messages',
    mostArrived: inHand,
    mostStored: inHand,
  },
  prepare,
  async inflict(scene) {
    await sleep(scene.random.between(20, 1500));
    assert.ok(scene.proxy.connections > 0, 'there is no connection to lose');
    scene.proxy.swallow();
    scene.over(); // new connections work
    await scene.server.program.line(/lost the broker/, 60000);
    scene.note('timed from the first lost byte: heartbeats notice it after 20 s');
  },
};

const kValid = 15; // seconds

function observerToken(claims, seconds) {
  const now = Math.floor(Date.now() / 1000);
  return token.forge({ ...claims, iat: now, exp: now + seconds });
}

const withPassword = (uri, password) => uri.replace(/:[^:@]*@/, `:${password}@`);

const expireToken = {
  name: 'token-expired',
  title: 'token of the server expired at the broker',
  times: 1,
  async prepare() {
    const claims = token.claims(await token.service());
    return { environment: { RABBITMQ_URI: withPassword(env.amqpUri, observerToken(claims, kValid)) } };
  },
  async inflict(scene) {
    const { server, traffic } = scene;
    // At the latest the next connection has to present the token again.
    await server.program.line(/token has expired/i, 120000);
    scene.note('the server says so, and is restarted with a new one');
    await traffic.untilAccepted(100);
    await server.stop();
    server.environment.RABBITMQ_URI = env.amqpUri;
    scene.over();
    await server.start();
  },
};

module.exports = [cut, halfOpen, expireToken];
