// Who may do what over HTTP: tokens that are none, and users who want what is not theirs.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const http = require('node:http');
const { once } = require('node:events');
const { describe, it, before, after } = require('node:test');
const { Api } = require('./lib/api');
const { Chat21Client } = require('./lib/chat21_client');
const contract = require('./lib/contract');
const { Mailbox } = require('./lib/mailbox');
const { Server } = require('./lib/server');
const token = require('./lib/token');

const isOpen = ({ operation }) => operation.security && operation.security.length === 0;
const example = ({ template, parameters }, ids = {}) => parameters.reduce(
  (path, { name, example: value }) => path.replace(`{${name}}`, encodeURIComponent(ids[name] || value)), template);

const kUnauthorized = { success: false, msg: 'Unauthorized.' };

describe('Over HTTP', { timeout: 60000 }, () => {
  let server, ann, bob, mallory, root, stranger, group;
  const draft = (recipient, text) => ({ sender_fullname: 'M', recipient_id: recipient, recipient_fullname: 'R', text });

  before(async () => {
    server = await Server.start({ http: true });
    [ann, bob, mallory] = await Promise.all(
      ['ann', 'bob', 'mallory'].map((name) => Chat21Client.connect(token.unique(name), server)));
    root = new Api(server, await token.admin(token.unique('root')));
    stranger = new Api(server, await token.user(ann.user, 'otherapp'));
    group = token.unique('group-access');
    await ann.createGroup('Private', group, [ann.user, bob.user]);
    await ann.send(bob.user, 'between us');
    await bob.message('between us');
  });
  after(async () => {
    await Promise.all([ann, bob, mallory].map((client) => client.close()));
    await server.stop();
  });

  describe('without a valid token', () => {
    const forgeries = {
      'no token': () => undefined,
      'no token at all in it': () => 'Bearer ',
      'an expired one': (claims) => token.forge({ ...claims, exp: Math.floor(Date.now() / 1000) - 1 }),
      'one that never expires': ({ exp, ...claims }) => token.forge(claims),
      'one that is not valid yet': (claims) => token.forge({ ...claims, nbf: Math.floor(Date.now() / 1000) + 3600 }),
      'another key': (claims) => token.forge(claims, { key: 'guessed' }),
      'alg none': (claims) => token.forge(claims, { header: { alg: 'none', typ: 'JWT' }, hash: null }),
      'alg none with a signature': (claims) => token.forge(claims, { header: { alg: 'none', typ: 'JWT' } }),
      'HS512': (claims) => token.forge(claims, { header: { alg: 'HS512', typ: 'JWT' }, hash: 'sha512' }),
      'the word RS256 over a signature with our key': (claims) => token.forge(claims, { header: { alg: 'RS256', typ: 'JWT' } }),
      'a real RS256 signature': rs256,
      'another audience': (claims) => token.forge({ ...claims, aud: ['somebody-else'] }),
      'no audience': ({ aud, ...claims }) => token.forge(claims),
      'no subject': ({ sub, ...claims }) => token.forge(claims),
      'no app': ({ app_id, ...claims }) => token.forge(claims),
      'claims that are no object': () => token.forge([1]),
      'two dots': () => '..',
      'a changed claim': (claims, good) => {
        const [header, , signature] = good.split('.');
        const forged = Buffer.from(JSON.stringify({ ...claims, tiledesk_api_roles: 'admin' })).toString('base64url');
        return `${header}.${forged}.${signature}`;
      },
      'a cut signature': (claims, good) => good.slice(0, -4),
      'no signature': (claims, good) => good.slice(0, good.lastIndexOf('.') + 1),
    };

    function rs256(claims) {
      const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
      const unsigned = token.forge(claims, { header: { alg: 'RS256', typ: 'JWT' }, hash: null });
      return unsigned + crypto.sign('sha256', Buffer.from(unsigned.slice(0, -1)), privateKey).toString('base64url');
    }

    for (const [name, forge] of Object.entries(forgeries)) {
      it(`(${name}) nobody reads, and nobody sends`, async () => {
        const good = await token.user(ann.user);
        const api = new Api(server, forge(token.claims(good), good));
        for (const { status, json } of [
          await api.get('/verify'),
          await api.get(`${ann.mine}/conversations`),
          await api.post('/api/tilechat/messages', draft(bob.user, 'forged')),
        ]) {
          assert.equal(status, 403);
          assert.deepEqual(json, kUnauthorized);
        }
      });
    }

    it('every operation that is not for everybody is refused', async () => {
      const api = new Api(server);
      for (const operation of contract.operations.filter((candidate) => !isOpen(candidate))) {
        const { status, json } = await api.request(operation.method, example(operation), { body: operation.method === 'GET' ? undefined : {} });
        assert.equal(status, 403, operation.id);
        assert.deepEqual(json, kUnauthorized);
      }
    });

    it('an unknown address does not say that it is unknown', async () => {
      assert.equal((await new Api(server).get('/api/tilechat/nowhere/at/all')).status, 403);
      assert.equal((await ann.api.get('/api/tilechat/nowhere/at/all')).status, 404);
      assert.equal((await ann.api.put('/verify')).status, 404);
      assert.equal((await ann.api.get('/test')).status, 404);
    });
  });

  describe('a valid token', () => {
    const claims = async () => token.claims(await token.user(ann.user));
    const forms = {
      'as it is': (jwt) => [{ Authorization: jwt }, ''],
      'after Bearer': (jwt) => [{ Authorization: `Bearer ${jwt}` }, ''],
      'as the parameter jwt': (jwt) => [{}, `?jwt=${jwt}`],
      'as the parameter JWT': (jwt) => [{}, `?JWT=${jwt}`],
      'as the parameter token': (jwt) => [{}, `?token=${jwt}`],
    };
    for (const [name, form] of Object.entries(forms)) {
      it(`works ${name}`, async () => {
        const [headers, query] = form(await token.user(ann.user));
        const { status, json } = await new Api(server).get(`/verify${query}`, { headers });
        assert.equal(status, 200);
        assert.deepEqual(json, await claims());
      });
    }

    it('in the header wins over one in the query', async () => {
      const { json } = await ann.api.get(`/verify?jwt=${await token.user(bob.user)}`);
      assert.equal(json.sub, ann.user);
    });
  });

  describe('another user', () => {
    // Whatever belongs to ann; {user} is ann in all of them.
    const hers = ['listConversations', 'listArchived', 'listArchivedConversations', 'getConversation', 'getArchivedConversation',
      'listMessages', 'getUnread', 'listGroups', 'listBlocks', 'getBlock', 'putBlock', 'deleteBlock', 'saveInstance'];
    for (const id of hers) {
      it(`gets 401 from ${id}, and nothing of it`, async () => {
        const operation = contract.operations.find((candidate) => candidate.id === id);
        const ids = { user: ann.user, conversation: bob.user, other: bob.user };
        const { status, text } = await mallory.api.request(operation.method, example(operation, ids));
        assert.equal(status, 401);
        assert.equal(text, id === 'saveInstance' ? 'Unauthorized.' : '');
      });
    }

    it('has not blocked anybody in her name, nor registered a device', async () => {
      assert.deepEqual((await ann.api.get(`${ann.mine}/blocks`)).json.result, []);
      assert.deepEqual(await server.rows('SELECT * FROM instances'), []);
    });

    it('that is an admin reads her lists, but not her messages', async () => {
      assert.equal((await root.get(`${ann.mine}/conversations`)).json.result[0].last_message_text, 'between us');
      assert.equal((await root.get(`${ann.mine}/conversations/${bob.user}/messages`)).status, 401);
      assert.equal((await root.post(`${ann.mine}/instances/device`, {})).status, 401);
    });
  });

  describe('the token of another app', () => {
    for (const operation of contract.operations.filter((candidate) => candidate.operation.responses['401'])) {
      it(`gets 401 from ${operation.id}`, async () => {
        const ids = { user: ann.user, conversation: bob.user, other: bob.user, group, member: bob.user };
        const content = operation.operation.requestBody && contract.follow(operation.operation.requestBody).node.content['application/json'];
        const { status } = await stranger.request(operation.method, example(operation, ids), { body: content && content.example });
        // Only admins of the own app may notify; who is none is told so first.
        assert.equal(status, operation.id === 'notify' ? 403 : 401);
      });
    }
  });

  describe('a group', () => {
    const unchanged = async (what, attempts) => {
      const before = (await ann.groupData(group)).json.result;
      await attempts();
      assert.deepEqual((await ann.groupData(group)).json.result, before, what);
    };
    const at = (rest = '') => `/api/tilechat/groups/${group}${rest}`;

    it('is not read by who is no member', async () => {
      const { status, json } = await mallory.groupData(group);
      assert.equal(status, 401);
      assert.deepEqual(json, { success: false, err: 'Permission denied' });
      assert.equal((await bob.groupData(group)).status, 200);
      assert.equal((await root.get(at())).status, 200);
      assert.equal((await mallory.groupData('group-of-nobody')).status, 404);
    });

    it('is not changed by members or strangers', () => unchanged('', async () => {
      for (const { api, user } of [bob, mallory]) {
        const refused = [
          await api.put(at(), { group_name: 'Mine' }),
          await api.put(at('/attributes'), { attributes: { mine: true } }),
          await api.put(at('/members'), { members: { [user]: 1 } }),
          await api.post(at('/members'), { member_id: mallory.user }),
          await api.delete(at(`/members/${ann.user}`)),
        ];
        assert.deepEqual(refused.map(({ status }) => status), [405, 405, 405, 405, 405]);
        assert.equal((await api.delete(at())).status, 401);
        for (const what of ['messages', 'conversations']) {
          assert.equal((await api.delete(`/api/tilechat/${group}/${what}/timelines`)).status, 401);
        }
      }
      assert.ok((await ann.messages(group)).json.result.length > 0);
    }));

    it('is not taken over by creating it again', () => unchanged('', async () => {
      for (const { api, user } of [bob, mallory]) {
        const { status } = await api.post('/api/tilechat/groups', { group_name: 'Mine', group_id: group, group_members: { [user]: 1 } });
        assert.equal(status, 405);
      }
    }));

    it('is not created for somebody else, except by an admin', async () => {
      const create = async (api, id) => (await api.post('/api/tilechat/groups', {
        group_name: 'G', group_id: id, group_members: { [bob.user]: 1 }, group_owner: bob.user,
      })).json.group;
      const own = await create(mallory.api, token.unique('group-own'));
      assert.equal(own.owner, mallory.user);
      assert.deepEqual(Object.keys(own.members).sort(), [bob.user, mallory.user].sort());
      const forBob = await create(root, token.unique('group-for-bob'));
      assert.equal(forBob.owner, bob.user);
      assert.deepEqual(forBob.members, { [bob.user]: 1 });
    });

    it('is left by who wants to', async () => {
      assert.equal((await bob.leaveGroup(group)).status, 200);
      assert.deepEqual((await ann.groupData(group)).json.result.members, { [ann.user]: 1 });
    });

    it('is changed by an admin', async () => {
      assert.equal((await root.put(at(), { group_name: 'Renamed' })).status, 200);
      assert.equal((await root.post(at('/members'), { member_id: bob.user })).status, 200);
      assert.equal((await root.delete(at(`/members/${ann.user}`))).status, 200);
      assert.deepEqual((await bob.groupData(group)).json.result.members, { [bob.user]: 1 });
    });
  });

  describe('on behalf of others', () => {
    it('an admin sends, and a user only for himself', async () => {
      const forAnn = { ...draft(bob.user, 'in her name'), sender_id: ann.user };
      assert.equal((await root.post('/api/tilechat/messages', forAnn)).status, 200);
      assert.equal((await bob.message('in her name')).payload.sender, ann.user);
      const pretended = { ...draft(bob.user, 'not in her name'), sender_id: ann.user };
      assert.equal((await mallory.api.post('/api/tilechat/messages', pretended)).status, 200);
      assert.equal((await bob.message('not in her name')).payload.sender, mallory.user);
    });

    it('an admin sends in sync, and gets that message', async () => {
      const { json } = await root.post('/api/tilechat/messages/sync', { ...draft(bob.user, 'synced'), sender_id: ann.user });
      assert.deepEqual([json.message.sender, json.message.text], [ann.user, 'synced']);
    });

    it('an admin archives, and a user only for himself', async () => {
      const archived = async ({ api, mine }) => (await api.get(`${mine}/archived_conversations`)).json.result.map(({ conversWith }) => conversWith);
      await mallory.send(bob.user, 'to be archived');
      await bob.message('to be archived');
      await mallory.api.delete(`/api/tilechat/conversations/${bob.user}`, { user_id: ann.user });
      assert.deepEqual(await archived(ann), []);
      assert.deepEqual(await archived(mallory), [bob.user]);
      assert.equal((await root.delete(`/api/tilechat/conversations/${bob.user}`, { user_id: ann.user })).status, 201);
      assert.deepEqual(await archived(ann), [bob.user]);
    });

    it('nobody but an admin notifies', async () => {
      const event = { event_type: 'message-delivered', delivered_to: bob.user, data: { app_id: 'tilechat' } };
      assert.deepEqual((await mallory.api.post('/api/tilechat/notify', event)).json, kUnauthorized);
      assert.equal((await root.post('/api/tilechat/notify', event)).status, 200);
    });
  });
});

describe('The relay of webhooks', { timeout: 60000 }, () => {
  it('passes on what comes with its own token, and nothing else', async () => {
    const events = new Mailbox('push server');
    const receiver = http.createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      events.put({ body: JSON.parse(body), authorization: request.headers.authorization });
      response.end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const server = await Server.start({ http: true, environment: {
      PUSH_WH_WEBHOOK_TOKEN: 'secret', PUSH_WH_NOTIFY_URL: `http://127.0.0.1:${receiver.address().port}/`, PUSH_WH_CHAT21_API_ADMIN_TOKEN: 'admin',
    } });
    const post = (name, event) => new Api(server).post(`/api/tilechat/push/webhook/endpoint/${name}`, event);
    const event = (n) => ({ event_type: 'message-delivered', data: { n } });
    for (const answer of [await post('guessed', event(1)), await post('secret', { ...event(2), event_type: 'other' }), await post('secret', event(3))]) {
      assert.deepEqual([answer.status, answer.json], [200, { success: true }]);
    }
    const first = await events.take(() => true, 'event');
    assert.deepEqual(first, { body: event(3), authorization: 'admin' });
    await server.stop();
    receiver.close();
  });
});
