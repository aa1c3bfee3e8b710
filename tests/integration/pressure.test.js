// A slow store slows consumption, and leaves no trace. tests/faults/pressure.sh does the same
// for minutes, and prints what happens.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { Pressure, head, rowOf } = require('../faults/lib/pressure');

describe('With a store that is slow, and twice as many messages as go through', { timeout: 240000 }, () => {
  it('memory stays flat, nothing is lost, and everything is as before afterwards', async (t) => {
    head.forEach((line) => t.diagnostic(line));
    const pressure = await new Pressure({ mode: 'group', seconds: 6, interval: 3, print: (line) => t.diagnostic(rowOf(line, '')) }).run();
    assert.deepEqual(pressure.problems, []);
  });
});
