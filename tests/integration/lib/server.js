// chat21-server, each one with a store of its own. The queues of RabbitMQ and the ports
// of the embedded broker are the same for all: run one server at a time.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const engine = require('./engine');
const env = require('./env');
const { Program, mustRun } = require('./processes');

let stores = 0;

class Server {
  constructor(options = {}) {
    this.store = path.join(env.scratch, `store-${++stores}.db`);
    this.environment = options.environment || {};
    this.http = options.http || false; // whether it serves the REST API, on a port of its choice
    this.logs = []; // of all starts
  }

  // With nothing left of earlier ones; returns when the server serves.
  static async start(options) {
    const server = new Server(options);
    await engine.clear();
    await server.start();
    return server;
  }

  launch() {
    // It ends when the tests are killed, and its broker with it.
    this.program = new Program('chat21-server', 'setpriv', ['--pdeathsig', 'TERM', env.server], {
      env: {
        PATH: process.env.PATH,
        ...(process.env.JWT_KEY && { JWT_KEY: process.env.JWT_KEY }),
        ...engine.environment(this.store),
        APP_ID: env.app,
        STORE_PATH: this.store,
        LOG_LEVEL: 'INFO',
        HTTP_ENABLED: String(this.http),
        HTTP_ADDRESS: '127.0.0.1',
        PORT: '0',
        ...this.environment,
      },
    });
    this.logs.push(this.program.output);
  }

  connected(patience) {
    return this.program.line(engine.ready, patience);
  }

  async start() {
    this.launch();
    await Promise.all([
      this.connected(),
      this.http && this.serving(),
      engine.webSocketReady && this.program.line(engine.webSocketReady),
    ]);
  }

  // Learns the port, another one after each start.
  async serving(patience) {
    const line = await this.program.line(/serving HTTP/, patience);
    this.port = Number(/port=(\d+)/.exec(line)[1]);
    this.url = `http://127.0.0.1:${this.port}`;
  }

  // As a user would ask to. It must succeed.
  async stop(signal = 'SIGTERM') {
    const { code, signal: by } = await this.program.end(signal);
    assert.equal(code, 0, `chat21-server ended with ${code ?? by}:\n${this.program.output.join('\n')}`);
  }

  kill() {
    return this.program.end('SIGKILL');
  }

  log(part) {
    return this.logs.flat().filter((line) => line.includes(part));
  }

  // Rows of the store, as objects. May be asked while the server runs.
  async rows(sql) {
    const out = await mustRun('sqlite3', ['-readonly', '-json', '-cmd', '.timeout 10000', this.store, sql]);
    return out.trim() === '' ? [] : JSON.parse(out);
  }

  copies(messageId) {
    return this.rows(
      `SELECT timeline, conversation, status FROM copies WHERE message_id = '${messageId}' ORDER BY timeline, status`,
    );
  }

  async body(messageId) {
    const [row] = await this.rows(`SELECT body FROM messages WHERE message_id = '${messageId}'`);
    return row && row.body;
  }
}

module.exports = { Server };
