// HTTP as bytes on a connection, for what no decent client would send.
'use strict';

const net = require('node:net');
const { once } = require('node:events');

const kPatience = 20000; // ms

function connect(port) {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // 'close' follows, and tells
  return socket;
}

// Sends bytes and reads until the server closes: {status, headers, body}. Status 0: no answer.
async function exchange(port, bytes, patience = kPatience) {
  const socket = connect(port);
  const parts = [];
  socket.on('data', (part) => parts.push(part));
  socket.write(bytes);
  await once(socket, 'close', { signal: AbortSignal.timeout(patience) });
  return parse(Buffer.concat(parts).toString());
}

function parse(text) {
  const end = text.indexOf('\r\n\r\n');
  const [first, ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { status: Number(first.split(' ')[1] || 0), headers, body: text.slice(end + 4) };
}

// The lines of a request whose connection ends with the answer.
function lines(method, target, { token, headers = [], body } = {}) {
  return [
    `${method} ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close',
    ...(token ? [`Authorization: ${token}`] : []),
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers, '', body || '',
  ].join('\r\n');
}

module.exports = { connect, exchange, lines };
