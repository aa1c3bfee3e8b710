// What senders were promised, recipients got and the store holds, held against each other.
'use strict';

// The rows of both timelines of a pair: text -> {sender: [ids], recipient: [ids]}, in the
// order of the ids.
async function readStore(server, pairs) {
  const timelines = new Map();
  for (const pair of pairs) {
    timelines.set(`${pair.sender} 100`, [pair, 'sender']);
    timelines.set(`${pair.recipient} 150`, [pair, 'recipient']);
  }
  const stored = new Map(pairs.map((pair) => [pair, new Map()]));
  const strangers = [];
  const rows = await server.rows(
    `SELECT json_extract(body, '$.text') AS text, message_id AS id, timeline, status
     FROM messages JOIN copies USING (app, message_id) ORDER BY message_id`,
  );
  for (const { text, id, timeline, status } of rows) {
    const [pair, whose] = timelines.get(`${timeline} ${status}`) ?? [];
    if (!pair || !pair.sentAt.has(text)) {
      strangers.push(`'${text}' of status ${status} for ${timeline}`);
      continue;
    }
    const texts = stored.get(pair);
    if (!texts.has(text)) texts.set(text, { sender: [], recipient: [] });
    texts.get(text)[whose].push(id);
  }
  return { stored, strangers };
}

const isWhole = (row) => row !== undefined && row.sender.length > 0 && row.recipient.length > 0;

const number = (text) => Number(/^load (\d+)$/.exec(text)?.[1] ?? Infinity);

// How often one comes behind another that was sent later.
function inversions(texts) {
  let newest = -1;
  let count = 0;
  for (const text of texts) {
    if (number(text) < newest) ++count;
    newest = Math.max(newest, number(text));
  }
  return count;
}

const some = (items) => items.slice(0, 3).join(', ');

// `excused(pair, text)` says of an accepted message that it may be missing; then it does not
// count as accepted. The answer has counts, under `lost` what is missing and when it was
// acknowledged, and under `problems` sentences about whatever nobody may find.
async function audit(server, traffic, { excused }) {
  const { stored, strangers } = await readStore(server, traffic.pairs);
  const result = { accepted: 0, stored: 0, missing: 0, excused: 0, twice: 0, repeated: 0, notArrived: 0, arrivedOutOfOrder: 0, storedOutOfOrder: 0, lost: [], problems: [] };
  const blame = (what, items) => {
    if (items.length > 0) result.problems.push(`${items.length} ${what}, as ${some(items)}`);
  };
  blame('rows of the store are nobody\'s', strangers);
  for (const pair of traffic.pairs) {
    const texts = stored.get(pair);
    for (const [text, when] of pair.confirmed) {
      if (isWhole(texts.get(text))) {
        if (!pair.arrived.has(text)) ++result.notArrived;
      } else if (excused(pair, text)) {
        ++result.excused;
      } else {
        result.lost.push({ name: `'${text}' of ${pair.sender}`, when });
      }
    }
    const ofPair = `of ${pair.sender}`;
    result.accepted += pair.confirmed.size;
    for (const row of texts.values()) {
      if (isWhole(row)) ++result.stored;
      result.twice += Math.max(row.sender.length, row.recipient.length) - 1;
    }
    blame(`messages ${ofPair} are twice in a timeline`,
      [...texts].filter(([, row]) => Math.max(row.sender.length, row.recipient.length) > 1).map(([text, { sender }]) => `'${text}' (${sender})`));
    blame(`messages ${ofPair} have arrived under an id that the store does not have for them`,
      [...pair.arrived].filter(([text, ids]) => [...ids].some((id) => !texts.get(text)?.recipient.includes(id))).map(([text]) => text));
    result.repeated += pair.deliveries - pair.arrived.size;
    result.arrivedOutOfOrder += inversions(pair.arrivedAt.keys());
    result.storedOutOfOrder += inversions(texts.keys());
  }
  result.accepted -= result.excused;
  result.missing = result.lost.length;
  const [{ integrity_check: integrity }] = await server.rows('PRAGMA integrity_check');
  if (integrity !== 'ok') result.problems.push(`the store is damaged: ${integrity}`);
  const aside = await server.rows('SELECT reason FROM set_aside');
  blame('messages were set aside', aside.map(({ reason }) => reason));
  return result;
}

module.exports = { audit };
