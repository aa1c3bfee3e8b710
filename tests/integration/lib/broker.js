// The RabbitMQ that all tests share.
'use strict';

const env = require('./env');
const { run, mustRun } = require('./processes');

const script = (command, ...args) => mustRun(env.brokerScript, [command, env.brokerDirectory, ...args]);

const start = () => script('start', String(env.brokerPortBase));
const stop = () => script('stop');
const kill = () => script('kill');
const pause = () => script('pause');
const resume = () => script('resume');
const ctl = (...args) => script('ctl', ...args);

async function purge(queue) {
  const { code, stdout, stderr } = await run(env.brokerScript, ['ctl', env.brokerDirectory, 'purge_queue', queue]);
  const output = stdout + stderr;
  if (code !== 0 && !/not.found/i.test(output)) throw new Error(`cannot purge ${queue}: ${output}`);
}

// What an earlier test has left in the queues of the observer.
const purgeAll = () => Promise.all([purge('messages'), purge('persist')]);

const runs = async () => (await run(env.brokerScript, ['running', env.brokerDirectory])).code === 0;

module.exports = { start, stop, kill, pause, resume, ctl, runs, purgeAll };
