// What the server has in hand, which RabbitMQ has not heard the end of.
'use strict';

const kInHand = 256; // messages: PREFETCH_MESSAGES

// Of all times that a fault happened.
const inHand = ({ ends }) => kInHand * ends.length;

module.exports = { inHand };
