// What the tests run against: one broker for all, and the server's binary.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start these tests with ./test.sh`);
  return value;
}

const brokerDirectory = required('CHAT21_TEST_BROKER_DIR');
const mqttPort = Number(required('CHAT21_TEST_MQTT_PORT'));

// Stores of the servers, data of run.sh; kept until the next run.
const scratch = path.join(path.dirname(brokerDirectory), 'scratch');
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });

module.exports = {
  root: path.resolve(__dirname, '..', '..', '..'),
  scratch,
  server: required('CHAT21_SERVER'),
  amqpUri: required('CHAT21_TEST_AMQP_URI'),
  mqttPort,
  webSocketPort: Number(required('CHAT21_TEST_WS_PORT')),
  brokerScript: required('CHAT21_TEST_BROKER_CTL'),
  brokerDirectory,
  brokerPortBase: mqttPort - 1,
  freePortBase: Number(required('CHAT21_TEST_RUN_PORT_BASE')),
  app: 'tilechat', // clients have it built in
};
