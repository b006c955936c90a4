/** Who can be named with "@" in a room: its people as the page shows them, and everybody at once where one may call everybody. */
import { t } from "../strings.js";
import { folded } from "./suggest.js";
import { listsSome, memberCount } from "./people_search.js";
import { nameOf } from "./text.js";

/**
 * @import { Source, Suggestion } from "./suggest.js"
 * @import { Person } from "../types.js"
 * @typedef {{ id: number, name: string, initials: string }} Nameable
 */

/** In a room of so many people or fewer, each of them may call everybody; the server knows the same number (`message::mention`). */
const SMALL_ROOM = 20;

/** A name that more than one person has is followed by whose it is. @param {Nameable} person @param {Nameable[]} people */
function written({ id, name }, people) {
  const isShared = people.some((other) => other.id !== id && folded(other.name) === folded(name));
  return isShared ? `@${name}#${id}` : `@${name}`;
}

/**
 * @param {string} query what was typed after the sign
 * @param {Nameable[]} people of the room
 * @param {{ viewer: number, mayCallAll: boolean, all: { words: string[], note: string } }} options
 * @returns {Suggestion[]}
 */
export function matching(query, people, { viewer, mayCallAll, all }) {
  const wanted = folded(query);
  const found = people.filter(({ id, name }) => {
    const whole = folded(name);
    return id !== viewer && (whole.startsWith(wanted) || whole.split(/[\s-]+/).some((word) => word.startsWith(wanted)));
  });
  const lines = found.map((person) => ({
    id: String(person.id), text: person.name, insert: written(person, people),
    avatar: { initials: person.initials, hue: person.id % 12 },
  }));
  const word = mayCallAll ? all.words.find((known) => folded(known).startsWith(wanted)) : undefined;
  return word ? [...lines, { id: "all", text: word, insert: `@${word}`, note: all.note, glyph: "@" }] : lines;
}

/** The people of the page's right column. @returns {Nameable[]} */
function present() {
  return [...document.querySelectorAll("#members [data-member]")].map((line) => ({
    id: Number(line.getAttribute("data-member")),
    name: line.querySelector(".person-name")?.textContent?.trim() ?? "",
    initials: line.querySelector(".avatar")?.textContent ?? "",
  }));
}

/**
 * @param {{ viewer: number, role(): string, ask?(query: string): Promise<Person[]> }} reader `ask` finds those of a large room whom the page does not list
 * @returns {Source}
 */
export function mentionSource({ viewer, role, ask }) {
  return {
    sign: "@",
    // A first name and the beginning of what follows; a space at once after the sign asks for nothing.
    pattern: /^(?:[\p{L}\p{M}\p{N}][^\s@#]*(?:[ \u00a0][\p{L}\p{M}\p{N}'’.-]*){0,3})?$/u,
    label: t("js-mention-list"),
    async find(query) {
      const isLarge = listsSome();
      const found = isLarge && ask && query !== "" ? (await ask(query)).map((person) => ({ id: person.id, name: nameOf(person), initials: person.initials })) : [];
      const people = found.length > 0 ? found : present();
      const words = document.documentElement.lang === "en" ? ["all", "tous"] : ["tous", "all"];
      const mayCallAll = role() !== "member" || (!isLarge && Math.max(people.length, memberCount()) <= SMALL_ROOM);
      return matching(query, people, { viewer, mayCallAll, all: { words, note: t("js-mention-all") } });
    },
  };
}

/**
 * The fragment knows no viewer: who is named in it is seen here. Everybody is not who calls everybody.
 * @param {ParentNode} line
 */
export function markMentions(line) {
  const viewer = document.getElementById("messages")?.dataset.viewer;
  for (const mention of line.querySelectorAll(".mention")) {
    const user = mention.getAttribute("data-user");
    const isMine = mention.closest(".message")?.getAttribute("data-author") === viewer;
    mention.classList.toggle("is-me", user === viewer || (user === "all" && !isMine));
  }
}
