// docs/openapi.yaml and the server agree, so that clients can be made from the file.
'use strict';

const assert = require('node:assert/strict');
const { describe, it, before, after } = require('node:test');
const { Api } = require('./lib/api');
const contract = require('./lib/contract');
const env = require('./lib/env');
const { Server } = require('./lib/server');
const token = require('./lib/token');

describe('docs/openapi.yaml', { timeout: 120000 }, () => {
  it('is valid OpenAPI 3.0', async () => {
    const { Validator } = await import('@seriousme/openapi-schema-validator');
    const validator = new Validator();
    const { valid, errors } = await validator.validate(contract.api);
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, '3.0');
  });

  it('shows examples that are as their schemas say', () => {
    const all = [...contract.examples()];
    assert.ok(all.length > contract.operations.length, `only ${all.length} examples`);
    for (const { at, schema, example } of all) contract.validate(schema, example, `the example at ${at.join('/')}`);
  });

  it('has an example of every body and of every path parameter', () => {
    for (const { id, operation, parameters } of contract.operations) {
      const content = operation.requestBody && contract.follow(operation.requestBody).node.content['application/json'];
      assert.ok(!content || content.example, `${id} has no example of a body`);
      for (const { name, in: place, example } of parameters) {
        assert.ok(place !== 'path' || example !== undefined, `${id} has no example of ${name}`);
      }
    }
  });
});

describe('The examples of docs/openapi.yaml', { timeout: 120000 }, () => {
  // Creating comes before reading, and deleting last; otherwise as they stand in the file.
  const kOrder = ['POST', 'PUT', 'GET', 'DELETE'];
  const byMethod = (a, b) => kOrder.indexOf(a.method) - kOrder.indexOf(b.method);
  const creation = ({ id }) => id === 'createGroup';
  const sorted = [...contract.operations].sort((a, b) => creation(b) - creation(a) || byMethod(a, b));
  const kAdmins = ['notify']; // the others are for ann

  let server, ann, admin;
  before(async () => {
    server = await Server.start({
      http: true,
      environment: { PUSH_WH_WEBHOOK_TOKEN: 'a-secret-of-the-relay', PUSH_WH_NOTIFY_URL: 'http://127.0.0.1:9/' },
    });
    ann = new Api(server, await token.user('ann'));
    admin = new Api(server, await token.admin('root'));
  });
  after(() => server.stop());

  for (const { id, method, template, operation, parameters } of sorted) {
    it(`${method} ${template} (${id}) is answered as promised`, async () => {
      const target = parameters.reduce(
        (path, { name, example }) => path.replace(`{${name}}`, encodeURIComponent(example)), template);
      const content = operation.requestBody && contract.follow(operation.requestBody).node.content['application/json'];
      const api = kAdmins.includes(id) ? admin : ann;
      const { status, text } = await api.request(method, target, { body: content && content.example });
      const promised = Object.keys(operation.responses).find((name) => name.startsWith('2'));
      assert.equal(String(status), promised, text);
    });
  }

  it('are those of the file that the server gives out', async () => {
    const { text, type } = await new Api(server).get(`/api/openapi.yaml`);
    assert.equal(text, contract.text);
    assert.match(type, /^application\/yaml/);
    assert.equal(env.app, 'tilechat'); // as in the examples
  });
});
