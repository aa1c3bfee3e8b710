// WebSocket as bytes on a connection, for what no decent client would send.
'use strict';

const raw = require('./raw');

const upgrade = (target = '/ws', headers = ['Sec-WebSocket-Protocol: mqtt']) => [
  `GET ${target} HTTP/1.1`, 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket',
  'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...headers, '', '',
].join('\r\n');

// As a client sends it, with a mask that leaves the bytes as they are.
function frame(opcode, payload) {
  const size = payload.length;
  const head = size < 126 ? Buffer.alloc(2) : Buffer.alloc(4);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | Math.min(size, 126);
  if (size >= 126) head.writeUInt16BE(size, 2);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

// A connection after the answer to its handshake, which must be a yes.
async function connect(port) {
  const socket = raw.connect(port);
  socket.write(upgrade());
  const bytes = await new Promise((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('close', () => reject(new Error('the server closed')));
  });
  if (!bytes.toString('latin1').startsWith('HTTP/1.1 101 ')) throw new Error(`the server said ${bytes}`);
  return socket;
}

module.exports = { upgrade, frame, connect };
