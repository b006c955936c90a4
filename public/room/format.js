/**
 * What the buttons of the formatting bar do to a text and its selection. Pressed again, they undo themselves.
 *
 * @typedef {{ text: string, start: number, end: number }} Edit a text with the ends of its selection
 * @typedef {"bold" | "italic" | "strike" | "code" | "link" | "list" | "quote"} Format
 */

const MARKS = { bold: "**", italic: "_", strike: "~~", code: "`" };
const PREFIXES = { list: "- ", quote: "> " };
const FENCE = "```";
const ADDRESS = /^https?:\/\/\S+$/;

/** Which keys ask for which format, with Ctrl or Command. @type {Record<string, Format>} */
export const KEYS = { b: "bold", i: "italic", k: "link", e: "code" };
/** The same with Shift, as the browser names the key. @type {Record<string, Format>} */
export const SHIFT_KEYS = { x: "strike", "8": "list", "9": "quote" };

/** @param {Edit} edit @param {Format} format @returns {Edit} */
export function applyFormat(edit, format) {
  if (format === "link") return link(edit);
  if (format === "list" || format === "quote") return prefix(edit, PREFIXES[format]);
  if (format === "code" && edit.text.slice(edit.start, edit.end).includes("\n")) return fence(edit);
  return surround(edit, MARKS[format]);
}

/** @param {Edit} edit @param {string} mark @returns {Edit} */
function surround({ text, start, end }, mark) {
  // Space at the ends would keep the mark from being one.
  while (start < end && /\s/.test(text[start] ?? "")) start += 1;
  while (end > start && /\s/.test(text[end - 1] ?? "")) end -= 1;
  const inside = text.slice(start, end);
  const { length } = mark;
  if (text.slice(start - length, start) === mark && text.slice(end, end + length) === mark) {
    return { text: text.slice(0, start - length) + inside + text.slice(end + length), start: start - length, end: end - length };
  }
  if (inside.length >= 2 * length && inside.startsWith(mark) && inside.endsWith(mark)) {
    const bare = inside.slice(length, -length);
    return { text: text.slice(0, start) + bare + text.slice(end), start, end: start + bare.length };
  }
  return { text: text.slice(0, start) + mark + inside + mark + text.slice(end), start: start + length, end: end + length };
}

/** @param {Edit} edit @param {string} sign @returns {Edit} */
function prefix({ text, start, end }, sign) {
  const from = text.lastIndexOf("\n", start - 1) + 1;
  const next = text.indexOf("\n", end);
  const to = next < 0 ? text.length : next;
  const lines = text.slice(from, to).split("\n");
  const isOn = lines.every((line) => line.startsWith(sign));
  const changed = lines.map((line) => (isOn ? line.slice(sign.length) : line.startsWith(sign) ? line : sign + line)).join("\n");
  const isCaret = start === end;
  const at = Math.max(from, end + changed.length - (to - from));
  return { text: text.slice(0, from) + changed + text.slice(to), start: isCaret ? at : from, end: isCaret ? at : from + changed.length };
}

/** @param {Edit} edit @returns {Edit} */
function fence({ text, start, end }) {
  const before = start > 0 && text[start - 1] !== "\n" ? "\n" : "";
  const inside = text.slice(start, end).replace(/\n$/, "");
  const after = end < text.length && text[end] !== "\n" ? "\n" : "";
  const opening = `${before}${FENCE}\n`;
  return {
    text: `${text.slice(0, start)}${opening}${inside}\n${FENCE}${after}${text.slice(end)}`,
    start: start + opening.length, end: start + opening.length + inside.length,
  };
}

/** An address becomes a link with room for its name; words become the name, with the place of the address selected. @param {Edit} edit @returns {Edit} */
function link({ text, start, end }) {
  const inside = text.slice(start, end);
  if (ADDRESS.test(inside)) {
    return { text: `${text.slice(0, start)}[](${inside})${text.slice(end)}`, start: start + 1, end: start + 1 };
  }
  const address = "https://";
  const at = start + inside.length + 3;
  return { text: `${text.slice(0, start)}[${inside}](${address})${text.slice(end)}`, start: inside ? at : start + 1, end: inside ? at + address.length : start + 1 };
}

/** Puts an address over selected words: they become a link to it. @param {Edit} edit @param {string} pasted @returns {Edit | null} */
export function pasteLink({ text, start, end }, pasted) {
  const address = pasted.trim();
  const inside = text.slice(start, end);
  if (!ADDRESS.test(address) || inside.trim() === "" || inside.includes("\n") || ADDRESS.test(inside)) return null;
  const linked = `[${inside}](${address})`;
  return { text: text.slice(0, start) + linked + text.slice(end), start: start + linked.length, end: start + linked.length };
}

/**
 * A bare address that the author wants no preview of, written as one that has none. Outside of code and links only the first of each counts.
 * @param {string} text @param {string} url
 */
export function withoutPreview(text, url) {
  let from = 0;
  for (;;) {
    const at = text.indexOf(url, from);
    if (at < 0) return text;
    const [before, after] = [text[at - 1] ?? "", text[at + url.length] ?? ""];
    if (before === "(" && text[at - 2] === "]") {
      return `${text.slice(0, at - 2)}] <${url}>${text.slice(at + url.length + 1)}`.replace(/\[([^\][]*)\] </, "$1 <");
    }
    if (before !== "<" && /^[\s).,;:!?'"»\]]?$/.test(after)) return `${text.slice(0, at)}<${url}>${text.slice(at + url.length)}`;
    from = at + url.length;
  }
}
