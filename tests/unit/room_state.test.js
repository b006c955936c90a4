/** The reducer, case by case: what each arrival does to the list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { behind, createRoomState, earlierRequest, nextRequest, ordered, quoteOf } from "../../public/room/list_state.js";
import { acknowledge, adopt, apply, applyPage, noteTop, setPending } from "../../public/room_state.js";
import { fakeRoom } from "./support/room.js";

const VIEWER = 1;

function open(room, viewer = VIEWER) {
  const page = room.newest();
  const state = createRoomState({ room: room.chatroom, viewer, epoch: page.epoch, revision: page.revision });
  adopt(state, { messages: page.messages, quoted: page.quoted, hasEarlier: page.has_earlier });
  return state;
}

const fetchSince = (state, room) => {
  const request = nextRequest(state);
  return applyPage(state, room.since(request), request);
};

const contents = (state) => ordered(state).map((message) => message.content);

function pendingItem(nonce, content, more = {}) {
  return {
    nonce, room: 1, viewer: VIEWER, content, reply_to: null, quoted: null, created_at: "2026-11-22T12:00:00Z",
    seq: 1, status: "queued", error: null, ...more,
  };
}

test("the next change is applied and named", () => {
  const room = fakeRoom();
  const state = open(room);
  const effects = apply(state, room.post(2, "one"));
  assert.deepEqual(contents(state), ["one"]);
  assert.deepEqual([...effects.changed], [1]);
  assert.deepEqual(effects.fresh, [1]);
  assert.equal(effects.fetch, null);
});

test("a change that was seen is ignored", () => {
  const room = fakeRoom();
  const state = open(room);
  const change = room.post(2, "one");
  apply(state, change);
  const effects = apply(state, structuredClone(change));
  assert.equal(effects.changed.size, 0);
  assert.equal(effects.fresh.length, 0);
  assert.deepEqual(contents(state), ["one"]);
});

test("a change behind a hole is held, asks for a fetch a moment later, and is applied when the hole closes", () => {
  const room = fakeRoom();
  const state = open(room);
  const first = room.post(2, "one");
  const second = room.post(2, "two");
  assert.equal(apply(state, second).fetch, "soon");
  assert.deepEqual(contents(state), []);
  assert.equal(behind(state), true);
  const effects = apply(state, first);
  assert.equal(effects.fetch, null);
  assert.deepEqual(contents(state), ["one", "two"]);
  assert.equal(behind(state), false);
});

test("a fetch closes a hole that nothing else closes", () => {
  const room = fakeRoom();
  const state = open(room);
  room.post(2, "one");
  apply(state, room.post(2, "two"));
  fetchSince(state, room);
  assert.deepEqual(contents(state), ["one", "two"]);
  assert.equal(state.held.size, 0);
});

test("a thin change only says that something exists", () => {
  const room = fakeRoom();
  const state = open(room);
  const { epoch, chatroom, revision } = room.post(2, "one");
  assert.equal(apply(state, { epoch, chatroom, revision }).fetch, "now");
  assert.deepEqual(contents(state), []);
  fetchSince(state, room);
  assert.deepEqual(contents(state), ["one"]);
});

test("a thin change between two full ones does not let the later one through", () => {
  const room = fakeRoom();
  const state = open(room);
  const { epoch, chatroom, revision } = room.post(2, "one");
  apply(state, { epoch, chatroom, revision });
  assert.notEqual(apply(state, room.post(2, "two")).fetch, null);
  assert.deepEqual(contents(state), []);
  fetchSince(state, room);
  assert.deepEqual(contents(state), ["one", "two"]);
});

test("another epoch starts the list over", () => {
  const room = fakeRoom();
  const state = open(room);
  apply(state, room.post(2, "one"));
  apply(state, room.post(2, "two"));
  room.restore("e2", 1);
  const change = room.post(2, "other");
  assert.equal(apply(state, change).fetch, "now");
  assert.deepEqual(contents(state), ["one", "two"]);
  const effects = fetchSince(state, room);
  assert.equal(effects.reset, true);
  assert.deepEqual(contents(state), ["one", "other"]);
  assert.equal(state.revision, room.revision);
});

test("a counter that went back without a new epoch starts the list over too", () => {
  const room = fakeRoom();
  const state = open(room);
  apply(state, room.post(2, "one"));
  apply(state, room.post(2, "two"));
  room.restore("e1", 1);
  assert.equal(noteTop(state, 1).fetch, "now");
  fetchSince(state, room);
  assert.deepEqual(contents(state), ["one"]);
  assert.equal(behind(state), false);
});

test("an answer that was overtaken by pushes does not take the list back", () => {
  const room = fakeRoom();
  const state = open(room);
  const request = { epoch: state.epoch, since: 0, doubts: 0 };
  const late = { ...room.newest(), reset: true };
  apply(state, room.post(2, "one"));
  applyPage(state, late, request);
  assert.deepEqual(contents(state), ["one"]);
});

test("an answer asked from another epoch is not taken", () => {
  const room = fakeRoom();
  const state = open(room);
  const request = { epoch: "e0", since: 0, doubts: 0 };
  assert.equal(applyPage(state, { ...room.newest(), reset: true, epoch: "e0" }, request).fetch, "now");
  assert.equal(state.epoch, "e1");
});

test("an answer asked from above the cursor leaves no gap below it", () => {
  const room = fakeRoom();
  const state = open(room);
  const request = { ...nextRequest(state), since: 2 };
  room.post(2, "one");
  const page = { ...room.since(nextRequest(state)), messages: [], revision: 5 };
  assert.equal(applyPage(state, page, request).fetch, "now");
  assert.equal(state.revision, 0);
});

test("what does not belong to this log is only settled by an answer that was asked for afterwards", () => {
  const room = fakeRoom();
  const state = open(room);
  const request = nextRequest(state);
  const page = room.since(request);
  apply(state, { epoch: "e2", chatroom: 1, revision: 1 });
  applyPage(state, page, request);
  assert.equal(behind(state), true);
  fetchSince(state, room);
  assert.equal(behind(state), false);
});

test("an item is never overwritten by an older state of itself", () => {
  const room = fakeRoom();
  const state = open(room);
  apply(state, room.post(2, "one"));
  const request = { epoch: state.epoch, since: 0, doubts: 0 };
  const old = room.since(request);
  apply(state, room.edit(1, "one, edited"));
  applyPage(state, old, request);
  assert.deepEqual(contents(state), ["one, edited"]);
  assert.equal(state.revision, 2);
});

test("a message above the loaded window only moves the cursor, and is right when its page is loaded", () => {
  const room = fakeRoom({ pageSize: 2 });
  for (const text of ["one", "two", "three", "four"]) room.post(2, text);
  const state = open(room);
  assert.deepEqual(contents(state), ["three", "four"]);
  const request = earlierRequest(state);
  const page = room.before(state.lowest);
  const effects = apply(state, room.edit(1, "one, edited"));
  assert.equal(effects.changed.size, 0);
  assert.equal(state.revision, 5);
  applyPage(state, page, request);
  assert.deepEqual(contents(state), ["one, edited", "two", "three", "four"]);
  assert.equal(state.lowest, 0);
});

test("a page of the history that no longer fits is not taken", () => {
  const room = fakeRoom({ pageSize: 1 });
  for (const text of ["one", "two", "three"]) room.post(2, text);
  const state = open(room);
  const request = earlierRequest(state);
  const page = room.before(state.lowest);
  applyPage(state, page, request);
  const next = earlierRequest(state);
  applyPage(state, room.before(next.before), next);
  applyPage(state, page, request);
  assert.equal(state.lowest, 0);
  assert.deepEqual(contents(state), ["one", "two", "three"]);
});

test("a gap larger than a page is fetched page after page", () => {
  const room = fakeRoom({ pageSize: 2 });
  const state = open(room);
  for (let i = 1; i <= 5; i += 1) room.post(2, `m${i}`);
  assert.equal(fetchSince(state, room).fetch, "now");
  fetchSince(state, room);
  assert.equal(fetchSince(state, room).fetch, null);
  assert.deepEqual(contents(state), ["m1", "m2", "m3", "m4", "m5"]);
});

test("a tombstone of a message never seen stands in its place", () => {
  const room = fakeRoom();
  const state = open(room);
  room.post(2, "one");
  room.post(2, "two");
  room.remove(1);
  fetchSince(state, room);
  assert.deepEqual(ordered(state).map((message) => [message.id, message.deleted]), [[1, true], [2, false]]);
});

test("a quote follows its source", () => {
  const room = fakeRoom();
  const state = open(room);
  apply(state, room.post(2, "source"));
  apply(state, room.post(3, "answer", { replyTo: 1 }));
  const reply = () => state.messages.get(2);
  assert.equal(quoteOf(state, reply()).excerpt, "source");
  assert.deepEqual([...apply(state, room.edit(1, "better")).changed].sort(), [1, 2]);
  assert.equal(quoteOf(state, reply()).excerpt, "better");
  apply(state, room.remove(1));
  assert.equal(quoteOf(state, reply()).deleted, true);
});

test("a quote follows a source that is not loaded", () => {
  const room = fakeRoom({ pageSize: 1 });
  room.post(2, "source");
  room.post(3, "answer", { replyTo: 1 });
  const state = open(room);
  assert.equal(quoteOf(state, state.messages.get(2)).excerpt, "source");
  assert.deepEqual([...apply(state, room.edit(1, "better")).changed], [2]);
  assert.equal(quoteOf(state, state.messages.get(2)).excerpt, "better");
});

test("an earlier page brings no quote from the past", () => {
  const room = fakeRoom({ pageSize: 1 });
  room.post(2, "source");
  room.post(3, "first answer", { replyTo: 1 });
  room.post(3, "second answer", { replyTo: 1 });
  const state = open(room);
  const request = earlierRequest(state);
  const page = room.before(state.lowest);
  apply(state, room.edit(1, "better"));
  apply(state, room.post(2, "something else"));
  applyPage(state, page, request);
  assert.equal(quoteOf(state, state.messages.get(2)).excerpt, "better");
});

// Known ways of getting this wrong, 17: push and poll both appending the same message.
test("push before answer, and answer before push: one bubble becomes one message", () => {
  for (const order of ["push first", "answer first"]) {
    const room = fakeRoom();
    const state = open(room);
    setPending(state, [pendingItem("n1", "mine")]);
    const change = room.post(VIEWER, "mine", { nonce: "n1" });
    const first = order === "push first" ? apply(state, change) : acknowledge(state, "n1", change);
    assert.equal(state.pending.size, 0, order);
    assert.deepEqual(first.settled, ["n1"], order);
    if (order === "push first") acknowledge(state, "n1", change);
    else apply(state, change);
    assert.deepEqual(contents(state), ["mine"], order);
    assert.equal(state.pending.size, 0, order);
  }
});

test("an answer behind a hole keeps its bubble until the message stands in its place", () => {
  const room = fakeRoom();
  const state = open(room);
  setPending(state, [pendingItem("n1", "mine")]);
  room.post(2, "theirs");
  const effects = acknowledge(state, "n1", room.post(VIEWER, "mine", { nonce: "n1" }));
  assert.equal(effects.fetch, "soon");
  assert.equal(state.pending.get("n1").status, "sent");
  setPending(state, []);
  assert.equal(state.pending.size, 1);
  fetchSince(state, room);
  assert.equal(state.pending.size, 0);
  assert.deepEqual(contents(state), ["theirs", "mine"]);
});

test("a bubble whose message lies above the window goes when the list has passed it", () => {
  const room = fakeRoom({ pageSize: 1 });
  room.post(VIEWER, "mine", { nonce: "n1" });
  room.post(2, "theirs");
  const state = open(room);
  setPending(state, [pendingItem("n1", "mine")]);
  assert.equal(state.pending.size, 1);
  acknowledge(state, "n1", room.post(VIEWER, "mine", { nonce: "n1" }));
  assert.equal(state.pending.size, 0);
  assert.deepEqual(contents(state), ["theirs"]);
});

test("an item of the outbox that the page already shows is settled at once", () => {
  const room = fakeRoom();
  room.post(VIEWER, "mine", { nonce: "n1" });
  const state = open(room);
  const effects = setPending(state, [pendingItem("n1", "mine"), pendingItem("n2", "next", { seq: 2 })]);
  assert.deepEqual(effects.settled, ["n1"]);
  assert.deepEqual([...state.pending.keys()], ["n2"]);
});

test("another person's nonce is not mine", () => {
  const room = fakeRoom();
  const state = open(room);
  setPending(state, [pendingItem("n1", "mine")]);
  apply(state, room.post(2, "theirs", { nonce: "n1" }));
  assert.equal(state.pending.size, 1);
});

test("members and the room keep their newest state", () => {
  const room = fakeRoom();
  const state = open(room);
  const joined = room.member(3, "member");
  const raised = room.member(3, "admin");
  const named = room.rename("new");
  assert.equal(apply(state, joined).members, true);
  apply(state, raised);
  assert.equal(apply(state, named).room, true);
  assert.equal(state.members.get(3).role, "admin");
  assert.equal(state.roomInfo.title, "new");
});

test("another room's change is none of this list's", () => {
  const room = fakeRoom();
  const state = open(room);
  const effects = apply(state, { ...room.post(2, "one"), chatroom: 7 });
  assert.equal(effects.fetch, null);
  assert.deepEqual(contents(state), []);
});
