/** Files in the page: what may wait in the tray, what the page says of them, and how the outbox carries them. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createOutbox } from "../../public/outbox.js";
import { memoryStore } from "../../public/outbox_store.js";
import { endingOf, excerptOf } from "../../public/room/attachments.js";
import { neighbour } from "../../public/room/lightbox.js";
import { sift } from "../../public/room/tray.js";
import { byteSize, loadStrings } from "../../public/strings.js";
import { fakeClock, settle } from "./support/clock.js";

before(() => {
  const words = {
    "js-file-too-large": "{$name}: {$size} > {$max}", "js-file-empty": "{$name} is empty",
    "js-file-too-many-one": "{$count} file", "js-file-too-many-other": "{$count} files",
  };
  globalThis.document = { documentElement: { lang: "en" } };
  loadStrings({ getElementById: () => ({ textContent: JSON.stringify(words) }) });
});

const file = (name, size = 10) => ({ name, size, type: "", blob: new Blob(["x".repeat(Math.min(size, 10))]) });
const names = (files) => files.map(({ name }) => name);

test("what is too large, empty or too much stays out and is told by its name", () => {
  const limits = { size: 1024, count: 3 };
  const { taken, wrong } = sift([file("a")], [file("b", 1024), file("c", 1025), file("d", 0), file("e"), file("f"), file("g")], limits);
  assert.deepEqual(names(taken), ["b", "e"]);
  assert.deepEqual(wrong, ["c: 1 kB > 1 kB", "d is empty", "3 files"]);
});

test("a size is written as the page's language does", () => {
  assert.deepEqual([0, 900, 26_214_400].map(byteSize), ["0\u00a0B", "900\u00a0B", "25 MB"]);
  document.documentElement.lang = "fr";
  assert.deepEqual([900, 1_300_000].map(byteSize), ["900\u00a0o", "1,2\u202fMo"]);
  document.documentElement.lang = "en";
});

test("a file without a text is quoted by its name, and has a sign when its ending is short", () => {
  assert.equal(excerptOf([]), "");
  assert.equal(excerptOf([file("a.png")]), "📎 a.png");
  assert.equal(excerptOf([file("a.png"), file("b"), file("c")]), "📎 a.png +2");
  assert.deepEqual(["plan.pdf", "a.tar.gz", "Makefile", "a.<b>", "x.numbers", "été.été"].map(endingOf), ["PDF", "GZ", "", "", "", "ÉTÉ"]);
});

test("pictures go round", () => {
  assert.deepEqual([neighbour(0, 1, 3), neighbour(2, 1, 3), neighbour(0, -1, 3), neighbour(0, 1, 1), neighbour(0, 1, 0)], [1, 0, 2, 0, -1]);
});

/** A tab whose sending hangs until it is stopped or answered. */
function tab({ store = memoryStore(), others = [] } = {}) {
  const self = { sends: [], stopped: [], shown: [], hanging: new Map(), clock: fakeClock() };
  self.outbox = createOutbox({
    store, viewer: 1, clock: self.clock, random: () => 0.5,
    newNonce: () => `n${self.sends.length}-${Math.random()}`,
    lock: (_name, run) => run(),
    send(item) {
      self.sends.push([item.nonce, names(item.files ?? [])]);
      return new Promise((resolve) => self.hanging.set(item.nonce, resolve));
    },
    abort(nonce) {
      self.stopped.push(nonce);
      self.hanging.get(nonce)?.({ kind: "unreachable" });
    },
    announce: (news) => others.forEach((other) => other.outbox.heed(structuredClone(news))),
    onSent() {},
    onItems: (items) => (self.shown = items.map(({ nonce, status }) => `${nonce}:${status}`)),
    onSignedOut() {},
  });
  return self;
}

const draft = (...files) => ({ room: 1, content: "Look", reply_to: null, quoted: null, files });

test("files are stored with the text, and a later visit sends the same under the same nonce", async () => {
  const store = memoryStore();
  const first = tab({ store });
  const nonce = await first.outbox.add(draft(file("a"), file("b")));
  await settle();
  first.outbox.stop();
  const second = tab({ store });
  await second.outbox.start();
  await settle();
  assert.deepEqual(second.sends, [[nonce, ["a", "b"]]]);
  const [kept] = await store.all();
  assert.equal(await kept.files[0].blob.text(), "x".repeat(10));
});

test("what is cancelled on its way is not tried again, and what stands behind it goes", async () => {
  const store = memoryStore();
  const it = tab({ store });
  const nonce = await it.outbox.add(draft(file("a")));
  await settle();
  const next = await it.outbox.add(draft());
  const item = await it.outbox.cancel(nonce);
  await settle();
  assert.deepEqual(names(item.files), ["a"]);
  assert.deepEqual([it.stopped, it.sends.map(([sent]) => sent)], [[nonce], [nonce, next]]);
  assert.deepEqual((await store.all()).map((kept) => kept.nonce), [next]);
});

test("what waits is cancelled without having been sent", async () => {
  const it = tab();
  const [first, second] = [await it.outbox.add(draft(file("a"))), await it.outbox.add(draft(file("b")))];
  assert.equal((await it.outbox.cancel(second)).content, "Look");
  assert.equal(await it.outbox.cancel(second), null);
  await settle();
  assert.deepEqual(it.shown, [`${first}:sending`]);
  assert.deepEqual(it.stopped, []);
});

test("another tab stops what it sends for this one", async () => {
  const store = memoryStore();
  const sender = tab({ store });
  const asker = tab({ store, others: [sender] });
  const nonce = await sender.outbox.add(draft(file("a")));
  await settle();
  asker.outbox.heed({ type: "sending", nonce, sending: true });
  await asker.outbox.cancel(nonce);
  await settle();
  assert.deepEqual(sender.stopped, [nonce]);
  assert.deepEqual(await store.all(), []);
});
