/** Emoji by name in both languages, and the keys of the grid. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { moveInGrid, readEmoji, RECENT_MAX, remember, searchEmoji, withTone } from "../../public/room/emoji_data.js";
import { fold } from "../../public/room/fold.js";

const all = readEmoji(JSON.parse(readFileSync(new URL("../../public/emoji/emoji.json", import.meta.url), "utf8")));
const first = (/** @type {string} */ query) => searchEmoji(all, query)[0]?.emoji;
const finds = (/** @type {string} */ query, /** @type {string} */ emoji) => searchEmoji(all, query).some((one) => one.emoji === emoji);

test("an emoji is found by its French and its English name, with and without accents", () => {
  assert.equal(first("cœur rouge"), "❤️");
  assert.equal(first("coeur rouge"), "❤️");
  assert.equal(first("RED HEART"), "❤️");
  assert.equal(first("tada"), "🎉");
  assert.equal(first(":tada:"), "🎉");
  for (const [query, emoji] of [["fete", "🎉"], ["idée", "💡"], ["pouce", "👍"], ["thumb", "👍"], ["drapeau france", "🇫🇷"], ["flag france", "🇫🇷"], ["+1", "👍"]]) {
    assert.ok(finds(query ?? "", emoji ?? ""), `${query} finds ${emoji}`);
  }
  assert.deepEqual(searchEmoji(all, "zzzz"), []);
  assert.deepEqual(searchEmoji(all, "  "), []);
  assert.equal(searchEmoji(all, "a", 5).length, 5);
});

test("each emoji stands once, is named in both languages, and takes a tone where it may", () => {
  assert.ok(all.length > 1_800);
  assert.equal(new Set(all.map(({ emoji }) => emoji)).size, all.length);
  for (const { emoji, fr, en, group } of all) assert.ok(fr && en && group >= 0 && group <= 8, emoji);
  const thumb = all.find(({ emoji }) => emoji === "👍");
  const heart = all.find(({ emoji }) => emoji === "❤️");
  const fist = all.find(({ emoji }) => emoji === "✌️");
  assert.ok(thumb && heart && fist);
  assert.deepEqual([withTone(thumb, 3), withTone(thumb, 0), withTone(heart, 3), withTone(fist, 5)], ["👍🏽", "👍", "❤️", "✌🏿"]);
});

test("the last used ones come first, each once, and not without end", () => {
  let recent = ["a", "b"];
  recent = remember(recent, "b");
  assert.deepEqual(recent, ["b", "a"]);
  for (let i = 0; i < 100; i += 1) recent = remember(recent, String(i));
  assert.equal(recent.length, RECENT_MAX);
});

test("arrows move in rows of different lengths and leave at the top", () => {
  // Two groups: rows of 3, 2 and 3, 1.
  const places = [[0, 0], [10, 0], [20, 0], [0, 10], [10, 10], [0, 30], [10, 30], [20, 30], [0, 40]].map(([x = 0, y = 0]) => ({ x, y }));
  assert.equal(moveInGrid(places, 2, "ArrowDown"), 4, "to the nearest of a shorter row");
  assert.equal(moveInGrid(places, 4, "ArrowDown"), 6, "over the border of a group");
  assert.equal(moveInGrid(places, 7, "ArrowUp"), 4);
  assert.equal(moveInGrid(places, 1, "ArrowUp"), -1);
  assert.equal(moveInGrid(places, 8, "ArrowDown"), 8);
  assert.equal(moveInGrid(places, 8, "ArrowRight"), 8);
  assert.equal(moveInGrid(places, 0, "ArrowLeft"), 0);
  assert.equal(moveInGrid(places, 4, "End"), 8);
  assert.equal(moveInGrid(places, 4, "a"), null);
  assert.equal(moveInGrid([], 0, "ArrowDown"), null);
});

test("folding takes accents, ligatures and apostrophes as typed", () => {
  assert.equal(fold("  L’Été  ŒUVRE straße "), "l'ete oeuvre strasse");
});
