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
const slashUser = (id) => mint('user', id, '--app', env.app, '--slash-topics');
const service = () => mint('observer');

// Ids that no other test uses.
const unique = (prefix) => `${prefix}-${crypto.randomBytes(4).toString('hex')}`;

module.exports = { user, slashUser, service, unique };
