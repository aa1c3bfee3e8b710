// What an application has: the MQTT side, and the HTTP calls of Chat21's client library.
'use strict';

const { Api } = require('./api');
const { ChatClient } = require('./client');
const token = require('./token');

const id = encodeURIComponent;

class Chat21Client extends ChatClient {
  static async connect(user, server) {
    const client = new Chat21Client(user);
    const jwt = await token.user(user, client.app);
    client.api = new Api(server, jwt);
    await client.open(jwt);
    return client;
  }

  get base() {
    return `/api/${this.app}`;
  }

  get mine() {
    return `${this.base}/${id(this.user)}`;
  }

  createGroup(name, group, members) {
    const group_members = Object.fromEntries(members.map((member) => [member, 1]));
    return this.api.post(`${this.base}/groups`, { group_name: name, group_id: group, group_members });
  }

  groupData(group) {
    return this.api.get(`${this.base}/groups/${id(group)}`);
  }

  leaveGroup(group, member = this.user) {
    return this.api.delete(`${this.base}/groups/${id(group)}/members/${id(member)}`);
  }

  joinGroup(group, member) {
    return this.api.post(`${this.base}/groups/${id(group)}/members`, { member_id: member });
  }

  setMembers(group, members) {
    return this.api.put(`${this.base}/groups/${id(group)}/members`, {
      members: Object.fromEntries(members.map((member) => [member, 1])),
    });
  }

  saveInstance(instance, attributes) {
    return this.api.post(`${this.mine}/instances/${id(instance)}`, attributes);
  }

  conversations({ archived = false } = {}) {
    return this.api.get(`${this.mine}/conversations${archived ? '/archived' : ''}`);
  }

  archivedConversations() {
    return this.api.get(`${this.mine}/archived_conversations`);
  }

  conversation(other, { archived = false } = {}) {
    return this.api.get(`${this.mine}/${archived ? 'archived_' : ''}conversations/${id(other)}`);
  }

  messages(other, query = '') {
    return this.api.get(`${this.mine}/conversations/${id(other)}/messages${query}`);
  }
}

module.exports = { Chat21Client };
