// Things that arrive, and waiting for them without sleeping.
'use strict';

const kPatience = 20000; // ms that anything may take which normally takes a few

class Mailbox {
  constructor(name) {
    this.name = name;
    this.items = []; // that arrived and were not taken
    this.waiters = new Set();
  }

  put(item) {
    this.items.push(item);
    for (const waiter of [...this.waiters]) waiter();
  }

  // Takes the first item for which `matches` holds, now or when it arrives.
  take(matches, what, patience = kPatience) {
    return this.until(
      () => {
        const index = this.items.findIndex(matches);
        return index < 0 ? undefined : this.items.splice(index, 1)[0];
      },
      what,
      patience,
    );
  }

  // Waits until `look` returns something; it is asked again whenever something arrives.
  until(look, what, patience = kPatience) {
    const found = look();
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(new Error(`${this.name}: no ${what} within ${patience} ms; last arrived: ${this.tail()}`));
      }, patience);
      const waiter = () => {
        const item = look();
        if (!item) return;
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve(item);
      };
      this.waiters.add(waiter);
    });
  }

  tail() {
    return JSON.stringify(this.items.slice(-5)).slice(0, 1500);
  }
}

module.exports = { Mailbox, kPatience };
