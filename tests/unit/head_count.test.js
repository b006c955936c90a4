import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeadCount } from "../../public/room/head_count.js";

/** @param {number} id @param {number} revision @param {object} more */
const member = (id, revision, more = {}) => ({ user: { id, first_name: "", last_name: "", initials: "" }, role: "member", state: "joined", revision, ...more });

test("s4: the number of people follows the log, each change once, and the server's word", () => {
  const drawn = [];
  const head = createHeadCount({ revision: 10, count: 2_000, draw: (count) => drawn.push(count) });
  const come = member(1, 11, { is_new: true });
  head.follow([member(7, 9, { is_new: true })]);
  assert.deepEqual(drawn, [], "what the page was rendered with is counted already");
  head.follow([come]);
  head.follow([come, member(2, 12)]);
  assert.deepEqual(drawn, [2_001], "told twice is one, another role is nobody more");
  head.follow([member(1, 13, { state: "left" }), member(3, 14, { state: "left" })]);
  head.follow([member(1, 15, { is_new: true })]);
  assert.deepEqual(drawn.slice(1), [1_999, 2_000]);
  head.set(2_005, 30);
  head.follow([member(4, 30, { is_new: true }), member(5, 31, { is_new: true })]);
  assert.deepEqual(drawn.slice(3), [2_005, 2_006]);
});
