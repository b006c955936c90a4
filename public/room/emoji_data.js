/**
 * Emoji by name, in French and in English, whatever the page's language: who thinks of "cœur" or of "heart" finds ❤️.
 * The data come with the first search and stay for as long as the page.
 */
import { fold } from "./fold.js";

/** @typedef {{ emoji: string, group: number, fr: string, en: string, shortcodes: string[], hasTones: boolean, words: string[] }} Emoji */
/** @typedef {[emoji: string, group: number, fr: string, en: string, frWords: string, enWords: string, shortcodes: string, tones: 0 | 1]} Row */

export const GROUPS = ["😀", "👋", "🐻", "🍎", "🚗", "⚽", "💡", "🔣", "🏁"];
export const RECENT_MAX = 27;
const TONES = ["", "🏻", "🏼", "🏽", "🏾", "🏿"];
const DATA = new URL("../emoji/emoji.json", import.meta.url);

/** @type {Promise<Emoji[]> | null} */
let loading = null;

/** All emoji; a failed attempt is tried again at the next use. @returns {Promise<Emoji[]>} */
export function loadEmoji() {
  loading ??= fetch(DATA).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status))))).then(readEmoji);
  loading.catch(() => {
    loading = null;
  });
  return loading;
}

/** @param {Row[]} rows @returns {Emoji[]} */
export function readEmoji(rows) {
  return rows.map(([emoji, group, fr, en, frWords, enWords, shortcodes, tones]) => ({
    emoji, group, fr, en, shortcodes: shortcodes ? shortcodes.split(" ") : [], hasTones: tones === 1,
    words: fold(`${fr} ${en} ${shortcodes.replaceAll("_", " ")} ${shortcodes} ${frWords} ${enWords}`).split(/[^\p{L}\p{N}_+-]+/u).filter(Boolean),
  }));
}

/**
 * The emoji whose words begin with each word of the query, the best first: a whole name, then a word of the names or a
 * shortcode, then a keyword.
 * @param {Emoji[]} all
 * @param {string} query
 * @param {number} [most]
 */
export function searchEmoji(all, query, most = Infinity) {
  const asked = fold(query).replaceAll(":", " ").split(/[\s'’]+/).filter(Boolean);
  if (asked.length === 0) return [];
  const whole = asked.join(" ");
  /** @type {{ one: Emoji, rank: number }[]} */
  const found = [];
  for (const one of all) {
    if (!asked.every((word) => one.words.some((known) => known.startsWith(word)))) continue;
    found.push({ one, rank: rankOf(one, whole) });
  }
  found.sort((a, b) => a.rank - b.rank);
  return found.slice(0, most).map(({ one }) => one);
}

/** @param {Emoji} one @param {string} whole */
function rankOf({ fr, en, shortcodes }, whole) {
  const names = [fold(fr), fold(en), ...shortcodes];
  if (names.includes(whole)) return 0;
  if (names.some((name) => name.startsWith(whole))) return 1;
  return names.some((name) => name.includes(whole)) ? 2 : 3;
}

/** With the skin tone that the person prefers, 0 for none. @param {Emoji} one @param {number} tone */
export function withTone({ emoji, hasTones }, tone) {
  const mark = TONES[tone];
  if (!hasTones || !mark) return emoji;
  const [first = "", ...rest] = [...emoji];
  return first + mark + (rest[0] === "\uFE0F" ? rest.slice(1) : rest).join("");
}

/** The last used ones, the latest first, each once. @param {string[]} recent @param {string} emoji */
export function remember(recent, emoji) {
  return [emoji, ...recent.filter((known) => known !== emoji)].slice(0, RECENT_MAX);
}

/**
 * Where an arrow key leads in a grid whose groups may end in short rows.
 * @param {{ x: number, y: number }[]} places of all cells, in their order
 * @param {number} from
 * @param {string} key
 * @returns {number | null} null: the key means nothing here; -1: out at the top
 */
export function moveInGrid(places, from, key) {
  const here = places[from];
  if (!here) return null;
  if (key === "ArrowRight") return Math.min(from + 1, places.length - 1);
  if (key === "ArrowLeft") return Math.max(from - 1, 0);
  if (key === "Home") return 0;
  if (key === "End") return places.length - 1;
  if (key !== "ArrowDown" && key !== "ArrowUp") return null;
  const step = key === "ArrowDown" ? 1 : -1;
  let at = from;
  while (places[at] && places[at]?.y === here.y) at += step;
  const row = places[at]?.y;
  if (row === undefined) return key === "ArrowUp" ? -1 : from;
  let best = at;
  for (; places[at]?.y === row; at += step) {
    if (Math.abs((places[at]?.x ?? 0) - here.x) < Math.abs((places[best]?.x ?? 0) - here.x)) best = at;
  }
  return best;
}
