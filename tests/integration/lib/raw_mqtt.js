// MQTT 3.1.1 as bytes on a connection, for clients that do not behave, or are many.
'use strict';

const crypto = require('node:crypto');
const { once } = require('node:events');
const raw = require('./raw');

const kPatience = 30000; // ms

const text = (value) => {
  const bytes = Buffer.from(value);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(bytes.length);
  return Buffer.concat([size, bytes]);
};

function packet(head, ...parts) {
  const body = Buffer.concat(parts);
  const size = [];
  for (let left = body.length; size.length === 0 || left > 0; left >>>= 7) {
    size.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from([head, ...size]), body]);
}

const connectPacket = (password, { clientId = crypto.randomUUID(), keepalive = 600 } = {}) =>
  packet(0x10, text('MQTT'), Buffer.from([4, 0xc2, keepalive >> 8, keepalive & 0xff]), text(clientId), text('JWT'), text(password));

const subscribePacket = (filter, qos) => packet(0x82, Buffer.from([0, 1]), text(filter), Buffer.from([qos]));

// Resolves to the code of the CONNACK; rejects if the connection ends without.
async function answer(socket) {
  const ended = once(socket, 'close').then(() => { throw new Error('the broker closed without a CONNACK'); });
  ended.catch(() => {}); // it also comes later
  const [bytes] = await Promise.race([once(socket, 'data', { signal: AbortSignal.timeout(kPatience) }), ended]);
  return bytes[3];
}

// A connection that the broker has accepted.
async function connect(port, password, options) {
  const socket = raw.connect(port);
  socket.write(connectPacket(password, options));
  const code = await answer(socket);
  if (code !== 0) throw new Error(`the broker refuses with ${code}`);
  return socket;
}

// Subscribes and never reads again.
async function deaf(port, password, filter, qos) {
  const socket = await connect(port, password);
  socket.write(subscribePacket(filter, qos));
  await once(socket, 'data', { signal: AbortSignal.timeout(kPatience) });
  socket.removeAllListeners('data');
  socket.pause();
  return socket;
}

module.exports = { connect, deaf, answer, packet, connectPacket };
