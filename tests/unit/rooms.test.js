/** The left column: when a change elsewhere counts as unread, and when the server has to be asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRooms } from "../../public/rooms.js";

/** A page with one other room in its column. */
function column() {
  globalThis.HTMLElement = class {};
  globalThis.document = { querySelector: () => null, documentElement: { lang: "en" } };
  // Older versions of Node have none.
  globalThis.navigator ??= {};
  const count = { textContent: "", toggleAttribute() {} };
  const link = Object.assign(new globalThis.HTMLElement(), {
    dataset: { roomLink: "7", epoch: "e", revision: "4" },
    classList: { toggle() {} },
    querySelector: (selector) => (selector === ".unread" ? count : null),
  });
  const list = { querySelectorAll: () => [link] };
  const rooms = createRooms({ list, viewer: 1, current: 9, title: { title: "Palabre" } });
  return { rooms, unread: () => count.textContent };
}

const change = (revision, content = {}) => ({ epoch: "e", chatroom: 7, revision, ...content });
const said = (revision) => change(revision, { message: { position: revision, author: { id: 2 }, kind: "text" } });

test("a message elsewhere is unread, and known by what was pushed", () => {
  const { rooms, unread } = column();
  assert.equal(rooms.note(said(5)), false);
  assert.equal(unread(), "1");
});

test("a change without its content says nothing of unread: the server is asked, until it has answered", () => {
  const { rooms, unread } = column();
  assert.equal(rooms.note(change(5)), true);
  assert.equal(rooms.note(change(6)), true);
  assert.equal(unread(), "");
  rooms.adopt({ revision: 0, events: [], rooms: [{ id: 7, title: "", kind: "", state: "", epoch: "e", revision: 6, unread: 2, mentions: 0 }] });
  assert.equal(unread(), "2");
  assert.equal(rooms.note(change(6)), false, "known by now");
  assert.equal(rooms.note(said(7)), false);
  assert.equal(unread(), "3");
});
