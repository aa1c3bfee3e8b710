// ./run.sh as a new user would try it.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
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
  for (const [engine, broker, more] of [['embedded', 'Mosquitto', []], ['rabbitmq', 'RabbitMQ', ['--engine', 'rabbitmq']]]) {
    it(`--demo shows a message in both inboxes and in the store (${engine}), and leaves nothing running`, async () => {
      const { code, stdout, stderr } = await run(kScript, ['--demo', ...more, ...options(`tried with ${engine}`)]);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, new RegExp(`broker +${broker} `));
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
      assert.match(stdout, /^ +\d+\.\d s from the start of this script to here; packages downloaded: 0 B$/m);
      await nothingRuns(data(`tried with ${engine}`));
    });
  }

  it('prints commands that work when pasted, and ends well on Ctrl-C', async () => {
    const program = new Program('run.sh', kScript, options('tried with embedded'));
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
    await nothingRuns(data('tried with embedded'));
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

  for (const [name, offset] of [['MQTT', 1], ['WebSocket', 2], ['REST API', 5]]) {
    it(`names a busy port (${name}) and the option that chooses another`, async () => {
      const busy = env.freePortBase + offset;
      const other = net.createServer((socket) => socket.destroy()).listen(busy, '127.0.0.1');
      await once(other, 'listening');
      const { code, stderr } = await run(kScript, ['--demo', ...options('busy')]);
      other.close();
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`port ${busy} \\(${name}\\) is in use.*--port-base`));
      await nothingRuns(data('busy'));
    });
  }

  it('leaves a directory alone in which another server runs', async () => {
    const folder = path.join(data('taken'), 'mosquitto');
    const [lock, log] = [path.join(folder, 'server.lock'), path.join(data('taken'), 'server.log')];
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(lock, '12345\n');
    fs.writeFileSync(log, 'what the other says\n');
    const other = new Program('flock', 'flock', ['--no-fork', lock, 'sh', '-c', 'echo locked; exec sleep 600']);
    await other.line(/^locked/);
    const { code, stderr } = await run(kScript, ['--demo', ...options('taken')]);
    await other.end();
    assert.equal(code, 1);
    assert.match(stderr, /a server runs already in .*taken: use another --data DIR .*process 12345/);
    assert.equal(fs.readFileSync(log, 'utf8'), 'what the other says\n');
  });

  it('--no-install says which command installs what is missing', async () => {
    // A machine on which dpkg knows nothing.
    const bin = data('bin');
    fs.mkdirSync(bin);
    fs.writeFileSync(path.join(bin, 'dpkg-query'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    for (const [more, has] of [[[], false], [['--engine', 'rabbitmq'], true]]) {
      const { code, stderr } = await run(kScript, ['--demo', ...more, ...options('none')], {
        env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      });
      assert.equal(code, 1);
      assert.match(stderr, /apt-get update && apt-get install --yes --no-install-recommends g\+\+ .*mosquitto /);
      assert.equal(stderr.includes('rabbitmq-server'), has); // only for the engine that needs it
    }
  });

  for (const [args, complaint] of [
    [['--engine', 'nonsense'], /--engine 'nonsense' is not allowed; there is: embedded rabbitmq/],
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
