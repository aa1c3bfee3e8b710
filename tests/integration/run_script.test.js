// ./run.sh as a new user would try it.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { describe, it } = require('node:test');
const env = require('./lib/env');
const { Program, run } = require('./lib/processes');

const kScript = path.join(env.root, 'run.sh');
const kPorts = [0, 1, 2, 3, 4, 5].map((i) => env.freePortBase + i);
const kBuild = 600000; // ms: the first run builds the release

const data = (name) => path.join(env.scratch, name);
const options = (name) => ['--no-install', '--data', data(name), '--port-base', String(env.freePortBase)];

// Whether somebody listens.
function open(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('close', () => socket.destroy()).unref();
  });
}

// Command lines of processes that work in a directory, found by its name.
function processesOf(directory) {
  return fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).flatMap((pid) => {
    try {
      const text = ['cmdline', 'environ'].map((file) => fs.readFileSync(`/proc/${pid}/${file}`, 'utf8')).join('\0');
      return text.includes(directory) ? [`${pid} ${text.slice(0, 100)}`] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

async function nothingRuns(directory) {
  for (const port of kPorts) assert.equal(await open(port), false, `port ${port} is still open`);
  assert.deepEqual(processesOf(directory), []);
}

describe('./run.sh', { timeout: kBuild }, () => {
  it('--demo shows a message in both inboxes and in the store, and leaves nothing running', async () => {
    const { code, stdout, stderr } = await run(kScript, ['--demo', ...options('tried here')]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /ann publishes +apps\/tilechat\/outgoing\/users\/ann\/messages\/bob\/outgoing/);
    assert.match(stdout, /ann receives +apps\/tilechat\/users\/ann\/messages\/bob\/clientadded +status 100/);
    assert.match(stdout, /bob receives +apps\/tilechat\/users\/bob\/messages\/ann\/clientadded +status 150/);
    assert.equal(stdout.match(/"attributes": null/g).length, 2);
    assert.match(stdout, new RegExp(`ann asks over HTTP: GET http://127\\.0\\.0\\.1:${env.freePortBase + 5}/api/tilechat/ann/`));
    const ids = [...stdout.matchAll(/"message_id": "([^"]+)"/g)].map(([, id]) => id);
    assert.equal(ids.length, 2);
    assert.equal(ids[0], ids[1]);
    // Two copies, two conversations, one body.
    assert.equal(stdout.split('\n').filter((line) => line.includes('│') && line.includes(ids[0])).length, 5, stdout);
    await nothingRuns(data('tried here'));
  });

  it('prints commands that work when pasted, and ends well on Ctrl-C', async () => {
    const program = new Program('run.sh', kScript, options('tried here'));
    await program.line(/Ctrl-C stops everything/, kBuild);
    const command = (name) => program.output.find((line) => line.trim().startsWith(name)).trim();
    const shell = (text) => new Program(text, 'bash', ['-c', `exec stdbuf -oL ${text}`], { cwd: '/' });

    const listener = shell(`${command('mosquitto_sub')} -d`);
    await listener.line(/^Subscribed/);
    const sender = shell(command('mosquitto_pub'));
    assert.deepEqual(await sender.ended, { code: 0, signal: null }, sender.output.join('\n'));
    const arrived = await listener.line(/clientadded /);
    const message = JSON.parse(arrived.slice(arrived.indexOf('{')));
    assert.equal(message.status, 150);
    assert.equal(message.sender, 'ann');
    await listener.end();

    const curls = program.output.filter((line) => line.trim().startsWith('curl'));
    assert.equal(curls.length, 3);
    for (const command of curls) {
      const { code, stdout, stderr } = await run('bash', ['-c', `${command} -sS --fail-with-body`], { cwd: '/' });
      assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
      const answer = JSON.parse(stdout);
      assert.equal(answer.success, true);
      if (command.includes('/conversations/bob')) assert.equal(answer.result[0].text, 'Hi bob');
    }

    const { code, signal } = await program.end('SIGINT');
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, program.output.join('\n'));
    await nothingRuns(data('tried here'));
  });

  it("answers the README's examples of the REST API", async () => {
    const program = new Program('run.sh', kScript, options('readme'));
    await program.line(/Ctrl-C stops everything/, kBuild);
    // As they stand there, but for where this run listens and keeps its data.
    const readme = fs.readFileSync(path.join(env.root, 'README.md'), 'utf8');
    const [, block] = /## REST API\n[^]*?```sh\n([^]*?)```/.exec(readme);
    const commands = block.replaceAll('15705', String(env.freePortBase + 5)).replace('build/run/', `'${data('readme')}'/`);
    const strict = 'set -eu; curl() { command curl -sS --fail-with-body "$@"; echo; }';
    const { code, stdout, stderr } = await run('bash', ['-c', `${strict}\n${commands}`], { cwd: env.root });
    assert.equal(code, 0, stdout + stderr);
    const answers = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(answers.length, 9);
    const [conversations, messages, sent, group, joined, read, archiving, archived, ready] = answers;
    assert.equal(conversations.result[0].conversWith, 'bob');
    assert.match(messages.result[0].text, /^Hello bob/);
    for (const { success } of [sent, joined, archiving]) assert.equal(success, true);
    assert.deepEqual(Object.keys(group.group.members).sort(), ['ann', 'bob']);
    assert.deepEqual(Object.keys(read.result.members).sort(), ['ann', 'bob', 'carol']);
    assert.deepEqual(archived.result.map(({ conversWith }) => conversWith), ['bob']);
    assert.equal(ready.status, 'ok');
    await program.end('SIGINT');
    await nothingRuns(data('readme'));
  });

  it('names a busy port and the option that chooses another', async () => {
    const busy = String(env.brokerPortBase);
    const { code, stderr } = await run(kScript, ['--demo', '--no-install', '--data', data('busy'), '--port-base', busy]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${busy} .*in use.*--port-base`));
    assert.equal(await open(env.brokerPortBase), true); // the one who was there is left alone
  });

  it('--no-install says which command installs what is missing', async () => {
    // A machine on which dpkg knows nothing.
    const bin = data('bin');
    fs.mkdirSync(bin);
    fs.writeFileSync(path.join(bin, 'dpkg-query'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const { code, stderr } = await run(kScript, ['--demo', ...options('none')], {
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    });
    assert.equal(code, 1);
    assert.match(stderr, /apt-get update && apt-get install --yes --no-install-recommends g\+\+ .*rabbitmq-server/);
  });

  for (const [args, complaint] of [
    [['--engine', 'nonsense'], /--engine 'nonsense' is not allowed; there is: rabbitmq/],
    [['--port-base', 'x'], /--port-base 'x' is not allowed: a number/],
    [['--port-base', '65531'], /--port-base '65531' is not allowed: a number from 1024 to 65530/],
    [['--data'], /--data needs a value/],
    [['--nonsense'], /unknown option '--nonsense'/],
  ]) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stderr } = await run(kScript, args);
      assert.equal(code, 1);
      assert.match(stderr, complaint);
    });
  }
});
