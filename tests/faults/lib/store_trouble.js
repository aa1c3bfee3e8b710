// What both engines' stores suffer.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const env = require('../../integration/lib/env');

// Debian's libfaketime, wherever the architecture keeps it.
function faketime() {
  const file = fs.readdirSync('/usr/lib').map((folder) => path.join('/usr/lib', folder, 'faketime', 'libfaketimeMT.so.1')).find(fs.existsSync);
  assert.ok(file, 'libfaketime is missing: apt-get install faketime');
  return file;
}

// A clock of its own for a server and its children. `set` says how far it is off.
function makeClock() {
  const file = path.join(env.scratch, 'clock');
  const set = (seconds) => fs.writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  set(0);
  return {
    set,
    environment: { LD_PRELOAD: faketime(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
  };
}

const kHour = 3600; // seconds

// Ids and order go on as before; what the server stamps shows that it knows the new time.
const clockBack = (title) => ({
  name: 'clock-back',
  title,
  times: 1,
  async prepare(scene) {
    scene.clock = makeClock();
    return { environment: scene.clock.environment };
  },
  async inflict(scene) {
    scene.clock.set(-kHour);
    const when = performance.now();
    scene.over();
    await scene.traffic.untilNew(when);
    const [{ early }] = await scene.server.rows(
      `SELECT count(*) AS early FROM messages WHERE json_extract(body, '$.timestamp') < ${Date.now() - (kHour - 100) * 1000}`,
    );
    assert.ok(early > 0, 'the server did not notice its new clock');
  },
});

module.exports = { clockBack };
