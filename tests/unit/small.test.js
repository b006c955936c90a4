/** The small parts: words, lengths, nonces, the store without a database. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lengthOf } from "../../public/composer.js";
import { oneAtATime } from "../../public/link/once.js";
import { newNonce, openStore } from "../../public/outbox_store.js";
import { continues } from "../../public/room/decor.js";
import { queryOf } from "../../public/room/search.js";
import { showsNothing } from "../../public/room/text.js";
import { loadStrings, plural, t } from "../../public/strings.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** @param {string} lang @param {Record<string, string>} words */
function speak(lang, words) {
  globalThis.document = { documentElement: { lang }, getElementById: () => ({ textContent: JSON.stringify(words) }) };
  loadStrings(globalThis.document);
}

test("words with their values, and counts as the language counts", () => {
  const words = { "js-hello": "Bonjour { $name } !", "js-new-one": "{$count} nouveau", "js-new-other": "{$count} nouveaux" };
  speak("fr", words);
  assert.equal(t("js-hello", { name: "Awa" }), "Bonjour Awa !");
  assert.equal(t("js-hello"), "Bonjour { $name } !");
  assert.equal(plural("js-new", 0), "0 nouveau");
  assert.equal(plural("js-new", 2), "2 nouveaux");
  speak("en", words);
  assert.equal(plural("js-new", 0), "0 nouveaux");
});

test("one request at a time, and one more for all who asked meanwhile", async () => {
  const turns = [];
  /** @type {(() => void)[]} */
  const answers = [];
  const ask = oneAtATime(() => new Promise((answer) => {
    turns.push(turns.length);
    answers.push(() => answer());
  }));
  const first = ask();
  assert.equal(turns.length, 1);
  const rest = [ask(), ask(), ask()];
  answers[0]?.();
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(turns.length, 2);
  answers[1]?.();
  await Promise.all([first, ...rest]);
  assert.equal(turns.length, 2);
  void ask();
  assert.equal(turns.length, 3, "and it begins anew");
  answers[2]?.();
});

test("a length is in characters", () => {
  assert.equal(lengthOf("élan"), 4);
  assert.equal(lengthOf("🙏🏾"), 2);
});

test("a nonce is a UUID with and without a secure context", (context) => {
  assert.match(newNonce(), UUID);
  context.mock.method(globalThis.crypto, "randomUUID");
  const secure = Object.getOwnPropertyDescriptor(globalThis.crypto, "randomUUID");
  Object.defineProperty(globalThis.crypto, "randomUUID", { value: undefined, configurable: true });
  const made = new Set(Array.from({ length: 100 }, newNonce));
  Object.defineProperty(globalThis.crypto, "randomUUID", secure);
  assert.equal(made.size, 100);
  for (const nonce of made) assert.match(nonce, UUID);
});

test("without a database the outbox lives in memory, and what was settled does not come back", async () => {
  const store = await openStore();
  const item = { nonce: "n1", room: 1, viewer: 1, content: "one", reply_to: null, quoted: null, created_at: "", seq: 0, status: "queued", error: null };
  const kept = await store.put(item);
  await store.put({ ...item, nonce: "n2" });
  assert.deepEqual((await store.all()).map(({ nonce }) => nonce), ["n1", "n2"]);
  await store.remove("n1");
  await store.put({ ...kept, status: "failed" });
  assert.deepEqual((await store.all()).map(({ nonce }) => nonce), ["n2"]);
});

test("one person's messages within five minutes of a day are one group", () => {
  const at = (created_at, more = {}) => ({ position: 1, kind: "text", author: { id: 1 }, created_at, deleted: false, reply_to: null, ...more });
  const first = at("2026-11-22T12:00:00Z");
  assert.equal(continues(first, at("2026-11-22T12:04:00Z")), true);
  assert.equal(continues(null, first), false);
  assert.equal(continues(first, at("2026-11-22T12:06:00Z")), false);
  assert.equal(continues(first, at("2026-11-22T12:01:00Z", { author: { id: 2 } })), false);
  assert.equal(continues(first, at("2026-11-22T12:01:00Z", { reply_to: { id: 1 } })), false);
  assert.equal(continues(at("2026-11-22T12:00:00Z", { deleted: true }), at("2026-11-22T12:01:00Z")), false);
});

test("what is not seen shows nothing, what a script needs does", () => {
  for (const nothing of ["", " \n\t", "\u200b", "\u2800", "\u3164", "\u00ad\ufeff", "\u202e\u2066", "\u{e0061}", "\ufe0f"]) assert.ok(showsNothing(nothing), JSON.stringify(nothing));
  for (const something of ["a", ".", "\u0301", "👩‍🚀", "می‌خواهم", "a\u200b"]) assert.ok(!showsNothing(something), JSON.stringify(something));
});

test("no day of a search leaves the server's calendar", () => {
  for (const day of ["9999-12-31", "9999-01-01", "0001-01-01", "2026-02-30", "x", "99999-01-01"]) {
    const fields = new FormData();
    for (const name of ["from", "to"]) fields.set(name, day);
    for (const moment of [...queryOf(fields).values()]) assert.match(moment, /^\d{4}-\d\d-\d\dT/);
  }
});
