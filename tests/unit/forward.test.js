/** What a forwarded message says: the text as a quote, and no more than the sender wants. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LONGEST, lengthOf } from "../../public/composer.js";
import { forwarded } from "../../public/room/forward.js";

const message = (content, more = {}) => ({
  id: 7, position: 3, revision: 3, kind: "text", client_nonce: null, author: { id: 1, first_name: "Ada *", last_name: "Sow", initials: "AS" },
  content, excerpt: "", created_at: "2026-03-01T12:00:00Z", edited_at: null, deleted: false, reply_to: null, attachments: [], reactions: [], links: [], html: "", ...more,
});

test("each line is quoted, and the author is named only when asked", () => {
  assert.equal(forwarded(message("one\n\ntwo"), { named: false, link: null }), "> one\n>\n> two");
  assert.equal(forwarded(message("one"), { named: true, link: null }), "> **Ada \\* Sow**\n>\n> one");
});

test("the link has no word of any language", () => {
  assert.equal(forwarded(message("one"), { named: false, link: "https://a.example/message/7" }), "> one\n>\n> [2026-03-01 12:00 UTC](https://a.example/message/7)");
});

test("what is too long with its quotes is cut between characters", () => {
  const long = forwarded(message("🎉".repeat(LONGEST)), { named: true, link: null });
  assert.ok(lengthOf(long) <= LONGEST);
  assert.ok(long.endsWith("🎉…"));
  assert.ok(lengthOf(forwarded(message("a\n".repeat(5_000)), { named: true, link: "https://a.example/message/7" })) <= LONGEST);
});

test("of files alone their names are told", () => {
  assert.equal(forwarded(message("", { attachments: [{ name: "plan [2].pdf" }] }), { named: false, link: null }), "> 📎 plan \\[2\\].pdf");
});
