/** The outbox: order, patience, refusal, and the same nonce for the same text whatever happens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutbox } from "../../public/outbox.js";
import { memoryStore } from "../../public/outbox_store.js";
import { fakeClock, settle } from "./support/clock.js";
import { fakeRoom } from "./support/room.js";
import { seeded } from "./support/net.js";

/** Locks as the browser has them: one holder, the others wait in line. */
function fakeLocks() {
  const lines = new Map();
  return async (name, run) => {
    const before = lines.get(name) ?? Promise.resolve();
    const mine = before.then(run);
    lines.set(name, mine.catch(() => {}));
    await mine;
  };
}

function browser({ store = memoryStore(), clock = fakeClock(), room = fakeRoom(), lock = fakeLocks() } = {}) {
  const tabs = [];
  const shared = { store, clock, room, lock, tabs, posts: [], script: [], nonces: 0 };
  shared.open = (viewer = 1) => {
    const tab = { shown: [], sent: [], signedOut: false, alive: true };
    tab.outbox = createOutbox({
      store, viewer, clock, lock,
      random: seeded(3),
      newNonce: () => `n${(shared.nonces += 1)}`,
      async send(item) {
        const step = shared.script.shift() ?? "ok";
        shared.posts.push(`${item.nonce}:${item.content}:${step.kind ?? step}`);
        if (step === "hang") return new Promise(() => {});
        if (step === "unreachable") return { kind: "unreachable" };
        if (step === "lost") {
          room.post(viewer, item.content, { nonce: item.nonce });
          return { kind: "unreachable" };
        }
        if (typeof step === "object") return step;
        return { kind: "sent", change: room.post(viewer, item.content, { nonce: item.nonce }) };
      },
      announce: (news) => {
        for (const other of tabs) if (other !== tab && other.alive) other.outbox.heed(structuredClone(news));
      },
      onSent: (item, change) => tab.sent.push([item.nonce, change.revision]),
      onItems: (items) => (tab.shown = items.map(({ content, status }) => `${content}:${status}`)),
      onSignedOut: () => (tab.signedOut = true),
    });
    tabs.push(tab);
    return tab;
  };
  shared.add = (tab, content) => tab.outbox.add({ room: 1, content, reply_to: null, quoted: null });
  return shared;
}

const inRoom = (room) => room.sorted().map((message) => message.content);

test("what is written is stored before anything is sent, and sent in its order", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push("hang");
  await it.add(tab, "one");
  await it.add(tab, "two");
  await settle();
  assert.deepEqual((await it.store.all()).map(({ content }) => content), ["one", "two"]);
  assert.deepEqual(tab.shown, ["one:sending", "two:queued"]);
});

test("three messages typed offline arrive once each and in order", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push("unreachable", "unreachable", "unreachable");
  for (const text of ["one", "two", "three"]) await it.add(tab, text);
  await it.clock.advance(60_000);
  assert.deepEqual(inRoom(it.room), ["one", "two", "three"]);
  assert.deepEqual(await it.store.all(), []);
  assert.equal(tab.sent.length, 3);
});

test("a lost answer: the same nonce is sent again, and the room has the message once", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push("lost");
  await it.add(tab, "one");
  await it.clock.advance(5_000);
  assert.deepEqual(it.posts, ["n1:one:lost", "n1:one:ok"]);
  assert.deepEqual(inRoom(it.room), ["one"]);
  assert.deepEqual(tab.sent, [["n1", 1]]);
});

test("the list shows the message before its answer: nothing is sent again", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push("lost");
  await it.add(tab, "one");
  await settle();
  await tab.outbox.settle(["n1"]);
  await it.clock.advance(60_000);
  assert.deepEqual(it.posts, ["n1:one:lost"]);
  assert.deepEqual(tab.shown, []);
});

test("a reload in mid-send goes on with the same nonce", async () => {
  const it = browser();
  const first = it.open();
  it.script.push("hang");
  await it.add(first, "one");
  await it.add(first, "two");
  await settle();
  first.alive = false;
  const again = browser({ store: it.store, clock: it.clock, room: it.room });
  again.nonces = 10;
  const second = again.open();
  await second.outbox.start();
  await it.clock.advance(1_000);
  assert.deepEqual(again.posts, ["n1:one:ok", "n2:two:ok"]);
  assert.deepEqual(inRoom(it.room), ["one", "two"]);
});

test("a refusal is final for its text, says why, loses nothing and holds up nobody", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push({ kind: "refused", message: "Too long." });
  await it.add(tab, "one");
  await it.add(tab, "two");
  await it.clock.advance(1_000);
  assert.deepEqual(tab.shown, ["one:failed"]);
  assert.deepEqual((await it.store.all()).map(({ content, error }) => [content, error]), [["one", "Too long."]]);
  assert.deepEqual(inRoom(it.room), ["two"]);
  await tab.outbox.retry("n1");
  await it.clock.advance(1_000);
  assert.deepEqual(inRoom(it.room), ["two", "one"]);
  assert.deepEqual(tab.shown, []);
});

test("a refused text can be thrown away, and is given back", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push({ kind: "refused", message: "No." });
  await it.add(tab, "one");
  await it.clock.advance(1_000);
  assert.equal((await tab.outbox.discard("n1")).content, "one");
  assert.deepEqual(tab.shown, []);
  assert.deepEqual(await it.store.all(), []);
  assert.equal(await tab.outbox.discard("n1"), null);
});

test("a server that asks for patience gets it", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push({ kind: "later", after: 20_000 });
  await it.add(tab, "one");
  await it.clock.advance(19_000);
  assert.equal(it.posts.length, 1);
  await it.clock.advance(2_000);
  assert.equal(it.posts.length, 2);
});

test("a hundred texts after an outage come through a budget, each once and in order", async () => {
  const it = browser();
  const tab = it.open();
  // Thirty at once, then two a second: what the server answers with 429 otherwise.
  const send = { left: 30, at: it.clock.now() };
  it.script.shift = () => {
    send.left = Math.min(30, send.left + ((it.clock.now() - send.at) / 1_000) * 2);
    send.at = it.clock.now();
    if (send.left < 1) return { kind: "later", after: 1_000, message: "Too fast." };
    send.left -= 1;
    return "ok";
  };
  const texts = Array.from({ length: 100 }, (_, at) => `text ${at}`);
  for (const text of texts) await it.add(tab, text);
  await it.clock.advance(3 * 60_000);
  assert.deepEqual(inRoom(it.room), texts);
  assert.deepEqual(tab.shown, []);
  assert.ok(it.posts.length < 250, `${it.posts.length} requests`);
});

test("nothing waits behind a text that the server takes in hours only", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push({ kind: "later", after: 3_600_000, message: "Try again in one hour." });
  await it.add(tab, "one");
  await it.add(tab, "two");
  await it.clock.advance(1_000);
  assert.deepEqual(inRoom(it.room), ["two"]);
  assert.deepEqual(tab.shown, ["one:failed"]);
  assert.equal((await it.store.all())[0].error, "Try again in one hour.");
  await tab.outbox.retry("n1");
  await it.clock.advance(1_000);
  assert.deepEqual(inRoom(it.room), ["two", "one"]);
});

test("attempts become rarer, and waking tries at once", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push(...Array.from({ length: 100 }, () => "unreachable"));
  await it.add(tab, "one");
  await it.clock.advance(10 * 60_000);
  assert.ok(it.posts.length > 10 && it.posts.length < 50, `${it.posts.length} attempts in ten minutes`);
  it.script.length = 0;
  tab.outbox.wake();
  await settle();
  assert.deepEqual(inRoom(it.room), ["one"]);
});

test("two tabs: one sends, both show, nothing is doubled", async () => {
  const it = browser();
  const [left, right] = [it.open(), it.open()];
  it.script.push("unreachable");
  await it.add(left, "one");
  await it.add(right, "two");
  await settle();
  assert.deepEqual(right.shown.map((text) => text.split(":")[0]), ["one", "two"]);
  await it.clock.advance(60_000);
  assert.deepEqual(inRoom(it.room), ["one", "two"]);
  assert.deepEqual(left.sent.map(([nonce]) => nonce).sort(), ["n1", "n2"]);
  assert.deepEqual(right.sent.map(([nonce]) => nonce).sort(), ["n1", "n2"]);
  assert.equal(it.posts.filter((post) => post.endsWith("ok")).length, 2);
});

test("a tab that is closed with something to send leaves it to the others", async () => {
  const it = browser();
  const [left, right] = [it.open(), it.open()];
  it.script.push("unreachable");
  await it.add(left, "one");
  await settle();
  left.alive = false;
  left.outbox.stop();
  await it.clock.advance(10_000);
  assert.deepEqual(inRoom(it.room), ["one"]);
  assert.deepEqual(right.sent, [["n1", 1]]);
});

test("without locks two tabs may both send; the nonce keeps the room right", async () => {
  const it = browser({ lock: (_name, run) => run() });
  const [left, right] = [it.open(), it.open()];
  it.script.push("lost", "lost");
  await it.add(left, "one");
  void right.outbox.start();
  await it.add(right, "two");
  await it.clock.advance(60_000);
  assert.deepEqual(inRoom(it.room), ["one", "two"]);
  assert.deepEqual(await it.store.all(), []);
});

test("another account on this browser sends nothing of mine", async () => {
  const it = browser();
  const mine = it.open(1);
  it.script.push("hang");
  await it.add(mine, "one");
  await settle();
  mine.alive = false;
  const theirs = it.open(2);
  await theirs.outbox.start();
  await it.clock.advance(60_000);
  assert.deepEqual(theirs.shown, []);
  assert.equal(it.posts.length, 1);
});

test("signed out: the text waits for the next visit", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push({ kind: "signed-out" });
  await it.add(tab, "one");
  await it.clock.advance(600_000);
  assert.equal(tab.signedOut, true);
  assert.equal(it.posts.length, 1);
  assert.deepEqual(tab.shown, ["one:queued"]);
});

test("what comes in while the sender lets go of its lock is not forgotten", async () => {
  let release = () => {};
  const gate = new Promise((resolve) => (release = resolve));
  const it = browser({
    lock: async (_name, run) => {
      await run();
      await gate;
    },
  });
  const tab = it.open();
  await it.add(tab, "one");
  await settle();
  await it.add(tab, "two");
  await settle();
  assert.deepEqual(inRoom(it.room), ["one"]);
  release();
  await settle();
  assert.deepEqual(inRoom(it.room), ["one", "two"]);
});

test("rooms do not wait for each other", async () => {
  const it = browser();
  const tab = it.open();
  it.script.push("hang");
  await it.add(tab, "one");
  await tab.outbox.add({ room: 2, content: "elsewhere", reply_to: null, quoted: null });
  await settle();
  assert.deepEqual(inRoom(it.room), ["elsewhere"]);
});
