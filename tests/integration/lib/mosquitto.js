// The command line clients of Mosquitto, MQTT over TCP.
'use strict';

const env = require('./env');
const { Program, mustRun } = require('./processes');
const { Mailbox } = require('./mailbox');

const login = (password) => ['-h', '127.0.0.1', '-p', String(env.mqttPort), '-u', 'JWT', '-P', password];

// The body goes through stdin: any bytes, any length.
function publish(password, topic, body, qos = 1) {
  return mustRun('mosquitto_pub', [...login(password), '-q', String(qos), '-t', topic, '-s'], { input: body });
}

// Subscribes and returns once the broker has accepted: `messages` gets {topic, body}.
async function subscribe(password, ...filters) {
  const messages = new Mailbox(`mosquitto_sub of ${filters}`);
  const program = new Program(
    'mosquitto_sub',
    'stdbuf',
    ['-oL', 'mosquitto_sub', ...login(password), '-d', '-F', '%t %x', ...filters.flatMap((f) => ['-t', f])],
    {
      onLine: (line) => {
        const [, topic, hex] = /^(\/?(?:apps|observer)\S*) ([0-9a-f]*)$/.exec(line) || [];
        if (topic) messages.put({ topic, body: Buffer.from(hex, 'hex').toString() });
      },
    },
  );
  await program.line(/^Subscribed/);
  return { messages, close: () => program.end() };
}

module.exports = { publish, subscribe };
