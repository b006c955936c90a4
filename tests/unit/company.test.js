/** Receipts and typing, without a page: what is counted from watermarks, and marks that neither flicker nor stay. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createWatermarks } from "../../public/room/watermarks.js";
import { FORGET, IDLE, createTypist, createTypists } from "../../public/room/typing.js";
import { fakeClock } from "./support/clock.js";

test("what the ticks count is what counting one by one gives, whatever came in which order", () => {
  const mark = fc.record({ user: fc.integer({ min: 1, max: 12 }), position: fc.option(fc.integer({ min: 0, max: 30 })), from: fc.integer({ min: 0, max: 30 }) });
  fc.assert(fc.property(fc.array(fc.array(mark, { maxLength: 6 }), { maxLength: 8 }), fc.integer({ min: 1, max: 31 }), (rounds, at) => {
    const marks = createWatermarks(1);
    const known = new Map();
    for (const round of rounds) {
      marks.apply(round);
      for (const one of round) {
        if (one.user === 1) continue;
        if (one.position === null) known.delete(one.user);
        else known.set(one.user, one);
      }
    }
    const there = [...known.values()].filter(({ from }) => from < at);
    const seen = there.filter(({ position }) => position >= at);
    assert.deepEqual(marks.count(at), { seen: seen.length, total: there.length });
    const who = marks.who(at);
    assert.deepEqual([...who.seen].sort(), seen.map(({ user }) => user).sort());
    assert.equal(who.missing.length, there.length - seen.length);
  }));
});

test("a mark that says the same changes nothing, and who left is counted no more", () => {
  const marks = createWatermarks(1);
  assert.equal(marks.apply([{ user: 2, position: 5, from: 0, at: "x" }, { user: 3, position: 0, from: 0 }]), true);
  assert.equal(marks.apply([{ user: 2, position: 5, from: 0, at: "x" }, { user: 1, position: 9 }]), false);
  assert.deepEqual(marks.count(5), { seen: 1, total: 2 });
  assert.equal(marks.remove(3), true);
  assert.equal(marks.remove(3), false);
  assert.deepEqual(marks.count(5), { seen: 1, total: 1 });
  marks.clear();
  assert.deepEqual(marks.count(5), { seen: 0, total: 0 });
});

/** A typist and a reader with so much between them. @param {number[]} delays */
function pair(delays) {
  const clock = fakeClock();
  /** @type {number[][]} */
  const shown = [];
  const typists = createTypists({ clock, viewer: 1, onChange: (users) => shown.push(users) });
  let said = 0;
  const typist = createTypist({
    clock,
    say(on) {
      const delay = delays[said % delays.length];
      said += 1;
      clock.setTimeout(() => typists.heard(2, on), delay);
    },
  });
  return { clock, typist, typists, shown, said: () => said };
}

// Known ways of getting this wrong, 19.
test("while somebody types, however slowly, the mark never goes", async () => {
  const gaps = fc.array(fc.integer({ min: 1, max: IDLE - 1 }), { minLength: 1, maxLength: 15 });
  const delays = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 5 });
  await fc.assert(fc.asyncProperty(gaps, delays, async (pauses, between) => {
    // What is said arrives in the order in which it was said, as on one connection.
    const { clock, typist, shown } = pair([Math.max(...between)]);
    typist.input(true);
    for (const pause of pauses) {
      await clock.advance(pause);
      typist.input(true);
    }
    assert.ok(shown.length <= 1, JSON.stringify(shown));
    await clock.advance(2_000);
    assert.deepEqual(shown.at(-1), [2]);
    typist.stop();
    await clock.advance(2_000);
    assert.deepEqual(shown, [[2], []]);
  }), { numRuns: 25 });
});

test("who stops touching the keys, clears the field or leaves, types no more", async () => {
  for (const end of ["idle", "clear", "stop"]) {
    const { clock, typist, typists, said } = pair([0]);
    typist.input(true);
    await clock.advance(100);
    assert.deepEqual(typists.users(), [2]);
    if (end === "clear") typist.input(false);
    if (end === "stop") typist.stop();
    await clock.advance(end === "idle" ? IDLE : 1);
    assert.deepEqual(typists.users(), [], end);
    const now = said();
    await clock.advance(60_000);
    assert.equal(said(), now, "and says nothing more");
  }
});

test("a mark of a page that is gone goes by itself, and a list from the server replaces all", async () => {
  const clock = fakeClock();
  const typists = createTypists({ clock, viewer: 1, onChange() {} });
  typists.heard(2, true);
  typists.heard(1, true);
  await clock.advance(FORGET - 1);
  assert.deepEqual(typists.users(), [2]);
  await clock.advance(1);
  assert.deepEqual(typists.users(), []);
  typists.set([3, 4]);
  typists.set([4, 5, 1]);
  assert.deepEqual(typists.users(), [4, 5]);
  typists.forget(4);
  assert.deepEqual(typists.users(), [5]);
});
