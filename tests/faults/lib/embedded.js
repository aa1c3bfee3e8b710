// What is promised, and what is not, when the broker of the embedded engine ends, as
// docs/GUARANTEES.md has it.
'use strict';

module.exports = {
  kConnectionsEnd: 'their connections end with the broker',
  // Accepted messages, by each kill: what the plugin takes ahead of the store, 1,024, and what
  // comes in one turn of the broker's loop.
  kMostLost: 2048,
  kInHistory: {
    why: 'copies in the hands of a broker that ends are not sent again',
    most: ({ traffic }) => traffic.missable,
  },
  kSentAgain: {
    why: 'what was not acknowledged is sent again behind what followed it',
    mostArrived: ({ traffic }) => traffic.resent,
    mostStored: ({ traffic }) => traffic.resent, // it may have been refused, or lost on the way
  },
};
