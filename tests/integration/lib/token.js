'use strict';

const crypto = require('node:crypto');
const env = require('./env');
const { mustRun } = require('./processes');

const known = new Map();

async function mint(...args) {
  const key = args.join(' ');
  if (!known.has(key)) known.set(key, (await mustRun(env.server, ['token', ...args])).trim());
  return known.get(key);
}

const user = (id, app = env.app) => mint('user', id, '--app', app);
const admin = (id, app = env.app) => mint('user', id, '--app', app, '--admin');
const slashUser = (id) => mint('user', id, '--app', env.app, '--slash-topics');
const service = () => mint('observer');

const kKey = process.env.JWT_KEY || 'tokenKey';
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Any token, also one that nobody should believe: as `user` mints it, with other claims or another header.
function forge(claims, { header = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256', key = kKey } = {}) {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${hash ? crypto.createHmac(hash, key).update(text).digest('base64url') : ''}`;
}

const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

// Ids that no other test uses.
const unique = (prefix) => `${prefix}-${crypto.randomBytes(4).toString('hex')}`;

module.exports = { user, admin, slashUser, service, forge, claims, unique };
