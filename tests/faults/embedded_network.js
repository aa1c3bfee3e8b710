// What happens to the connections of the embedded engine's broker, and to the tokens that let
// clients in.
'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { Api } = require('../integration/lib/api');
const env = require('../integration/lib/env');
const { mustRun } = require('../integration/lib/processes');
const token = require('../integration/lib/token');
const { kSentAgain } = require('./lib/embedded');
const { Proxy } = require('./lib/proxy');

// Whatever happens meanwhile: events.once() fails with an 'error', which is what we wait for.
const event = (client, name, patience = 120000) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`no '${name}' of a client within ${patience} ms`)), patience);
  client.once(name, (value) => {
    clearTimeout(timer);
    resolve(value);
  });
});

async function prepare(scene) {
  scene.proxy = await Proxy.start(env.mqttPort);
  scene.defer(() => scene.proxy.close());
  return { port: scene.proxy.port };
}

const cut = {
  name: 'tcp-cut',
  title: 'TCP cut between clients and broker',
  times: 20,
  resends: 'their connections end',
  mayReorder: kSentAgain,
  prepare,
  async inflict({ random, proxy, traffic }) {
    await sleep(random.between(20, 1500));
    const closed = Promise.all(traffic.pairs.map(({ from }) => event(from, 'close')));
    assert.ok(proxy.connections > 0, 'there is no connection to cut');
    proxy.cut();
    await closed;
  },
};

// Neither side hears of it: both have to notice the silence.
const halfOpen = {
  name: 'half-open',
  title: 'half-open connections between clients and broker',
  times: 1,
  resends: 'their connections end',
  mayReorder: kSentAgain,
  prepare,
  async inflict(scene) {
    const { proxy, traffic } = scene;
    await sleep(scene.random.between(20, 1500));
    assert.ok(proxy.connections > 0, 'there is no connection to lose');
    const closed = Promise.all(traffic.pairs.map(({ from }) => event(from, 'close')));
    proxy.swallow();
    scene.over(); // new connections work
    await closed;
    scene.note('recovery counts from the first lost byte: clients notice it by their keepalive of 60 s');
  },
};

// The connections of a process to the broker, as the kernel has them: local ports.
async function linksOf(pid) {
  const table = await mustRun('ss', ['-Htnp', 'state', 'established', `( dport = :${env.mqttPort} )`]);
  return table.split('\n').filter((line) => line.includes(`pid=${pid},`)).map((line) => /:(\d+)\s/.exec(line)[1]);
}

// The server speaks to its broker's only listener, so there is no place for a proxy: the
// kernel ends the connections.
const cutLink = {
  name: 'link-cut',
  title: 'TCP cut between server (REST API) and broker',
  times: 5,
  prepare: async () => ({ environment: { HTTP_ENABLED: 'true' } }),
  async inflict(scene, i) {
    const { server } = scene;
    if (i === 0) await server.serving();
    const links = await linksOf(server.program.child.pid);
    assert.ok(links.length > 0, 'the server has no connection to its broker');
    for (const port of links) await mustRun('ss', ['-K', '-tn', 'sport', '=', `:${port}`, 'dport', '=', `:${env.mqttPort}`]);
    const left = (await linksOf(server.program.child.pid)).filter((port) => links.includes(port));
    assert.deepEqual(left, [], 'the kernel has not cut the link: ss -K needs root (CAP_NET_ADMIN), and a kernel with CONFIG_INET_DIAG_DESTROY');
    await server.program.line(/the REST API and its broker.*lost the broker/);
    scene.over();
    const api = new Api(server);
    // A fence goes to the observer and back, through the link.
    for (const end = performance.now() + 30000; (await api.get('/ready')).status !== 200 || (await linksOf(server.program.child.pid)).length === 0;) {
      assert.ok(performance.now() < end, 'the link does not come back within 30 s');
      await sleep(100);
    }
    scene.note('clients notice nothing; half-open links are in tests/contract/mqtt_test.cc');
  },
};

const kValid = 15; // seconds; long enough to connect on a machine that is slow

function shortToken(claims) {
  const now = Math.floor(Date.now() / 1000);
  return token.forge({ ...claims, iat: now, exp: now + kValid });
}

// Of the senders. They come back with a token that is valid for seconds, send on until the
// broker throws them out, and come again with a new one.
const expireToken = {
  name: 'token-expired',
  title: 'tokens of connected clients expired at the broker',
  times: 2,
  resends: 'the broker ends their connections',
  mayReorder: kSentAgain,
  async inflict(scene) {
    const { server, traffic } = scene;
    await Promise.all(traffic.pairs.map(async ({ sender, from }) => {
      const valid = from.options.password;
      assert.equal(token.claims(valid).sub ?? sender, sender);
      from.options.password = shortToken(token.claims(valid));
      from.stream.destroy();
      await event(from, 'connect');
      await event(from, 'close');
      from.options.password = valid;
      scene.over();
    }));
    assert.ok(server.log('the token has expired').length > 0, 'the broker does not say why');
    scene.note('what they send then gets no PUBACK, until they come with a new token');
  },
};

module.exports = [cut, halfOpen, cutLink, expireToken];
