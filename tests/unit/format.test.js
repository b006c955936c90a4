/** What the formatting bar does. A selection is written with brackets ⟦ ⟧, a caret with ⟦⟧. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyFormat, pasteLink, withoutPreview } from "../../public/room/format.js";

/** @import { Format } from "../../public/room/format.js" */

/** @param {string} marked */
function read(marked) {
  const start = marked.indexOf("⟦");
  return { text: marked.replace(/[⟦⟧]/g, ""), start, end: marked.indexOf("⟧") - 1 };
}

/** @param {{ text: string, start: number, end: number }} edit */
const write = ({ text, start, end }) => `${text.slice(0, start)}⟦${text.slice(start, end)}⟧${text.slice(end)}`;

/** @param {string} before @param {Format} format @param {string} after */
function turns(before, format, after) {
  assert.equal(write(applyFormat(read(before), format)), after, `${format} of ${before}`);
}

test("marks stand around the words, and go when pressed again", () => {
  turns("a ⟦mot⟧ b", "bold", "a **⟦mot⟧** b");
  turns("a **⟦mot⟧** b", "bold", "a ⟦mot⟧ b");
  turns("a ⟦**mot**⟧ b", "bold", "a ⟦mot⟧ b");
  turns("a⟦ mot ⟧b", "italic", "a _⟦mot⟧_ b");
  turns("⟦⟧", "strike", "~~⟦⟧~~");
  turns("~~⟦⟧~~", "strike", "⟦⟧");
  turns("le ⟦x⟧", "code", "le `⟦x⟧`");
});

test("several lines of code are a block", () => {
  turns("voir ⟦a\nb⟧ ici", "code", "voir \n```\n⟦a\nb⟧\n```\n ici");
});

test("lists and quotes are of whole lines", () => {
  turns("un\nde⟦ux\ntr⟧ois", "list", "un\n⟦- deux\n- trois⟧");
  turns("un\n⟦- deux\n- trois⟧", "list", "un\n⟦deux\ntrois⟧");
  turns("mo⟦⟧t", "quote", "> mo⟦⟧t");
  turns("> mo⟦⟧t", "quote", "mo⟦⟧t");
});

test("a link asks for what it lacks", () => {
  turns("⟦ici⟧", "link", "[ici](⟦https://⟧)");
  turns("⟦https://a.fr/x⟧", "link", "[⟦⟧](https://a.fr/x)");
  turns("⟦⟧", "link", "[⟦⟧](https://)");
});

test("an address pasted over words links them", () => {
  const pasted = pasteLink(read("voir ⟦ici⟧ !"), " https://a.fr ");
  assert.ok(pasted);
  assert.equal(write(pasted), "voir [ici](https://a.fr)⟦⟧ !");
  for (const [selection, text] of [["⟦⟧", "https://a.fr"], ["⟦ici⟧", "mot"], ["⟦https://b.fr⟧", "https://a.fr"], ["⟦a\nb⟧", "https://a.fr"]]) {
    assert.equal(pasteLink(read(selection ?? ""), text ?? ""), null);
  }
});

test("an address without its preview is written in angle brackets", () => {
  assert.equal(withoutPreview("voir https://a.fr/x.", "https://a.fr/x"), "voir <https://a.fr/x>.");
  assert.equal(withoutPreview("https://a.fr/xy https://a.fr/x", "https://a.fr/x"), "https://a.fr/xy <https://a.fr/x>");
  assert.equal(withoutPreview("<https://a.fr>", "https://a.fr"), "<https://a.fr>");
  assert.equal(withoutPreview("voir [ici](https://a.fr) !", "https://a.fr"), "voir ici <https://a.fr> !");
  assert.equal(withoutPreview("rien", "https://a.fr"), "rien");
});
