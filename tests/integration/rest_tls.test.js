// HTTPS, with a certificate made for the test.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { once } = require('node:events');
const { describe, it, before, after } = require('node:test');
const mqtt = require('mqtt');
const env = require('./lib/env');
const { mustRun } = require('./lib/processes');
const raw = require('./lib/raw');
const rawWebSocket = require('./lib/raw_websocket');
const { Server } = require('./lib/server');
const token = require('./lib/token');

const file = (name) => path.join(env.scratch, name);
const [kCertificate, kKey] = ['tls.crt', 'tls.key'].map(file);

describe('With a certificate', { timeout: 60000 }, () => {
  let server;

  before(async () => {
    await mustRun('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-keyout', kKey, '-out', kCertificate, '-days', '1', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
    server = await Server.start({ http: true, environment: { CERT_PEM: kCertificate, KEY_PEM: kKey } });
  });
  after(() => server.stop());

  async function get(target, options = {}) {
    const request = https.get({ host: '127.0.0.1', port: server.port, path: target, ca: fs.readFileSync(kCertificate), agent: false, ...options });
    const [response] = await once(request, 'response', { signal: AbortSignal.timeout(10000) });
    const parts = await response.toArray();
    return { status: response.statusCode, text: Buffer.concat(parts).toString(), protocol: response.socket.getProtocol() };
  }

  it('it serves HTTPS to whoever trusts it', async () => {
    const { status, text, protocol } = await get('/verify', { headers: { Authorization: await token.user('ann') } });
    assert.equal(status, 200);
    assert.equal(JSON.parse(text).sub, 'ann');
    assert.equal(protocol, 'TLSv1.3');
  });

  it('it serves TLS 1.2, and nothing older', async () => {
    assert.equal((await get('/health', { maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2');
    await assert.rejects(get('/health', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), /alert|protocol|EPROTO/i);
  });

  it('it does not answer to plain HTTP with anything that belongs to somebody', async () => {
    const answer = await raw.exchange(server.port, raw.lines('GET', '/verify', { token: await token.user('ann') }));
    assert.ok(!answer.body.includes('sub'), answer.body);
    assert.equal((await get('/health')).status, 200);
  });

  it('it serves MQTT over WebSocket with the same one, and not without', async () => {
    const login = { username: 'JWT', password: await token.user('ann'), reconnectPeriod: 0 };
    const trusting = mqtt.connect(`wss://127.0.0.1:${env.webSocketPort}/ws`, { ...login, ca: fs.readFileSync(kCertificate) });
    await once(trusting, 'connect', { signal: AbortSignal.timeout(10000) });
    await trusting.endAsync();

    const { status } = await raw.exchange(env.webSocketPort, rawWebSocket.upgrade());
    assert.notEqual(status, 101);
  });
});

describe('With a certificate that cannot be used', { timeout: 30000 }, () => {
  for (const [name, environment] of [
    ['no key', () => ({ CERT_PEM: kCertificate })],
    ['files that are not there', () => ({ CERT_PEM: file('none.crt'), KEY_PEM: file('none.key') })],
    ['a key that is none', () => ({ CERT_PEM: kCertificate, KEY_PEM: kCertificate })],
  ]) {
    it(`(${name}) the server says so and does not start`, async () => {
      const server = new Server({ http: true, environment: environment() });
      server.launch();
      const { code } = await server.program.ended;
      assert.ok(code === 1 || code === 2, `${code}`);
      assert.match(server.program.output.join('\n'), /key|cert|\.crt/i);
    });
  }
});
