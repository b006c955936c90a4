/**
 * Makes public/emoji/emoji.json: every emoji with its names and search words in French and English, and its shortcodes.
 * Run when Unicode brings new ones:
 *
 *   npm install --no-save --prefix /tmp/emoji emojibase-data@17.0.0
 *   node tools/emoji.mjs /tmp/emoji/node_modules/emojibase-data
 *
 * The words are those of Unicode's CLDR (Unicode-3.0) as emojibase-data (MIT) arranges them; the shortcodes are GitHub's.
 * A test of src/message/emoji.rs compares the result with what the server knows.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Newer ones are a box on many computers. */
const VERSION_MAX = 16;
/** The components (skin tones, hair) are no emoji of their own. */
const COMPONENT = 2;
const TONE = "\u{1F3FD}";

const folder = process.argv[2];
if (!folder) throw new Error("name the folder of emojibase-data");
/** @param {string} name */
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const french = new Map(read("fr/data.json").map((/** @type {any} */ one) => [one.hexcode, one]));
const shortcodes = read("en/shortcodes/github.json");

const rgi = new RegExp("^\\p{RGI_Emoji}$", "v");

/** With the selector of colours where, and only where, Unicode recommends it. @param {string} emoji */
function qualified(emoji) {
  const bare = emoji.replaceAll("\uFE0F", "");
  const found = [bare, emoji, `${bare}\uFE0F`].find((candidate) => rgi.test(candidate));
  if (!found) throw new Error(`${emoji} is not recommended for interchange`);
  return found;
}

/** The browser puts a tone behind the first character: only where that is the emoji with one tone. @param {any} one */
function takesTone(one) {
  const [first = "", ...rest] = [...qualified(one.emoji)];
  const toned = first + TONE + (rest[0] === "\uFE0F" ? rest.slice(1) : rest).join("");
  return one.skins?.some((/** @type {any} */ skin) => skin.emoji.replaceAll("\uFE0F", "") === toned.replaceAll("\uFE0F", "")) && rgi.test(toned);
}

/** Words that the name does not hold already. @param {any} one */
function extra(one) {
  const name = one.label.toLowerCase();
  return (one.tags ?? []).filter((/** @type {string} */ tag) => !name.includes(tag.toLowerCase())).join(" ");
}

const all = read("en/data.json")
  .filter((/** @type {any} */ one) => one.group !== undefined && one.group !== COMPONENT && one.version <= VERSION_MAX)
  .sort((/** @type {any} */ a, /** @type {any} */ b) => a.order - b.order)
  .map((/** @type {any} */ one) => {
    const fr = french.get(one.hexcode);
    return [
      qualified(one.emoji), one.group > COMPONENT ? one.group - 1 : one.group, fr.label, one.label, extra(fr), extra(one),
      [shortcodes[one.hexcode] ?? []].flat().join(" "), takesTone(one) ? 1 : 0,
    ];
  });
const lines = all.map((/** @type {any} */ one) => JSON.stringify(one)).join(",\n");
writeFileSync(new URL("../public/emoji/emoji.json", import.meta.url), `[\n${lines}\n]\n`);
console.log(`${all.length} emoji`);
