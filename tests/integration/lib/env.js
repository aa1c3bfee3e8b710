// What the tests run against: the engine, where it listens, and the server's binary.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start these tests with ./test.sh`);
  return value;
}

// Everything that the tests of one engine write; kept until the next run.
const scratch = path.join(required('CHAT21_TEST_DIR'), 'scratch');
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });

module.exports = {
  root: path.resolve(__dirname, '..', '..', '..'),
  scratch,
  engine: required('CHAT21_TEST_ENGINE'),
  server: required('CHAT21_SERVER'),
  mqttPort: Number(required('CHAT21_TEST_MQTT_PORT')),
  webSocketPort: Number(required('CHAT21_TEST_WS_PORT')),
  freePortBase: Number(required('CHAT21_TEST_RUN_PORT_BASE')),
  app: 'tilechat', // clients have it built in

  // Only with RabbitMQ.
  get amqpUri() { return required('CHAT21_TEST_AMQP_URI'); },
  get brokerScript() { return required('CHAT21_TEST_BROKER_CTL'); },
  get brokerDirectory() { return required('CHAT21_TEST_BROKER_DIR'); },
  get brokerPortBase() { return this.mqttPort - 1; },
};
