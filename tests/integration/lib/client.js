// A client as Chat21's web and mobile clients are: MQTT over WebSocket, with
// their will, their presence, their topics and their rules for what arrives.
'use strict';

const { EventEmitter, once } = require('node:events');
const crypto = require('node:crypto');
const mqtt = require('mqtt');
const env = require('./env');
const token = require('./token');
const { Mailbox } = require('./mailbox');

// What a topic with these parts means to the application.
const kRules = [
  ['/messages/', '/clientadded', 'messageAdded'],
  ['/messages/', '/clientupdated', 'messageUpdated'],
  ['/conversations/', '/clientupdated', 'conversationUpdated'],
  ['/conversations/', '/clientdeleted', 'conversationDeleted'],
  ['/archived_conversations/', '/clientadded', 'archivedConversationAdded'],
  ['/archived_conversations/', '/clientdeleted', 'archivedConversationDeleted'],
  ['/groups/', '/clientupdated', 'groupUpdated'],
];

class ChatClient extends EventEmitter {
  // Connects and returns once the inbox is subscribed.
  static async connect(user, options = {}) {
    const client = new ChatClient(user, options);
    await client.open(options.token || (await token.user(user, client.app)));
    return client;
  }

  constructor(user, { app = env.app } = {}) {
    super();
    this.user = user;
    this.app = app;
    this.clientId = crypto.randomUUID();
    this.events = new Mailbox(`client of ${user}`); // {event, payload, conversWith, topic, raw}
    this.presence = `apps/${app}/users/${user}/presence/${this.clientId}`;
  }

  async open(password) {
    this.mqtt = mqtt.connect(`ws://127.0.0.1:${env.webSocketPort}/ws`, {
      clientId: this.clientId,
      username: 'JWT',
      password,
      keepalive: 10,
      reconnectPeriod: 1000,
      will: { topic: this.presence, payload: '{"disconnected":true}', qos: 1, retain: true },
    });
    this.mqtt.on('error', (error) => this.emit('failed', error));
    this.mqtt.on('message', (topic, raw) => this.dispatch(topic, raw));
    await once(this.mqtt, 'connect', { signal: AbortSignal.timeout(10000) });
    const subscribed = this.mqtt.subscribeAsync(`apps/${this.app}/users/${this.user}/#`);
    this.mqtt.publish(this.presence, '{"connected":true}');
    await subscribed;
  }

  dispatch(topic, raw) {
    const levels = topic.split('/');
    if (levels.length < 7) return; // echoes of the own presence
    const rule = kRules.find(([part, end]) => topic.includes(part) && topic.endsWith(end));
    if (!rule) return;
    const payload = JSON.parse(raw.toString());
    const item = { event: rule[2], payload, conversWith: levels[5], topic, raw: raw.toString() };
    this.events.put(item);
    if (rule[2] === 'messageAdded' && !(payload.attributes && payload.attributes.updateconversation === false)) {
      this.events.put({ ...item, event: 'conversationAdded', payload: { ...payload, is_new: true } });
    }
  }

  take(event, matches = () => true, patience = undefined) {
    return this.events.take((item) => item.event === event && matches(item), event, patience);
  }

  message(text, patience) {
    return this.take('messageAdded', ({ payload }) => payload.text === text, patience);
  }

  publish(topic, body, options = {}) {
    return this.mqtt.publishAsync(topic, body, { qos: 0, ...options });
  }

  // --- What applications call; each of these publishes with QoS 0, as the clients do.

  send(to, text, more = {}) {
    return this.sendRaw(to, JSON.stringify({
      text, type: 'text', recipient_fullname: to, sender_fullname: this.user,
      attributes: null, metadata: null, channel_type: 'direct', ...more,
    }));
  }

  sendRaw(to, body) {
    return this.publish(`apps/${this.app}/outgoing/users/${this.user}/messages/${to}/outgoing`, body);
  }

  received(conversation, messageId) {
    return this.publish(`${this.own()}/messages/${conversation}/${messageId}/update`, '{"status":200}');
  }

  read(conversation) {
    return this.publish(`${this.own()}/conversations/${conversation}/update`, '{"is_new":false}');
  }

  archive(conversation) {
    return this.publish(`${this.own()}/conversations/${conversation}/archive`, '{}');
  }

  own() {
    return `apps/${this.app}/users/${this.user}`;
  }

  close() {
    return this.mqtt.endAsync();
  }
}

module.exports = { ChatClient };
