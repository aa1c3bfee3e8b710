// docs/openapi.yaml, held against what the server answers.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const Ajv = require('ajv');
const yaml = require('yaml');

const kFile = path.join(__dirname, '..', '..', '..', 'docs', 'openapi.yaml');
const text = fs.readFileSync(kFile, 'utf8');
const api = yaml.parse(text);

// Not strict: keywords of OpenAPI, which openapi.test.js judges, stand between those of JSON Schema.
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(api, 'api');

const escape = (key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));

function follow(node, at) {
  if (!node || !node.$ref) return { node, at };
  const keys = node.$ref.slice(2).split('/');
  return { node: keys.reduce((value, key) => value[key], api), at: keys };
}

// Every operation: {id, method, template, segments, operation, at}.
const operations = Object.entries(api.paths).flatMap(([template, item]) =>
  ['get', 'post', 'put', 'delete'].filter((method) => item[method]).map((method) => ({
    id: item[method].operationId,
    method: method.toUpperCase(),
    template,
    segments: template.split('/'),
    operation: item[method],
    at: ['paths', template, method],
    parameters: [...(item.parameters || []), ...(item[method].parameters || [])].map((p) => follow(p).node),
  })));

const isBrace = (segment) => segment.startsWith('{');
const words = ({ segments }) => segments.filter((segment) => !isBrace(segment)).length;

// The operation that a request means: words win over braces.
function find(method, target) {
  const segments = target.split('?')[0].replace(/\/$/, '').split('/');
  if (segments.length === 1) segments.push('');
  return operations
    .filter((candidate) => candidate.method === method && candidate.segments.length === segments.length &&
      candidate.segments.every((segment, i) => isBrace(segment) || segment === segments[i]))
    .sort((a, b) => words(b) - words(a))[0];
}

function validate(keys, value, what) {
  const check = ajv.compile({ $ref: `api#/${keys.map(escape).join('/')}` });
  assert.ok(check(value), `${what} is not what docs/openapi.yaml says: ${ajv.errorsText(check.errors)}: ${JSON.stringify(value).slice(0, 1000)}`);
}

// The media types under `at` that describe `contentType`.
function media({ node, at }, contentType) {
  const type = contentType.split(';')[0].trim();
  return node.content && node.content[type] && [...at, 'content', type, 'schema'];
}

// Checks an answer {status, type, text} to an operation.
function checkAnswer(found, { status, type, text: body }) {
  const what = `the answer ${status} to ${found.method} ${found.template}`;
  const documented = found.operation.responses[status];
  assert.ok(documented, `${what} is not documented: ${body.slice(0, 500)}`);
  const response = follow(documented, [...found.at, 'responses', String(status)]);
  if (!response.node.content) {
    // OpenAPI has no word for a body that is there only sometimes: Denied, where it is a Failure.
    if (body !== '') validate(['components', 'schemas', 'Failure'], JSON.parse(body), what);
    return;
  }
  const schema = media(response, type);
  assert.ok(schema, `${what} is of the type '${type}', which is not documented: ${body.slice(0, 500)}`);
  validate(schema, type.startsWith('application/json') ? JSON.parse(body) : body, what);
}

// Every example of the file with the schema that it illustrates.
function* examples(node = api, at = []) {
  if (node === null || typeof node !== 'object') return;
  if (node.schema && node.example !== undefined) yield { at, schema: [...at, 'schema'], example: node.example };
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'example') yield* examples(value, [...at, key]);
  }
}

module.exports = { file: kFile, text, api, operations, find, follow, validate, checkAnswer, examples };
