// What happens to the server while it observes a RabbitMQ. The clients' connections are to
// the broker: they notice nothing.
'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { freeze, thaw } = require('../integration/lib/processes');

// At any moment of its work, or of its start.
const killServer = {
  name: 'server-kill',
  title: 'kill -9 of the server',
  times: 20,
  quickTimes: 3,
  async inflict(scene) {
    await sleep(scene.random.between(20, 1500));
    await scene.server.kill();
    await scene.traffic.untilAccepted(100); // a backlog
    scene.over();
    await scene.server.start();
  },
};

const freezeServer = {
  name: 'server-freeze',
  title: 'SIGSTOP of the server, 30 s',
  times: 1,
  mostOnTheWay: Infinity, // all that comes in half a minute
  async inflict({ server }) {
    const { pid } = server.program.child;
    freeze(pid);
    await sleep(30000);
    thaw(pid);
  },
};

module.exports = [killServer, freezeServer];
