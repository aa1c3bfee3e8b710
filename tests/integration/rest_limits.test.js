// Bad input over HTTP, and clients that are not nice: each gets its status code, and nobody else notices.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { once } = require('node:events');
const { describe, it, before, after } = require('node:test');
const { Api } = require('./lib/api');
const { Chat21Client } = require('./lib/chat21_client');
const raw = require('./lib/raw');
const { Server } = require('./lib/server');
const token = require('./lib/token');

describe('A request', { timeout: 60000 }, () => {
  let server, ann, bob, jwt;
  const kMessages = '/api/tilechat/messages';
  const draft = (more) => ({ sender_fullname: 'Ann', recipient_id: bob.user, recipient_fullname: 'Bob', text: 'x', ...more });

  before(async () => {
    server = await Server.start({ http: true });
    [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => Chat21Client.connect(token.unique(name), server)));
    jwt = await token.user(ann.user);
    await ann.send(bob.user, 'only for us');
    await bob.message('only for us');
  });
  after(async () => {
    await Promise.all([ann, bob].map((client) => client.close()));
    await server.stop();
  });

  const brokenBodies = {
    'no body': '', 'half an object': '{"sender_fullname":', 'an array': '[]', 'a number': '5', 'a word': 'null',
    'two objects': '{}{}', 'a comma too many': '{"a":1,}', 'a comment': '{/**/}', 'single quotes': "{'a':1}",
    'a lone surrogate': '{"text":"\\ud800"}', 'a number out of range': '{"timestamp":1e999}',
    'an object 1,000 levels deep': `{"attributes":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}}`,
  };
  for (const [name, body] of Object.entries(brokenBodies)) {
    it(`with ${name} as its body is answered with 400`, async () => {
      const { status, json } = await ann.api.post(kMessages, body);
      assert.equal(status, 400);
      assert.equal(json.success, false);
    });
  }

  it('with bytes that are no UTF-8 is answered with 400', async () => {
    const body = Buffer.from('{"text":"\xff\xfe"}', 'latin1');
    const bytes = Buffer.concat([Buffer.from(raw.lines('POST', kMessages, { token: jwt, headers: [`Content-Length: ${body.length}`] })), body]);
    assert.equal((await raw.exchange(server.port, bytes)).status, 400);
  });

  it('with a body over the limit is answered with 413', async () => {
    const { status } = await ann.api.post(kMessages, draft({ text: 'x'.repeat(101 * 1024) }));
    assert.equal(status, 413);
    // Who says so beforehand need not send it.
    const announced = raw.lines('POST', kMessages, { token: jwt, headers: ['Content-Length: 1000000000000'] });
    assert.equal((await raw.exchange(server.port, announced)).status, 413);
    assert.equal((await ann.api.post(kMessages, draft({ text: 'x'.repeat(90 * 1024) }))).status, 200);
  });

  it('with a header over the limit is answered with 431', async () => {
    const bytes = raw.lines('GET', '/health', { headers: [`X-Long: ${'x'.repeat(20000)}`] });
    assert.equal((await raw.exchange(server.port, bytes)).status, 431);
    const many = raw.lines('GET', '/health', { headers: Array.from({ length: 2000 }, (_, i) => `X-${i}: 1`) });
    assert.equal((await raw.exchange(server.port, many)).status, 431);
    assert.equal((await raw.exchange(server.port, raw.lines('GET', `/health?${'x'.repeat(20000)}`))).status, 431);
  });

  for (const [name, bytes] of Object.entries({
    'no HTTP': 'hello\r\n\r\n',
    'two lengths': 'POST /api/tilechat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
    'a length and chunks': 'POST /api/tilechat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
    'a length that is no number': 'POST /api/tilechat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n{}',
    'a header without a colon': 'GET /health HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n',
  })) {
    it(`that is ${name} is answered with 400, and the connection ends`, async () => {
      assert.equal((await raw.exchange(server.port, bytes)).status, 400);
    });
  }

  const kForbidden = {
    'a dot': 'a.b', 'a slash': 'a/b', 'a plus': 'a+b', 'a hash': 'a#b', 'a star': '*', 'a percent sign': 'a%b',
    'a dollar at the beginning': '$SYS', 'a control character': 'a\nb', 'a null': 'a\0b', 'a C1 control': 'a\u0085b', 'too many bytes': 'x'.repeat(200),
  };
  for (const [name, id] of Object.entries(kForbidden)) {
    it(`whose id has ${name} is answered with 405 and a sentence`, async () => {
      const address = encodeURIComponent(id).replaceAll('.', '%2E');
      const answers = [
        await ann.api.get(`${ann.mine}/conversations/${address}`),
        await ann.api.delete(`/api/tilechat/conversations/${address}`),
        await ann.api.get(`/api/tilechat/groups/${address}`),
        await ann.api.post(kMessages, draft({ recipient_id: id })),
        await ann.api.post('/api/tilechat/groups', { group_name: 'G', group_id: `group-${id}`, group_members: {} }),
        await ann.api.post('/api/tilechat/groups', { group_name: 'G', group_members: { [id]: 1 } }),
      ];
      // What is only forbidden at the beginning may stand after "group-".
      if (id.startsWith('$')) answers.splice(4, 1);
      for (const { status, type, text } of answers) {
        assert.equal(status, 405, text);
        assert.match(type, /^text\/plain/);
        assert.match(text, /\w/);
      }
    });
  }

  it('whose id is no UTF-8 is answered with 405, and one that is wrongly encoded with 400', async () => {
    for (const [id, status] of [['%ff', 405], ['%', 400], ['%zz', 400]]) {
      assert.equal((await raw.exchange(server.port, raw.lines('GET', `${ann.mine}/conversations/${id}`, { token: jwt }))).status, status, id);
    }
  });

  for (const path of ['/../../etc/passwd', '/api/../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/api/tilechat/..%2f..%2fetc/passwd', '/..\\..\\etc\\passwd', '//etc/passwd', '/openapi.yaml', '/api/chat21.db']) {
    it(`for ${path} finds no file`, async () => {
      const { status, body } = await raw.exchange(server.port, raw.lines('GET', path, { token: jwt }));
      assert.ok([404, 405].includes(status), `${status}`);
      assert.ok(!body.includes('root:') && !body.includes('openapi:'), body);
    });
  }

  for (const id of ["' OR '1'='1", `x' UNION SELECT * FROM messages--`, "'; DROP TABLE messages;--", '"', '\\', '{"$ne":null}', 'ann\u0027', '\u202e', '%27']) {
    it(`for a user called ${JSON.stringify(id)} is about a user with exactly this name`, async () => {
      const safe = id.replaceAll(/[*%./+#]/g, '-').replace(/^\$/, '');
      const own = new Api(server, await token.user(safe));
      const mine = `/api/tilechat/${encodeURIComponent(safe)}`;
      assert.deepEqual((await own.get(`${mine}/conversations`)).json.result, []);
      assert.deepEqual((await own.get(`${mine}/conversations/${encodeURIComponent(safe)}/messages`)).json.result, []);
      assert.equal((await own.get(`${ann.mine}/conversations`)).status, 401);
      assert.equal((await ann.messages(bob.user)).json.result.at(-1).text, 'only for us');
    });
  }

  const kWrongQueries = ['limit=0', 'limit=201', 'limit=-1', 'limit=1e2', 'limit=', 'limit=ten', 'limit=99999999999999999999'];
  for (const query of kWrongQueries) {
    it(`with ?${query} is answered with 405`, async () => {
      for (const list of ['conversations', `conversations/${bob.user}/messages`, 'groups', 'blocks']) {
        assert.equal((await ann.api.get(`${ann.mine}/${list}?${query}`)).status, 405, list);
      }
    });
  }

  it('with a cursor or a message id that is none is answered with 405', async () => {
    for (const target of ['conversations?cursor=nonsense', 'groups?cursor=..', `conversations/${bob.user}/messages?before=${'x'.repeat(37)}`,
      `conversations/${bob.user}/messages?after=a.b`, `conversations/${bob.user}/messages?before=%00`]) {
      assert.equal((await ann.api.get(`${ann.mine}/${target}`)).status, 405, target);
    }
  });

  for (const [field, sentence] of [['sender_fullname', 'Sender Fullname is mandatory'], ['recipient_id', 'Recipient id is mandatory'],
    ['recipient_fullname', 'Recipient Fullname is mandatory']]) {
    it(`to send without ${field} is answered as the Node server does`, async () => {
      for (const target of [kMessages, `${kMessages}/sync`]) {
        const { status, text } = await ann.api.post(target, draft({ [field]: undefined }));
        assert.deepEqual([status, text], [405, sentence]);
      }
    });
  }

  for (const [method, rest, sentence] of [
    ['POST', '', 'group_name not present!'], ['PUT', '/group-1', 'group_name is mandatory'], ['PUT', '/group-1/attributes', 'attributes is mandatory'],
    ['POST', '/group-1/members', 'member_id is mandatory!'], ['PUT', '/group-1/members', 'members is mandatory'],
  ]) {
    it(`${method} /groups${rest} without its field is answered as the Node server does`, async () => {
      const { status, text } = await ann.api.request(method, `/api/tilechat/groups${rest}`, { body: {} });
      assert.deepEqual([status, text], [405, sentence]);
    });
  }

  it('may end with a slash', async () => {
    assert.equal((await ann.api.get(`${ann.mine}/conversations/`)).status, 200);
    assert.equal((await ann.api.get('/verify/')).status, 200);
  });

  it('of a browser is answered with the headers of CORS, and a preflight before the token', async () => {
    const preflight = await new Api(server).request('OPTIONS', `${ann.mine}/conversations`, {
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' },
    });
    assert.equal(preflight.status, 204);
    const answers = [preflight, await ann.api.get('/verify'), await new Api(server).get('/verify'), await ann.api.post(kMessages, '{')];
    for (const { headers } of answers) {
      assert.equal(headers.get('access-control-allow-origin'), '*');
      assert.equal(headers.get('access-control-allow-headers'), 'Origin, X-Requested-With, Content-Type, Accept, Authorization, X-XSRF-Token');
      assert.equal(headers.get('access-control-allow-methods'), 'GET, POST, PUT, DELETE, OPTIONS');
    }
  });

  it('HEAD is answered as GET, without the body', async () => {
    const { status, headers, body } = await raw.exchange(server.port, raw.lines('HEAD', '/health'));
    assert.equal(status, 200);
    assert.ok(Number(headers['content-length']) > 0);
    assert.equal(body, '');
  });

  it('several times on one connection is answered in order', async () => {
    const bytes = `${'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20)}GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const socket = raw.connect(server.port);
    let text = '';
    socket.on('data', (part) => { text += part; });
    socket.write(bytes);
    await once(socket, 'close', { signal: AbortSignal.timeout(10000) });
    assert.deepEqual([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)), [...Array(20).fill(200), 403]);
  });
});

describe('Clients that send a byte a second', { timeout: 120000 }, () => {
  const kSlow = 600;
  const kSeconds = 4;
  let server, ann;

  before(async () => {
    server = await Server.start({ http: true, environment: { HTTP_REQUEST_TIMEOUT: `${kSeconds}s` } });
    ann = await Chat21Client.connect(token.unique('ann'), server);
  });
  after(async () => {
    await ann.close();
    await server.stop();
  });

  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${server.program.child.pid}/status`, 'utf8'))[1]);

  it('are answered with 408 in the end, and keep nobody else waiting', async (t) => {
    await ann.conversations(); // what the first request needs is there
    const before = resident();
    const request = raw.lines('GET', '/health', { headers: ['X-Slow: '.padEnd(2000, 'x')] });
    const slow = Array.from({ length: kSlow }, () => {
      const socket = raw.connect(server.port);
      const client = { socket, text: '' };
      socket.on('data', (part) => { client.text += part; });
      client.closed = once(socket, 'close', { signal: AbortSignal.timeout((kSeconds + 20) * 1000) });
      return client;
    });
    await Promise.all(slow.map(({ socket }) => once(socket, 'connect')));
    let sent = 0;
    const feed = () => slow.forEach(({ socket }) => socket.writable && socket.write(request[sent]));
    feed();
    const timer = setInterval(() => { ++sent; feed(); }, 1000);

    const times = [];
    let grown = 0;
    const others = (async () => {
      const end = Date.now() + (kSeconds - 1) * 1000;
      while (Date.now() < end) {
        const began = performance.now();
        assert.equal((await ann.conversations()).status, 200);
        times.push(performance.now() - began);
        grown = Math.max(grown, resident() - before);
      }
    })();
    await others;
    await Promise.all(slow.map(({ closed }) => closed));
    clearInterval(timer);
    const statuses = slow.map(({ text }) => (/^HTTP\/1\.1 (\d+)/.exec(text) || [])[1]);
    assert.deepEqual([...new Set(statuses)], ['408']);
    times.sort((a, b) => a - b);
    const slowest = times.at(-1);
    t.diagnostic(`${times.length} requests beside ${kSlow} slow clients, the slowest took ${slowest.toFixed(0)} ms; ${grown} KiB more memory`);
    assert.ok(slowest < 2000, `${slowest} ms`);
    assert.ok(grown < kSlow * 64, `${grown} KiB more for ${kSlow} connections`);
  });
});

describe('Too many connections', { timeout: 60000 }, () => {
  it('are answered with 503 and closed; those who were there stay', async () => {
    const server = await Server.start({ http: true, environment: { HTTP_MAX_CONNECTIONS: '20' } });
    const held = Array.from({ length: 20 }, () => raw.connect(server.port));
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    const answer = async (socket) => {
      const got = once(socket, 'data', { signal: AbortSignal.timeout(10000) });
      socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
      return (await got).toString().split(' ')[1];
    };
    // Answered, so the server has taken all of them.
    assert.deepEqual(await Promise.all(held.map(answer)), Array(20).fill('200'));
    assert.equal((await raw.exchange(server.port, raw.lines('GET', '/health'))).status, 503);
    assert.equal(await answer(held[0]), '200');
    held.forEach((socket) => socket.destroy());
    await server.stop();
  });
});
