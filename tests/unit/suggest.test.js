/** When a sign asks for a list, and who is found under "@". */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matching, mentionSource } from "../../public/room/mention.js";
import { askedAt, folded } from "../../public/room/suggest.js";

const at = mentionSource({ viewer: 1, role: () => "member" });
const colon = { sign: ":", pattern: /^[a-z_+-]{2,}$/, label: "", find: () => [] };

/** The caret stands at the bar. @param {string} text */
function asked(text) {
  const caret = text.indexOf("|");
  const found = askedAt(text.replace("|", ""), caret, [at, colon]);
  return found && `${found.source.sign}${found.start}${found.query}`;
}

test("a sign asks at the beginning of a word, and for what stands up to the caret", () => {
  assert.equal(asked("@|"), "@0");
  assert.equal(asked("Bonjour @be|n"), "@8be");
  assert.equal(asked("Bonjour @Ben Di|"), "@8Ben Di");
  assert.equal(asked("(@él|"), "@1él");
  assert.equal(asked("l’équipe\n@Awa|"), "@9Awa");
  assert.equal(asked(":smi|"), ":0smi");
  assert.equal(asked("@Ben :smi|"), ":5smi", "the nearest sign counts");
});

test("addresses, spaces and other lines ask for nothing", () => {
  for (const text of ["ben@exa|mple.org", "a@|", "@ |", "@ben\nbonjour|", "@Ben Diop est venu hier|", "12:30|", ":s|", "|@ben", "https://a.b/@ben|"]) {
    assert.equal(asked(text), null, text);
  }
});

test("accents, case and apostrophes do not matter", () => {
  assert.equal(folded("Élodie d’Été"), folded("elodie D'ETE"));
});

const people = [
  { id: 1, name: "Ada Sow", initials: "AS" },
  { id: 2, name: "Élodie Martin", initials: "ÉM" },
  { id: 3, name: "Jean-Luc Été", initials: "JÉ" },
  { id: 15, name: "Élodie Martin", initials: "ÉM" },
];
const options = { viewer: 1, mayCallAll: true, all: { words: ["tous", "all"], note: "everybody" } };

/** @param {string} query */
const inserted = (query, more = {}) => matching(query, people, { ...options, ...more }).map(({ insert }) => insert);

test("people are found by any part of their names, oneself is not offered", () => {
  assert.deepEqual(inserted("luc"), ["@Jean-Luc Été"]);
  assert.deepEqual(inserted("ete"), ["@Jean-Luc Été"]);
  assert.deepEqual(inserted("jean-luc e"), ["@Jean-Luc Été"]);
  assert.deepEqual(inserted("sow"), []);
  assert.deepEqual(inserted("xyz"), []);
});

test("who shares a name with somebody is named with a number", () => {
  assert.deepEqual(inserted("elo"), ["@Élodie Martin#2", "@Élodie Martin#15"]);
});

test("everybody is offered to who may call everybody, in both languages", () => {
  assert.deepEqual(inserted("to"), ["@tous"]);
  assert.deepEqual(inserted("AL"), ["@all"]);
  assert.equal(inserted("").at(-1), "@tous");
  assert.deepEqual(inserted("to", { mayCallAll: false }), []);
});
