// Numbers that look random and are the same for the same seed (mulberry32).
'use strict';

class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // From 0 to 1, without 1.
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  }

  // A whole number from `least` to `most`.
  between(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }
}

module.exports = { Random };
