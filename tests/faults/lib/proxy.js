// Stands between two programs and does to their connections what networks do.
'use strict';

const net = require('node:net');
const { once } = require('node:events');

class Proxy {
  // Listens on 127.0.0.1, on a port of the system's choice.
  static async start(target) {
    const proxy = new Proxy(target);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  constructor(target) {
    this.pairs = new Set(); // {near, far, lost}
    this.server = net.createServer((near) => this.join(near, net.connect({ port: target, host: '127.0.0.1' })));
  }

  get port() {
    return this.server.address().port;
  }

  get connections() {
    return [...this.pairs].filter(({ lost }) => !lost).length;
  }

  join(near, far) {
    const pair = { near, far, lost: false };
    this.pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('error', () => {}); // 'close' follows
      from.on('data', (bytes) => {
        if (pair.lost || to.write(bytes)) return;
        from.pause(); // who does not read stops who writes, as without us
        to.once('drain', () => from.resume());
      });
      from.on('close', () => {
        if (pair.lost) return; // and nobody tells the other side
        this.pairs.delete(pair);
        to.destroy();
      });
    }
  }

  // Ends all connections, on both sides.
  cut() {
    for (const { near, far } of this.pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    this.pairs.clear();
  }

  // From now on nothing that is sent on the present connections arrives, and neither side
  // hears that it ends. New ones work.
  swallow() {
    for (const pair of this.pairs) {
      pair.lost = true;
      pair.near.resume();
      pair.far.resume();
    }
  }

  async close() {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }
}

module.exports = { Proxy };
