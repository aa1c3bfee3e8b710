// The engine under test: how a server of it is started, and where tests may see which one it is.
'use strict';

const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { setTimeout: pause } = require('node:timers/promises');
const broker = require('./broker');
const env = require('./env');

// Resolves once nobody listens at the broker's port.
async function untilFree() {
  for (const end = Date.now() + 20000; ;) {
    const socket = net.connect(env.mqttPort, '127.0.0.1');
    const refused = await once(socket, 'connect').then(() => false, (error) => error.code === 'ECONNREFUSED');
    socket.destroy();
    if (refused) return;
    if (Date.now() > end) throw new Error(`somebody still listens at port ${env.mqttPort}`);
    await pause(20);
  }
}

const kEngines = {
  rabbitmq: {
    // Settings of a server whose store has this path.
    environment: () => ({ RABBITMQ_URI: env.amqpUri }),
    // What the server logs when its broker serves, and when that also goes over WebSocket.
    ready: /connected to the broker/,
    webSocketReady: null, // it always does
    // Before a new server: all share one broker, and it may have messages of the last one.
    clear: broker.purgeAll,
    // CONNACK return code for a bad token: "bad user name or password".
    refusal: 4,
    // Whether the broker runs without a server, so that a test can end one alone.
    brokerIsApart: true,
    // Whether the broker ends the connection of who sends a control character in a topic, or
    // far more than a message may have, before the observer sees it.
    closesOnCrudePackets: false,
    // Whether each rejected message has a line in the log, or many together have one.
    logsEachRejection: true,
  },
  embedded: {
    environment: (store) => ({
      ENGINE: 'embedded',
      MQTT_ADDRESS: '127.0.0.1',
      MQTT_PORT: String(env.mqttPort),
      WEBSOCKET_ENABLED: 'true',
      WEBSOCKET_PORT: String(env.webSocketPort),
      BROKER_DIR: `${store.slice(0, -path.extname(store).length)}-broker`,
    }),
    ready: /the broker is ready/,
    webSocketReady: /serving MQTT over WebSocket/,
    clear: untilFree, // the broker is the server's own, and may outlive one that was killed for a moment
    brokerIsApart: false,
    refusal: 5, // "not authorised": Mosquitto knows no other for a plugin's refusal
    closesOnCrudePackets: true,
    logsEachRejection: false,
  },
};

const engine = kEngines[env.engine];
if (!engine) throw new Error(`CHAT21_TEST_ENGINE is '${env.engine}'; there is: ${Object.keys(kEngines).join(', ')}`);

module.exports = engine;
