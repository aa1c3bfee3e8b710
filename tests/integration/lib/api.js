// The REST API as a program sees it. Whatever it answers has to be documented.
'use strict';

const contract = require('./contract');

const kPatience = 30000; // ms for an answer

class Api {
  // `server` may be started anew meanwhile; `token` is optional.
  constructor(server, token) {
    this.server = server;
    this.token = token;
  }

  // Resolves to {status, type, headers, text, json}; `json` is undefined if the answer is none.
  async request(method, target, { body, headers = {}, check = true } = {}) {
    const response = await fetch(this.server.url + target, {
      method,
      headers: { ...(this.token && { Authorization: this.token }), 'Content-Type': 'application/json', ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(kPatience),
    });
    const text = await response.text();
    const type = response.headers.get('content-type') || '';
    const answer = { status: response.status, type, headers: response.headers, text };
    if (type.startsWith('application/json')) answer.json = JSON.parse(text);
    const operation = contract.find(method, target);
    if (check && operation) contract.checkAnswer(operation, answer);
    return answer;
  }

  get(target, options) {
    return this.request('GET', target, options);
  }

  post(target, body, options) {
    return this.request('POST', target, { body, ...options });
  }

  put(target, body, options) {
    return this.request('PUT', target, { body, ...options });
  }

  delete(target, body, options) {
    return this.request('DELETE', target, { body, ...options });
  }
}

module.exports = { Api };
