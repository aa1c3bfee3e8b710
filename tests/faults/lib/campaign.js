// Runs faults one after the other, each against a new server under load.
//
// A fault is an object:
//   name      what --only takes
//   title     what the table says
//   times     how often it happens; quickTimes: the same with --quick, without it the fault is
//             not part of the short run
//   modes     optional: of STORE_DURABILITY, instead of all that the engine has
//   resends   optional: why clients send again what they have no PUBACK for. Then all senders
//             name their messages, else half of them do
//   prepare   optional: async (scene) => {environment, port}, before the server starts: of the
//             server, and of MQTT for the clients
//   inflict   async (scene, i): lets it happen for the i-th time, and end. Throws if it did not
//             happen. If the cause ends before inflict() does, it calls scene.over() then
//   mayLose   optional: in mode group, how many accepted messages each scene.kill() may lose
//   mostOnTheWay  optional: messages of a pair after which its sender waits for arrivals
//   mayMissLive  optional: {why, most} accepted messages may not arrive, though they are stored
//   mayReorder   optional: {why, mostArrived, mostStored} messages may arrive, or be stored, in
//             another order than sent. All of these are functions: scene => count
'use strict';

const engine = require('../../integration/lib/engine');
const { Server } = require('../../integration/lib/server');
const { audit } = require('./audit');
const { Random } = require('./random');
const { Traffic } = require('./traffic');

const kWarmUp = 150; // accepted messages of each pair before the first fault, and after the last

class Scene {
  constructor({ mode, seed, quick }) {
    this.mode = mode; // of the embedded engine, else undefined
    this.random = new Random(seed);
    this.quick = quick;
    this.notes = [];
    this.ends = []; // of the fault, each time; as performance.now()
    this.kills = []; // of a broker: {when, heard}, as performance.now()
    this.cleanups = [];
    this.isOver = false;
    // Set by a fault that takes messages away by order: whether this one may be missing. It is
    // then not counted as accepted.
    this.excused = () => false; // (pair, text)
    this.mostExcused = () => 0; // how many of them there can be
  }

  // Something for the last column of the table.
  note(text) {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  // Runs after the fault, whatever happens; the last one first.
  defer(cleanup) {
    this.cleanups.push(cleanup);
  }

  // The cause is gone: recovery is timed from here.
  over() {
    if (this.isOver) return;
    this.isOver = true;
    this.ends.push(performance.now());
  }

  // Of a broker, by `act`. Resolves once the senders know everything that it has acknowledged:
  // what is lost and was acknowledged until then, was lost by this kill.
  async kill(act) {
    const closed = this.traffic.untilClosed();
    const when = performance.now();
    await act();
    await closed;
    this.kills.push({ when, heard: performance.now() });
  }

  async cleanUp() {
    const failures = [];
    for (const cleanup of this.cleanups.splice(0).reverse()) {
      await Promise.resolve().then(cleanup).catch((error) => failures.push(`cannot clean up: ${error.message}`));
    }
    return failures;
  }
}

async function play(fault, scene) {
  const { environment, port } = (await fault.prepare?.(scene)) ?? {};
  const mode = scene.mode && { STORE_DURABILITY: scene.mode };
  const server = new Server({ environment: { ...mode, ...environment } });
  scene.server = server;
  scene.defer(() => server.kill()); // it has ended unless this fails
  await engine.clear();
  await server.start();
  scene.traffic = await Traffic.start({ named: Boolean(fault.resends), port, mostOnTheWay: fault.mostOnTheWay });
  scene.defer(() => scene.traffic.abandon());
  await scene.traffic.untilAccepted(kWarmUp);
  const times = scene.quick ? fault.quickTimes : fault.times;
  for (let i = 0; i < times; ++i) {
    scene.isOver = false;
    await fault.inflict(scene, i);
    scene.over();
    await scene.traffic.untilNew(scene.ends.at(-1));
  }
  await scene.traffic.untilAccepted(kWarmUp);
  await scene.traffic.finish();
  await server.stop();
  return judge(fault, scene);
}

async function judge(fault, scene) {
  const result = await audit(scene.server, scene.traffic, { excused: scene.excused });
  const must = (holds, problem) => { if (!holds) result.problems.push(problem); };
  const bound = scene.mode === 'group' ? (fault.mayLose ?? 0) : 0;
  const lost = losses(scene.kills, result.lost);
  must(lost.without.length === 0, `${lost.without.length} accepted messages are missing without a kill, as ${some(lost.without)}`);
  for (const [i, ofKill] of lost.byKill.entries()) {
    must(ofKill.length <= bound, `${ofKill.length} accepted messages are missing after kill ${i + 1}, and may be ${bound}, as ${some(ofKill)}`);
  }
  const excusable = scene.mostExcused();
  must(result.excused <= excusable, `${result.excused} accepted messages are missing, and at most ${excusable} can have been deleted`);
  if (result.excused > 0) scene.note(`not counted: ${result.excused} (at most ${excusable}) that were deleted with the queue, or came while there was none`);
  if (bound > 0) scene.note(`may lose ${bound} each time, lost at most ${Math.max(...lost.byKill.map(({ length }) => length))}`);
  const within = (count, what, most, why) => {
    const limit = most?.(scene) ?? 0;
    must(count <= limit, `${count} ${what}, and at most ${limit} may`);
    if (count > 0 && count <= limit) scene.note(`${count} ${what} (at most ${limit}): ${why}`);
  };
  const { mayMissLive: missed, mayReorder: moved } = fault;
  within(result.notArrived, 'are in the history alone', missed?.most, missed?.why);
  within(result.arrivedOutOfOrder, 'arrived out of order', moved?.mostArrived, moved?.why);
  within(result.storedOutOfOrder, 'were stored out of order', moved?.mostStored, moved?.why);
  const breaks = scene.traffic.sum((pair) => (pair.named ? 0 : pair.breaks));
  must(breaks === 0, `${breaks} connections broke of senders that give their messages no ids`);
  if (fault.resends) scene.note(`all senders give ids: ${fault.resends}`);
  delete result.lost;
  return { ...result, ...recovery(scene) };
}

const some = (messages) => messages.slice(0, 3).map(({ name }) => name).join(', ');

// Whose fault it is that they are missing: of the first kill after they were acknowledged.
function losses(kills, messages) {
  const killOf = ({ when }) => kills.findIndex(({ heard }) => when <= heard);
  return {
    byKill: kills.map((_, i) => messages.filter((message) => killOf(message) === i)),
    without: messages.filter((message) => killOf(message) < 0),
  };
}

// The longest of all times, in seconds: until the first message arrived that was sent after
// the fault, and until the last arrived that was sent before its end.
function recovery({ ends, traffic }) {
  const seconds = (of) => Math.max(...ends.map((end, i) => (of(end, ends[i - 1] ?? 0) - end) / 1000));
  const messages = traffic.pairs.flatMap((pair) => [...pair.arrivedAt].map(([text, arrived]) => ({ arrived, sent: pair.sentAt.get(text) })));
  const first = (end) => messages.reduce((least, { sent, arrived }) => (sent > end ? Math.min(least, arrived) : least), Infinity);
  const last = (end, before) => messages.reduce((most, { sent, arrived }) => (sent <= end && sent > before ? Math.max(most, arrived) : most), end);
  return { firstNew: seconds(first), drained: seconds(last) };
}

// Resolves to the line of the table.
async function run(fault, { engine, mode, seed, quick }) {
  const scene = new Scene({ mode, seed, quick });
  const began = performance.now();
  let result;
  try {
    result = await play(fault, scene);
  } catch (error) {
    const said = scene.server?.program?.output.slice(-5).join('\n') ?? '';
    result = { problems: [`${error.stack}\nthe server's last words:\n${said}`] };
  }
  result.problems.push(...(await scene.cleanUp()));
  return {
    engine, mode, fault: fault.name, title: fault.title, times: scene.ends.length, seed, ...result, notes: scene.notes,
    seconds: (performance.now() - began) / 1000, ok: result.problems.length === 0,
  };
}

module.exports = { run };
