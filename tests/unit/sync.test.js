/** The fetcher: one request at a time, every page of a gap, and no tag that would hide what was not read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSync } from "../../public/link/sync.js";
import { createRoomState, nextRequest } from "../../public/room/list_state.js";
import { applyPage } from "../../public/room_state.js";
import { settle } from "./support/clock.js";
import { fakeRoom } from "./support/room.js";

function fetcher(room) {
  const state = createRoomState({ room: 1, viewer: 1, epoch: room.epoch, revision: room.revision });
  const it = { state, asked: [], release: null, manual: false, tagged: false };
  it.sync = createSync({
    cursor: () => nextRequest(state),
    async fetchPage(request, { wait, etag, signal }) {
      it.asked.push({ since: request.since, wait, etag });
      if (it.manual) {
        await new Promise((resolve) => {
          it.release = resolve;
          signal.addEventListener("abort", resolve);
        });
      }
      const tag = `${room.epoch}-${room.revision}`;
      if (etag === tag) return { kind: "same" };
      return { kind: "page", page: structuredClone(room.since(request)), etag: tag };
    },
    deliver: (page, request) => applyPage(state, page, request),
  });
  return it;
}

test("a gap of several pages is fetched to its end", async () => {
  const room = fakeRoom({ pageSize: 2 });
  const it = fetcher(room);
  for (let i = 0; i < 5; i += 1) room.post(2, `m${i}`);
  assert.deepEqual(await it.sync.now(), { kind: "reached", news: true });
  assert.equal(it.state.messages.size, 5);
  assert.equal(it.asked.length, 3);
});

test("the tag of an answer that was not the last page is never sent back", async () => {
  const room = fakeRoom({ pageSize: 2 });
  const it = fetcher(room);
  for (let i = 0; i < 5; i += 1) room.post(2, `m${i}`);
  await it.sync.now();
  assert.deepEqual(it.asked.map(({ etag }) => etag), [null, null, null]);
  await it.sync.now();
  assert.equal(it.asked.at(-1).etag, "e1-5");
});

test("a tag is not sent from a cursor below it", async () => {
  const room = fakeRoom();
  const it = fetcher(room);
  room.post(2, "one");
  await it.sync.now();
  it.state.revision = 0;
  await it.sync.now();
  assert.equal(it.asked.at(-1).etag, null);
});

test("asked again while asking: one more request, not two at once", async () => {
  const room = fakeRoom();
  const it = fetcher(room);
  it.manual = true;
  const first = it.sync.now();
  const second = it.sync.now();
  assert.equal(it.asked.length, 1);
  it.manual = false;
  room.post(2, "one");
  it.release();
  await Promise.all([first, second]);
  assert.equal(it.asked.length, 2);
  assert.equal(it.state.messages.size, 1);
});

test("a waiting request gives way to one that cannot wait", async () => {
  const room = fakeRoom();
  const it = fetcher(room);
  it.manual = true;
  const waiting = it.sync.wait(25);
  await settle();
  it.manual = false;
  assert.deepEqual(await it.sync.now(), { kind: "reached", news: false });
  assert.deepEqual(await waiting, { kind: "aborted" });
  assert.deepEqual(it.asked.map(({ wait }) => wait), [25, 0]);
});

test("a fault in an answer is a failure, not the end of asking", async (context) => {
  context.mock.method(console, "error", () => {});
  const sync = createSync({
    cursor: () => ({ epoch: "e1", since: 0, doubts: 0 }),
    fetchPage: async () => ({ kind: "page", page: /** @type {any} */ (null), etag: null }),
    deliver: () => ({ fetch: null }),
  });
  assert.deepEqual(await sync.now(), { kind: "failed", after: null });
  assert.deepEqual(await sync.now(), { kind: "failed", after: null });
});
