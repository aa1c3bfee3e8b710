// All tests of one engine in one process, one after the other: they share ports.
'use strict';

const env = require('./lib/env');

const kBoth = ['messages', 'updates', 'addresses', 'rights', 'bad_input', 'rest_client', 'rest_access', 'openapi', 'rest_crash'];
const kOnly = {
  rabbitmq: ['crash'],
  // Also those for which the engine does not matter.
  embedded: ['embedded_crash', 'embedded_limits', 'rest_limits', 'rest_tls', 'run_script'],
};

const kLong = process.env.CHAT21_TEST_LONG === 'yes' ? ['pressure'] : [];

for (const name of [...kBoth, ...kOnly[env.engine], ...kLong]) require(`./${name}.test.js`);
